//! What is known of one row that has begun and has no result.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::desk::SessionIds;
use super::policy::{Effects, Past, Sign, Verdict};
use super::record::Status;
use super::result::{Line, Meta, Note, Turn, Usage, millis, raw};
use super::row::Prompt;
use super::settle::Settings;
use crate::artifact::manifest::rfc3339;
use crate::clock::Clock;
use crate::exchange::Again;
use crate::protocol::Reply;
use crate::sample::{Failure, Outcome, Sample};
use crate::units::Offset;

/// A row that has begun and has no result.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) prompt: Option<Prompt>,
    pub(super) session_id: Arc<str>,
    /// Sessions begun.
    pub(super) sessions: u32,
    /// The next attempt is the first of a new session.
    pub(super) anew: bool,
    pub(super) turn: u32,
    /// Attempts at that turn so far.
    pub(super) tries: u32,
    /// Attempts of this leg that count.
    pub(super) counted: u32,
    pub(super) first: Option<Offset>,
    /// When the turn was first due.
    pub(super) due: Option<Offset>,
    /// The last error, and how often it came in a row.
    pub(super) same: (String, u32),
    pub(super) backoff: Duration,
    pub(super) ended: Offset,
    pub(super) notes: Vec<Box<RawValue>>,
    pub(super) turns: Vec<Turn>,
    /// What the server counted for the answers of this session.
    pub(super) usage: Usage,
    /// It has leave to send its first request of this errand.
    pub(super) has_leave: bool,
    /// How many were on the wire when its request left, itself included; 0 while it has none.
    pub(super) height: u32,
    /// An intent is in the journal, and its end is not.
    pub(super) intended: bool,
    /// It waits for another attempt.
    pub(super) taken_back: bool,
}

impl Row {
    pub(super) fn own_session(&self, item: u64, orders: &Settings) -> bool {
        !orders.0.items.is_shared(item) && orders.0.session_ids == SessionIds::Fresh
    }

    /// What becomes of the row.
    pub(super) fn judge(
        &mut self,
        sample: &Sample,
        sign: Sign,
        again: Option<Again>,
        item: u64,
        orders: &Settings,
    ) -> Verdict {
        let now = sample.timeline.ended;
        let first = *self.first.get_or_insert(sample.timeline.started.unwrap_or(now));
        if sign != Sign::Unreachable {
            self.counted += 1;
        }
        let error = format!("{} {:?}", sample.outcome.error(), sample.status);
        if self.same.0 == error {
            self.same.1 += 1;
        } else {
            self.same = (error, 1);
        }
        let past = Past {
            attempts: self.counted,
            same: self.same.1,
            elapsed: now.since(first),
            own_session: self.own_session(item, orders),
        };
        let verdict = match sign {
            // The agent has not taken it; perhaps it is the row's own tool that is missing.
            Sign::Refused if past.same < 3 && past.attempts < orders.0.policy.max_attempts => {
                Verdict::Again
            }
            _ => orders.0.policy.judge(sample.outcome, sign, past),
        };
        // Where the agent keeps no sessions, what was said before would be missing.
        let verdict = match verdict {
            Verdict::Again if sample.turn > 1 && orders.sends_history() => {
                match orders.0.policy.effects == Effects::AtLeastOnce && past.own_session {
                    true => Verdict::Anew,
                    false => Verdict::Last,
                }
            }
            verdict => verdict,
        };
        debug_assert!(verdict != Verdict::Again || again.is_some() || sign == Sign::Refused);
        verdict
    }

    pub(super) fn is_last_turn(&self, turn: u32) -> bool {
        self.prompt.as_ref().is_none_or(|prompt| turn as usize >= prompt.turns.len())
    }

    pub(super) fn note(&mut self, sample: &Sample, backoff: Duration, clock: Clock) {
        let scripted = self.prompt.as_ref().is_some_and(|prompt| prompt.scripted);
        let started = sample.timeline.started;
        // Of the queue of a further attempt, what lies before the end of its back-off is told as
        // such, or as the attempts before it.
        let queue = match self.ended {
            Offset::ZERO => sample.queue,
            ended if sample.attempt > 1 => {
                started.map_or(Duration::ZERO, |at| at.since(ended)).saturating_sub(backoff)
            }
            _ => sample.queue,
        };
        let error = sample.outcome.error();
        let note = Note {
            started_at: started.map(|at| rfc3339(clock.wall_origin() + at.since(Offset::ZERO))),
            ttfc_ms: sample.timeline.ttfc_service().map(millis),
            total_ms: sample.timeline.total_service().map(millis),
            queue_ms: millis(queue),
            backoff_ms: millis(backoff),
            http_status: sample.status,
            outcome: sample.outcome.word(),
            error: (!error.is_empty()).then_some(error),
            turn: scripted.then_some(sample.turn),
        };
        self.notes.push(raw(&note));
    }

    /// A turn has its whole answer, whether or not it is what was expected.
    pub(super) fn answered(&mut self, sample: &Sample, reply: &Reply) {
        let usage = Usage::of(sample.tokens);
        self.usage = self.usage.plus(usage);
        if self.prompt.as_ref().is_some_and(|prompt| prompt.scripted) {
            self.turns.push(Turn {
                text: reply.text().to_owned(),
                ttfc_ms: sample.timeline.ttfc_service().map(millis),
                total_ms: sample.timeline.total_service().map(millis),
                chunks: sample.chunks,
                usage,
            });
        }
        // The next turn is another one.
        self.counted = 0;
        self.tries = 0;
        self.due = None;
        self.same = Default::default();
    }

    pub(super) fn line(&self, sample: &Sample, reply: &Reply, status: Status) -> Box<RawValue> {
        let error = sample.outcome.error();
        let prompt = self.prompt.as_ref();
        let whole = is_whole(sample.outcome);
        raw(&Line {
            id: &self.id,
            status,
            http_status: sample.status,
            text: whole.then(|| reply.text()),
            turns: prompt.filter(|one| one.scripted).map(|_| self.turns.as_slice()),
            error: (!error.is_empty()).then_some(error),
            message: sample.message.as_deref(),
            attempts: &self.notes,
            chunks: sample.chunks,
            bytes: sample.bytes,
            usage: self.usage,
            session_id: Some(&self.session_id),
            meta: Meta(prompt.map_or(&[], |prompt| prompt.meta.as_slice())),
        })
    }
}

/// Whether the answer is all there, even where it is not what was expected.
pub(super) fn is_whole(outcome: Outcome) -> bool {
    outcome.is_completed() || outcome == Outcome::Failed(Failure::Expectation)
}
