//! What became of the sessions that were due.

use crate::sample::{Outcome, Reason, Sample};

/// Sessions by what became of their first turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Their first turn was sent.
    pub sent: u64,
    /// Their first turn was due and found no free slot, to the end or to be dropped.
    pub held: u64,
}

/// Whether a turn that was never sent was due: it was turned away, or waited when the run was
/// stopped. One that was not due before that ends when it was due.
fn was_due(sample: &Sample) -> bool {
    match sample.outcome {
        Outcome::Dropped(Reason::Stopped) => sample.timeline.ended > sample.timeline.intended,
        Outcome::Dropped(_) => true,
        _ => false,
    }
}

impl Opened {
    pub(super) fn note(&mut self, samples: &[Sample]) {
        for sample in samples.iter().filter(|sample| sample.turn == 1 && sample.attempt == 1) {
            if sample.timeline.started.is_some() {
                self.sent += 1;
            } else if was_due(sample) {
                self.held += 1;
            }
        }
    }
}
