//! What became of a run's connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that the workers of a run share; touched only when a connection is opened or given up.
#[derive(Debug, Default)]
pub struct WireCounts {
    opened: AtomicU64,
    replaced_idle: AtomicU64,
    replaced_unsent: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Connections opened.
    pub opened: u64,
    /// Idle ones that had ended, or had been idle too long, and were not used again.
    pub replaced_idle: u64,
    /// Used ones that turned out to have ended when a request was to be written, before a byte of it
    /// had left: another connection carried it.
    pub replaced_unsent: u64,
}

impl WireCounts {
    /// Counts a new connection and gives it its number.
    pub(super) fn opened(&self) -> u64 {
        self.opened.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn replaced_idle(&self) {
        self.replaced_idle.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn replaced_unsent(&self) {
        self.replaced_unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters now.
    pub fn read(&self) -> ConnectionCounts {
        ConnectionCounts {
            opened: self.opened.load(Ordering::Relaxed),
            replaced_idle: self.replaced_idle.load(Ordering::Relaxed),
            replaced_unsent: self.replaced_unsent.load(Ordering::Relaxed),
        }
    }
}
