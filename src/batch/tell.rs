//! What a desk tells those who listen to its events.

use std::time::Duration;

use super::desk::Desk;
use super::events::{Because, Happened};
use super::record::{Last, STATUSES};
use super::result::{Usage, millis};
use super::settle::{Settled, Work};
use super::standing::Standing;
use crate::artifact::manifest::rfc3339;
use crate::clock::Clock;
use crate::executor::Intent;
use crate::sample::Sample;
use crate::units::Offset;

/// Those who were told to wait together move the gate by less than this.
const SAME_GATE: Duration = Duration::from_millis(100);

/// How the target stood: the limit, and when its gate opens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) limit: u32,
    pub(super) closed_until: Option<Offset>,
}

impl Desk {
    pub(super) fn tell(&self, what: &Happened<'_>) {
        if self.events.wanted() {
            // Before the run has begun there is no clock yet.
            let clock = self.clock.get().copied().unwrap_or_else(Clock::start);
            let at = clock.wall_origin() + clock.now().since(Offset::ZERO);
            self.events.tell(&rfc3339(at), what);
        }
    }

    pub(super) fn tell_begun(&self, leg: usize) {
        let Standing { items, limit, .. } = self.standing();
        let left = items - self.standing().finished();
        self.tell(&Happened::Begun { run: &self.orders.0.run_id, leg, rows: items, left, limit });
    }

    /// An attempt leaves.
    pub(super) fn leaves(&self, work: &mut Work, intent: &Intent<'_>) {
        let Intent { number, turn, attempt, session_id } = *intent;
        work.sent(number);
        if !self.events.wanted() {
            return;
        }
        if std::mem::take(&mut work.gate_told) {
            self.tell(&Happened::GateOpened);
        }
        let id = work.facts(number).0;
        self.tell(&Happened::Intent { id: &id, turn, attempt, session_id });
    }

    /// What came of an attempt: for its row, and for the target, which stood as `before`.
    pub(super) fn tell_attempt(
        &self,
        work: &mut Work,
        sample: &Sample,
        settled: &Settled,
        before: Target,
    ) {
        let (id, attempts) = work.facts(sample.session_number);
        let error = Some(sample.outcome.error()).filter(|error| !error.is_empty());
        self.tell(&Happened::Attempt {
            id: &id,
            turn: sample.turn,
            attempt: sample.attempt,
            outcome: sample.outcome.word(),
            error,
            http_status: sample.status,
            ttfc_ms: sample.timeline.ttfc_service().map(millis),
            total_ms: sample.timeline.total_service().map(millis),
            chunks: sample.chunks,
            bytes: sample.bytes,
            usage: Usage::of(sample.tokens),
            again_in_ms: settled.again_in.map(millis),
        });
        if let Some(status) = settled.status {
            self.tell(&Happened::Row { id: &id, status, error, attempts });
        }
        let now = self.now();
        let after = work.target(now);
        if after.limit != before.limit {
            self.tell(&Happened::Limit { limit: after.limit, was: before.limit });
        }
        if let Some(until) = after.closed_until
            && before.closed_until.is_none_or(|known| until.since(known) >= SAME_GATE)
        {
            work.gate_told = true;
            let because = match sample.status {
                Some(_) => Because::RetryAfter,
                None => Because::Unreachable,
            };
            self.tell(&Happened::GateClosed { because, for_ms: millis(until.since(now)) });
        }
    }

    /// A row has its result without an attempt.
    pub(super) fn tell_row_of(&self, last: &Last) {
        if !self.events.wanted() {
            return;
        }
        #[derive(serde::Deserialize)]
        struct Known {
            id: String,
            error: Option<String>,
            attempts: Vec<serde::de::IgnoredAny>,
        }
        // Our own line can always be read.
        if let Ok(Known { id, error, attempts }) = serde_json::from_str(last.line.get()) {
            let (status, error, attempts) = (last.status, error.as_deref(), attempts.len());
            self.tell(&Happened::Row { id: &id, status, error, attempts });
        }
    }

    /// No more rows are begun, for a reason of our own.
    pub(super) fn tell_halted(&self) {
        if let Some(halt) = self.halted() {
            let because = halt.word();
            self.tell(&match halt.can_be_resumed() {
                true => Happened::Paused { because },
                false => Happened::Stopped { because },
            });
        }
    }

    /// Somebody wants the batch to stop.
    pub fn interrupted(&self) {
        self.tell(&Happened::Paused { because: "interrupted" });
    }

    /// All workers have ended.
    pub fn ended(&self) {
        let standing = self.standing();
        let counts = STATUSES
            .iter()
            .map(|one| (one.word().to_owned(), standing.counts[*one as usize].into()))
            .collect();
        let left = standing.items - standing.finished();
        self.tell(&Happened::Ended { rows: standing.items, left, counts: &counts });
    }
}
