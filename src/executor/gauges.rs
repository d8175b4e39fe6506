//! How a run stands at this moment, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one worker. Only that worker writes them, on a cache line of its own, so that being
/// watched costs it nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Gauges {
    started: AtomicU64,
    ended: AtomicU64,
}

/// What is on the wire, and what was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Attempts sent so far.
    pub started: u64,
    /// Of those, ended.
    pub ended: u64,
}

impl Gauges {
    pub(super) fn attempt_started(&self) {
        bump(&self.started);
    }

    pub(super) fn attempt_ended(&self) {
        bump(&self.ended);
    }

    /// The sum over workers.
    pub fn sum<'a>(workers: impl IntoIterator<Item = &'a Self>) -> Load {
        workers.into_iter().fold(Load::default(), |sum, one| Load {
            // Ended first: what is counted ended must be counted started.
            ended: sum.ended + one.ended.load(Ordering::Acquire),
            started: sum.started + one.started.load(Ordering::Acquire),
        })
    }
}

impl Load {
    /// Attempts on the wire.
    pub fn in_flight(self) -> u64 {
        self.started.saturating_sub(self.ended)
    }
}

/// One writer: a load and a store instead of a locked add.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}
