//! Playing a reply: every part when it is due, and a stamp on every write.

use std::time::Duration;

use super::connection::Connection;
use super::pending::Pending;
use super::reply::{Finish, Part, Reply};
use super::truth::{End, KEPT_WRITES, Record};
use crate::units::Offset;

impl Connection {
    /// Plays a reply to its end and writes into the record what was done when. `true` if the
    /// connection can take another request.
    pub(super) async fn play(
        &mut self,
        reply: &Reply,
        pending: &mut Pending,
        origin: Offset,
    ) -> bool {
        let record = pending.record();
        record.status = reply.status;
        let there = self.play_parts(reply, record, origin).await;
        if !there {
            pending.end(End::ClientGone);
            return false;
        }
        match reply.finish {
            Finish::Done => {
                pending.end(End::Complete);
                return reply.keep_alive;
            }
            Finish::DoneByClose => {
                self.close().await;
                pending.end(End::Complete);
            }
            Finish::Cut => {
                self.close().await;
                pending.end(End::Cut);
            }
            Finish::Reset => {
                self.reset();
                pending.end(End::Reset);
            }
            Finish::Hold => {
                while self.client_is_there().await {}
                pending.end(End::ClientGone);
            }
        }
        false
    }

    async fn play_parts(&mut self, reply: &Reply, record: &mut Record, origin: Offset) -> bool {
        let (mut sent, mut next) = (0, 0);
        if let Some(span) = reply.slow_head {
            if !self.dribble(&reply.wire[..reply.head_end], span, origin).await {
                return false;
            }
            sent = reply.head_end;
            record.head = Some(self.worker.now());
        }
        loop {
            // What is due together is written together.
            let now = self.worker.now();
            let from = next;
            while reply.parts.get(next).is_some_and(|part| origin + part.due <= now) {
                next += 1;
            }
            let until = match next {
                0 => reply.head_end,
                next => reply.parts[next - 1].end,
            };
            if until > sent {
                if self.send(&reply.wire[sent..until]).await.is_err() {
                    return false;
                }
                sent = until;
                record.head.get_or_insert(now);
                if next > from {
                    self.note(record, &reply.parts[from..next], origin, now);
                }
            }
            let Some(part) = reply.parts.get(next) else { return true };
            if !self.wait(origin + part.due).await {
                return false;
            }
        }
    }

    fn note(&self, record: &mut Record, written: &[Part], origin: Offset, now: Offset) {
        let late = written.first().map_or(Duration::ZERO, |part| now.since(origin + part.due));
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.worker.ledger().late(late);
        record.late_us = record.late_us.max(late);
        let payload = written.iter().map(|part| part.payload).sum();
        self.count(record, payload, written.iter().map(|part| part.chunks).sum(), now);
    }

    /// Counts a write of the body.
    pub(super) fn count(&self, record: &mut Record, payload: usize, chunks: u32, now: Offset) {
        if payload > 0 {
            record.writes += 1;
            record.bytes += payload as u64;
            let kept = self.worker.shared.options.limits.truth_writes;
            if kept && record.write_times.len() < KEPT_WRITES {
                record.write_times.push(now);
            }
        }
        if chunks > 0 {
            record.chunks += chunks;
            record.first_chunk.get_or_insert(now);
            record.last_chunk = Some(now);
        }
    }

    /// Writes byte by byte over a time.
    async fn dribble(&mut self, bytes: &[u8], span: Duration, origin: Offset) -> bool {
        let step = span / u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX);
        let mut due = origin;
        for byte in bytes {
            due = due + step;
            if !self.wait(due).await || self.send(&[*byte]).await.is_err() {
                return false;
            }
        }
        true
    }
}
