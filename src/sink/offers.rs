//! What became of the sessions that were due.

use crate::measure::Layout;
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

/// Notes what became of sessions in `opened`, which has an entry for each scenario of `layout`.
pub(super) fn note(opened: &mut [Opened], layout: &Layout, samples: &[Sample]) {
    for sample in samples.iter().filter(|sample| sample.turn == 1 && sample.attempt == 1) {
        let scenario = usize::from(layout.scenario_of(sample.kind));
        let Some(opened) = opened.get_mut(scenario) else { continue };
        if sample.timeline.started.is_some() {
            opened.sent += 1;
        } else if was_due(sample) {
            opened.held += 1;
        }
    }
}
