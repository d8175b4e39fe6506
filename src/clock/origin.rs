//! The origin that all offsets of a run count from.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::units::Offset;

/// Counts nanoseconds from an origin on a monotonic clock. Cheap to copy; every copy agrees.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Origin,
    wall: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Origin {
    Real(Instant),
    /// Tokio's clock, which a test may pause and turn.
    Virtual(tokio::time::Instant),
}

impl Clock {
    /// A clock whose origin is now.
    pub fn start() -> Self {
        Self { origin: Origin::Real(Instant::now()), wall: wall_time() }
    }

    /// A clock that follows tokio's, so that a test with paused time can turn it.
    pub fn following_tokio() -> Self {
        Self { origin: Origin::Virtual(tokio::time::Instant::now()), wall: wall_time() }
    }

    /// A clock that ticks like this one but whose origin is `later` after this one's.
    pub fn shifted(self, later: Duration) -> Self {
        let origin = match self.origin {
            Origin::Real(instant) => Origin::Real(instant + later),
            Origin::Virtual(instant) => Origin::Virtual(instant + later),
        };
        Self { origin, wall: self.wall + later }
    }

    /// Time since the origin; [`Offset::ZERO`] before it.
    pub fn now(&self) -> Offset {
        let elapsed = match self.origin {
            Origin::Real(instant) => instant.elapsed(),
            Origin::Virtual(instant) => instant.elapsed(),
        };
        Offset::ZERO + elapsed
    }

    /// Whether the origin is still ahead: nothing may be stamped before it.
    pub fn is_before_origin(&self) -> bool {
        match self.origin {
            Origin::Real(instant) => Instant::now() < instant,
            Origin::Virtual(instant) => tokio::time::Instant::now() < instant,
        }
    }

    /// The same point on tokio's clock, for its coarse timers (about a millisecond).
    pub fn on_tokio(&self, at: Offset) -> tokio::time::Instant {
        let origin = match self.origin {
            Origin::Real(instant) => tokio::time::Instant::from_std(instant),
            Origin::Virtual(instant) => instant,
        };
        // Far enough to be "never", near enough not to overflow.
        let ahead = Duration::from_nanos(at.nanos()).min(Duration::from_secs(3600 * 24 * 365));
        origin + ahead
    }

    /// Wall time of the origin, since the Unix epoch.
    pub fn wall_origin(&self) -> Duration {
        self.wall
    }

    pub(super) fn is_virtual(&self) -> bool {
        matches!(self.origin, Origin::Virtual(_))
    }
}

/// Processor time that this process has used so far, all threads together.
pub fn cpu_time() -> Duration {
    #[cfg(unix)]
    {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(
            u64::try_from(used.tv_sec).unwrap_or(0),
            u32::try_from(used.tv_nsec).unwrap_or(0),
        )
    }
    #[cfg(not(unix))]
    Duration::ZERO
}

/// The wall clock, since the Unix epoch. For names and headings, and beside stamps that others made on it:
/// it is slewed and stepped, so nothing is measured with it.
pub fn wall_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
