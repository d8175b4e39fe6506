//! Turns by how they ended.

use crate::sample::{Outcome, Phase};
use crate::units::Offset;

/// Turns by how their last attempt ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The whole reply came.
    pub completed: u64,
    /// Something went wrong.
    pub failed: u64,
    /// Given up waiting.
    pub timed_out: u64,
    /// Cut by us.
    pub cancelled: u64,
    /// Never sent.
    pub dropped: u64,
    /// Those of them whose session was never opened: they have no row.
    pub unopened: u64,
    /// Those of them that were due before the warm-up was over.
    pub in_warmup: u64,
}

impl Counts {
    /// All of them.
    pub fn planned(&self) -> u64 {
        self.completed + self.unanswered()
    }

    /// All that have no whole reply.
    pub fn unanswered(&self) -> u64 {
        self.failed + self.timed_out + self.cancelled + self.dropped
    }

    /// (failed + timed out + dropped) / (planned − cancelled); `None` where there is nothing to
    /// divide by.
    pub fn error_rate(&self) -> Option<f64> {
        let judged = self.planned() - self.cancelled;
        (judged > 0).then(|| (judged - self.completed) as f64 / judged as f64)
    }

    pub(super) fn count(&mut self, outcome: Outcome, phase: Phase) {
        *match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::TimedOut(_) => &mut self.timed_out,
            Outcome::Cancelled => &mut self.cancelled,
            Outcome::Dropped(_) => &mut self.dropped,
        } += 1;
        self.in_warmup += u64::from(phase == Phase::Warmup);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.cancelled += other.cancelled;
        self.dropped += other.dropped;
        self.unopened += other.unopened;
        self.in_warmup += other.in_warmup;
    }
}

/// What is counted of one scenario over the whole run, warm-up included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScenarioCounts {
    /// Its turns.
    pub counts: Counts,
    /// Its set-up and closing turns.
    pub aside: Counts,
    /// When its last attempt ended.
    pub last_ended: Offset,
}

impl ScenarioCounts {
    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.aside.merge(&other.aside);
        self.last_ended = self.last_ended.max(other.last_ended);
    }
}
