//! Hands out the rows, keeps the journal of what is sent, and settles what comes of it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::account::{Account, Open};
use super::halt::Halt;
use super::input::Input;
use super::items::Items;
use super::limit::Limit;
use super::policy::{Effects, Policy};
use super::queue::Next;
use super::record::{Last, Record, Status};
use super::result::{Line, Meta, Note, raw};
use super::settle::{Settings, Work};
use crate::clock::Clock;
use crate::exchange::Again;
use crate::executor::{Errand, Errands, Intent, Pending, Stop};
use crate::journal::{Durability, Seat};
use crate::plan::Plan;
use crate::protocol::Reply;
use crate::sample::Sample;
use crate::scenario::Failures;
use crate::units::Offset;

/// Which `session_id` is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionIds {
    /// One that no other run has used.
    #[default]
    Fresh,
    /// The row's own session, as it stands there.
    Literal,
}

/// What a desk works by.
#[derive(Debug)]
pub struct Orders {
    /// The plan that sessions are taken from.
    pub plan: Plan,
    /// The prompts.
    pub input: Arc<Input>,
    /// What is to be asked.
    pub items: Items,
    /// How often and how long rows are tried.
    pub policy: Policy,
    /// `None`: found out, up to this many.
    pub concurrency: Result<u32, u32>,
    /// Fresh session ids begin with it.
    pub run_id: String,
    /// See there.
    pub session_ids: SessionIds,
    /// Whether a result waits for the disk before the next row is begun.
    pub durability: Durability,
    /// Stop when more rows than this have failed.
    pub max_failures: Option<Failures>,
    /// Offsets in `samples.csv` count from the first leg's origin, which was so long before this
    /// leg's.
    pub base: Duration,
    /// Names of the session kinds, and of the scenario.
    pub kinds: Vec<String>,
    /// The scenario's name.
    pub name: String,
    /// A session goes on after a row that failed.
    pub goes_on: bool,
}

/// Where the rows come from and the answers go. Shared by all workers.
#[derive(Debug)]
pub struct Desk {
    orders: Settings,
    seat: Seat,
    stop: Stop,
    clock: OnceLock<Clock>,
    work: Mutex<Work>,
    /// Something may have come free.
    free: Notify,
    /// The gate has moved.
    gate: Notify,
}

/// How a batch stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// Rows there are.
    pub items: u64,
    /// With a result, by status in the order of `STATUSES`.
    pub counts: [u64; 6],
    /// Of those, before this leg.
    pub before: u64,
    /// On their way.
    pub under_way: u32,
    /// Waiting to be tried again.
    pub waiting: usize,
    /// How many may be on their way.
    pub limit: u32,
    /// Requests may leave again then.
    pub closed_until: Option<Offset>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl Standing {
    /// Rows with a result.
    pub fn finished(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Rows whose result is not an answer.
    pub fn unanswered(&self) -> u64 {
        self.finished() - self.counts[Status::Completed as usize]
    }
}

impl Desk {
    /// A desk that goes on where `account` ends, tells the journal at `seat`, and stops by `stop`.
    pub fn new(orders: Orders, account: Account, seat: Seat, stop: Stop) -> Self {
        let limit = match orders.concurrency {
            Ok(count) => Limit::fixed(count),
            Err(most) => Limit::searched(most),
        };
        let orders = Settings(orders);
        let work = Work::new(account, limit, &orders);
        let desk = Self {
            orders,
            seat,
            stop,
            clock: OnceLock::new(),
            work: Mutex::new(work),
            free: Notify::new(),
            gate: Notify::new(),
        };
        desk.settle_the_past();
        desk
    }

    /// The run has begun; its offsets are on `clock`.
    pub fn begin(&self, clock: Clock) {
        let _ = self.clock.set(clock);
        let started_ms = clock.wall_origin().as_millis() as u64;
        self.seat.hand(Record::Leg { started_ms }.payload());
    }

    /// Starts no more rows, for this reason.
    pub fn halt(&self, why: Halt) {
        self.work().halt.get_or_insert(why);
        self.stop.drain();
        self.free.notify_waiters();
        self.gate.notify_waiters();
    }

    /// Why no more rows are started, if so.
    pub fn halted(&self) -> Option<Halt> {
        self.work().halt.clone()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let now = self.clock.get().map_or(Offset::ZERO, Clock::now);
        self.work().standing(now, self.orders.0.items.len())
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Offset {
        self.clock.get().map_or(Offset::ZERO, Clock::now)
    }

    /// Items that an earlier leg left without a result: those that must not be sent again get theirs,
    /// rows that cannot be asked too.
    fn settle_the_past(&self) {
        let orders = &self.orders.0;
        let mut work = self.work();
        let mut open: Vec<(u64, Open)> = work.unsettled.drain().collect();
        open.sort_unstable_by_key(|(item, _)| *item);
        for (item, mut open) in open {
            if open.in_doubt {
                let outcome = "in_doubt";
                let note = Note {
                    started_at: None,
                    ttfc_ms: None,
                    total_ms: None,
                    queue_ms: 0.0,
                    backoff_ms: 0.0,
                    http_status: None,
                    outcome,
                    error: None,
                    turn: None,
                };
                open.notes.push(raw(&note));
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
            session_id: None,
            meta: Meta(&meta),
        })
    }

    /// Gives an item the result it has without an attempt, and its session's later rows theirs.
    fn finish(&self, work: &mut Work, item: u64, last: Last) {
        let completed = last.status == Status::Completed;
        if work.finish(item, last.status) {
            self.seat.hand(Record::Last { item, last }.payload());
        }
        self.follow(work, item, completed);
    }

    /// What comes after `item` in its session may go, or never will.
    fn follow(&self, work: &mut Work, item: u64, completed: bool) {
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
                    self.seat.hand(Record::Last { item, last: Last { status, line } }.payload());
                }
            }
            next = self.orders.0.items.next(item);
        }
    }

    /// The item as it is handed to a worker.
    fn errand(&self, item: u64) -> Option<Errand> {
        let (row, _) = self.orders.0.items.row(item);
        let known = self.work().knows(item);
        let read = if known { None } else { Some(self.orders.0.input.prompt(row)) };
        match read.transpose() {
            Ok(read) => Some(self.work().errand(item, read, &self.orders)),
            Err(why) => {
                self.work().under_way -= 1;
                self.halt(Halt::Broken(why));
                None
            }
        }
    }
}

impl Errands for Desk {
    fn next(&self) -> Pending<'_, Option<Errand>> {
        Box::pin(async move {
            if self.orders.0.durability == Durability::Each
                && !self.seat.synced(self.seat.handed()).await
            {
                return None;
            }
            loop {
                let mut free = std::pin::pin!(self.free.notified());
                free.as_mut().enable();
                let next = self.work().next(self.now(), &self.orders);
                match next {
                    Some(Next::Item(item)) => {
                        // Whoever waits beside us may find more.
                        self.free.notify_one();
                        return self.errand(item);
                    }
                    Some(Next::At(at)) => {
                        let clock = self.clock.get()?;
                        tokio::select! {
                            () = tokio::time::sleep_until(clock.on_tokio(at)) => {}
                            () = free => {}
                        }
                    }
                    Some(Next::Wait) => free.await,
                    Some(Next::Empty) | None => {
                        self.free.notify_waiters();
                        return None;
                    }
                }
            }
        })
    }

    fn clear<'a>(&'a self, intent: Intent<'a>) -> Pending<'a, bool> {
        Box::pin(async move {
            let Some(clock) = self.clock.get() else { return false };
            let mut written = false;
            loop {
                let mut gate = std::pin::pin!(self.gate.notified());
                gate.as_mut().enable();
                let leave = {
                    let mut work = self.work();
                    if work.halt.is_some() {
                        return false;
                    }
                    work.pace.leave(clock.now())
                };
                if let Err(at) = leave {
                    tokio::select! {
                        () = tokio::time::sleep_until(clock.on_tokio(at)) => {}
                        () = gate => {}
                    }
                    continue;
                }
                if !written {
                    written = true;
                    let record = self.work().intend(&intent);
                    let count = self.seat.hand(record.payload());
                    if !self.seat.synced(count).await {
                        return false;
                    }
                    // The gate may have been shut meanwhile.
                    if !self.work().pace.is_open(clock.now()) {
                        continue;
                    }
                }
                return true;
            }
        })
    }

    fn ended(&self, sample: &Sample, again: Option<Again>, reply: &Reply) -> bool {
        let Some(clock) = self.clock.get() else { return false };
        let mut work = self.work();
        let item = sample.session_number;
        let settled = work.settle(sample, again, reply, *clock, &self.orders);
        self.seat.hand(settled.record.payload());
        if let Some(completed) = settled.finished {
            self.follow(&mut work, item, completed);
        }
        let exceeded = work.halt.is_none()
            && self.orders.0.max_failures.is_some_and(|most| {
                let standing = work.standing(clock.now(), self.orders.0.items.len());
                most.are_exceeded(standing.unanswered(), standing.items)
            });
        drop(work);
        if settled.gate_moved {
            self.gate.notify_waiters();
        }
        if let Some(halt) = settled.halt {
            self.halt(halt);
        } else if exceeded {
            self.halt(Halt::Failures);
        }
        settled.taken_back
    }

    fn closed(&self, item: u64) {
        let withdrawn = self.work().closed(item);
        if withdrawn {
            self.seat.hand(Record::Withdrawn { item }.payload());
        }
        self.free.notify_one();
    }
}
