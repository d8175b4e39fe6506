//! Results that need no attempt: what an earlier leg left that must not be sent again, rows that cannot
//! be asked, and rows whose session has come to its end before them.

use super::account::Open;
use super::desk::{Desk, SessionIds};
use super::policy::Effects;
use super::record::{Last, Record, Status};
use super::result::{Line, Meta, in_doubt, raw};
use super::settle::Work;

impl Desk {
    /// Items that an earlier leg left without a result: those that must not be sent again get theirs,
    /// rows that cannot be asked too.
    pub(super) fn settle_the_past(&self) {
        let orders = &self.orders.0;
        let mut work = self.work();
        let mut open: Vec<(u64, Open)> = work.unsettled.drain().collect();
        open.sort_unstable_by_key(|(item, _)| *item);
        for (item, mut open) in open {
            if open.in_doubt {
                open.notes.push(in_doubt());
            }
            let taken = open.in_doubt || open.taken;
            let again = orders.policy.effects == Effects::AtLeastOnce
                && (!orders.items.is_shared(item))
                && orders.session_ids == SessionIds::Fresh;
            if taken && !again {
                let status = if open.in_doubt { Status::InDoubt } else { Status::Cancelled };
                let message = if open.in_doubt {
                    "it was sent when the batch was stopped, and what came of it is not known"
                } else {
                    "the batch was stopped in the middle of it"
                };
                let line = self.line_without_reply(item, status, message, &open.notes);
                self.finish(&mut work, item, Last { status, line });
            } else {
                work.resume(item, open);
            }
        }
        for item in 0..orders.items.len() {
            let (row, _) = orders.items.row(item);
            if let Some(why) = orders.input.bad(row).filter(|_| !work.queue.is_done(item)) {
                let line = self.line_without_reply(item, Status::Skipped, why, &[]);
                self.finish(&mut work, item, Last { status: Status::Skipped, line });
            }
        }
        // Followers whose turn it was when the last leg ended.
        for item in 0..orders.items.len() {
            if work.queue.is_done(item)
                && let Some(next) = orders.items.next(item)
                && !work.queue.is_done(next)
            {
                work.queue.free(next);
            }
        }
    }

    fn line_without_reply(
        &self,
        item: u64,
        status: Status,
        message: &str,
        attempts: &[Box<serde_json::value::RawValue>],
    ) -> Box<serde_json::value::RawValue> {
        let (row, _) = self.orders.0.items.row(item);
        let (id, meta) = match self.orders.0.input.prompt(row) {
            Ok((id, prompt)) => (id, prompt.meta),
            Err(_) => (self.orders.0.input.id_of_bad(row), Vec::new()),
        };
        raw(&Line {
            id: &self.orders.id(item, id),
            status,
            http_status: None,
            text: None,
            turns: None,
            error: (status == Status::Skipped).then_some("local"),
            message: Some(message),
            attempts,
            chunks: 0,
            bytes: 0,
            usage: Default::default(),
            session_id: None,
            meta: Meta(&meta),
        })
    }

    /// Gives an item the result it has without an attempt, and its session's later rows theirs.
    fn finish(&self, work: &mut Work, item: u64, last: Last) {
        let completed = last.status == Status::Completed;
        if work.finish(item, last.status) {
            self.tell_row_of(&last);
            self.seat.hand(Record::Last { item, last }.payload());
        }
        self.follow(work, item, completed);
    }

    /// What comes after `item` in its session may go, or never will.
    pub(super) fn follow(&self, work: &mut Work, item: u64, completed: bool) {
        let Some(next) = self.orders.0.items.next(item) else { return };
        if completed || self.orders.0.goes_on {
            // Before the run has begun, the queue is looked through anyway.
            if self.clock.get().is_some() {
                work.queue.free(next);
                self.free.notify_one();
            }
            return;
        }
        let mut next = Some(next);
        while let Some(item) = next {
            if !work.queue.is_done(item) {
                let status = Status::Skipped;
                let message = "an earlier row of its session has no answer";
                let line = self.line_without_reply(item, status, message, &[]);
                if work.finish(item, status) {
                    let last = Last { status, line };
                    self.tell_row_of(&last);
                    self.seat.hand(Record::Last { item, last }.payload());
                }
            }
            next = self.orders.0.items.next(item);
        }
    }
}
