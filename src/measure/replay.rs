//! The same sum from samples read again.

use std::collections::HashMap;
use std::sync::Arc;

use super::layout::Layout;
use super::tally::EndedSession;
use super::totals::Totals;
use super::values::values;
use super::within::Within;
use crate::metric::Metric;
use crate::sample::{Part, Phase, Sample};

/// Builds [`Totals`] from the samples of a finished run. They are those of the live run but for
/// gaps, which samples do not have. Memory grows with the number of sessions.
#[derive(Debug)]
pub struct Replay {
    totals: Totals,
    /// Each session as far as it came, and how many of its turns are still to come.
    sessions: HashMap<u64, (EndedSession, u32)>,
    no_gaps: Within,
}

impl Replay {
    /// Nothing read yet.
    pub fn new(layout: Arc<Layout>) -> Self {
        Self { totals: Totals::new(layout), sessions: HashMap::new(), no_gaps: Within::new() }
    }

    /// Adds one row.
    pub fn sample(&mut self, sample: &Sample) {
        if let Some(started) = sample.timeline.started {
            self.totals.flow(started.nanos() / 1_000_000_000).started += 1;
        }
        let second = sample.timeline.ended.nanos() / 1_000_000_000;
        self.totals.flow(second).sample(sample);
        let (layout, tally, blocks) = self.totals.parts_mut();
        tally.sample(layout, sample, &self.no_gaps);
        let main = sample.part == Part::Main;
        let measured = main && sample.phase != Phase::Warmup && !sample.retried;
        if measured && sample.outcome.is_completed() {
            blocks.add_values(second, &values(sample));
        }
        if main && !sample.retried {
            self.session(sample);
        }
    }

    fn session(&mut self, sample: &Sample) {
        let turn = EndedSession {
            kind: sample.kind,
            phase: sample.phase,
            due: sample.timeline.intended,
            ended: sample.timeline.ended,
            completed: sample.outcome.is_completed(),
        };
        self.sessions
            .entry(sample.session_number)
            .and_modify(|(session, left)| {
                *left = left.saturating_sub(1);
                if turn.due < session.due {
                    session.due = turn.due;
                    session.phase = turn.phase;
                }
                session.ended = session.ended.max(turn.ended);
                session.completed &= turn.completed;
            })
            .or_insert((turn, sample.session_turns.saturating_sub(1)));
    }

    /// All rows were read.
    pub fn finish(mut self) -> Totals {
        let (layout, tally, blocks) = self.totals.parts_mut();
        for (session, left) in self.sessions.values() {
            // Cut short by the end of the load, and good so far: neither complete nor incomplete.
            if *left > 0 && session.completed {
                continue;
            }
            tally.session_ended(layout, session);
            if session.completed && session.phase != Phase::Warmup {
                let second = session.ended.nanos() / 1_000_000_000;
                blocks.add_value(second, Metric::SessionTotal, session.total());
            }
        }
        self.totals
    }
}
