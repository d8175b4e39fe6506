//! What became of the sessions that were due.

use crate::sample::{Outcome, Sample};

/// Sessions by what became of their first turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Their first turn was sent.
    pub sent: u64,
    /// Their first turn was due and found no free slot, to the end or to be dropped.
    pub held: u64,
}

impl Opened {
    pub(super) fn note(&mut self, samples: &[Sample]) {
        for sample in samples.iter().filter(|sample| sample.turn == 1 && sample.attempt == 1) {
            if sample.timeline.started.is_some() {
                self.sent += 1;
            } else if matches!(sample.outcome, Outcome::Dropped(_)) {
                self.held += 1;
            }
        }
    }
}
