//! How a run stands at this moment, for whoever watches it.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one worker. Only that worker writes them, on a cache line of its own, so that being
/// watched costs it nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Gauges {
    started: AtomicU64,
    ended: AtomicU64,
    /// The system's number of the worker's thread; 0 until it runs, or where there is none.
    thread: AtomicI32,
    /// Nanoseconds it waited wide awake.
    awake: AtomicU64,
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

    /// The calling thread is the worker's.
    pub(super) fn on_this_thread(&self) {
        #[cfg(target_os = "linux")]
        self.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
    }

    /// How long the worker has waited wide awake for due times that were near.
    pub(super) fn awake(&self, so_far: Duration) {
        let nanos = u64::try_from(so_far.as_nanos()).unwrap_or(u64::MAX);
        self.awake.store(nanos, Ordering::Release);
    }

    /// The system's number of the worker's thread, once it runs.
    pub fn thread(&self) -> Option<i32> {
        Some(self.thread.load(Ordering::Acquire)).filter(|&thread| thread != 0)
    }

    /// How long the worker has waited wide awake for due times that were near: it ran, and had
    /// nothing to do.
    pub fn wide_awake(&self) -> Duration {
        Duration::from_nanos(self.awake.load(Ordering::Acquire))
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
