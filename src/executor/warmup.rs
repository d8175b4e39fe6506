//! When the warm-up is over: at a time, or when so many turns have ended.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::scenario::Warmup;
use crate::units::Offset;

/// The end of the warm-up, shared by the workers of a run.
#[derive(Debug)]
pub(super) struct WarmupEnd {
    /// Turns that still have to end.
    left: AtomicU64,
    /// Nanoseconds of the end; later than anything until the last of those turns has ended, so that
    /// whatever is noted before that is marked as what it is.
    end: AtomicU64,
}

impl WarmupEnd {
    /// That of a load that begins at `start`.
    pub(super) fn new(warmup: Warmup, start: Offset) -> Self {
        let (left, end) = match warmup {
            Warmup::Time(time) => (0, start + time),
            Warmup::Turns(turns) => (turns, Offset::NEVER),
        };
        Self { left: AtomicU64::new(left), end: AtomicU64::new(end.nanos()) }
    }

    /// Whether a turn due at `intended` belongs to the warm-up.
    pub(super) fn covers(&self, intended: Offset) -> bool {
        intended < self.at()
    }

    /// When it was over; `NEVER` until it is.
    pub(super) fn at(&self) -> Offset {
        Offset::from_nanos(self.end.load(Ordering::Acquire))
    }

    /// A turn has ended and is noted. Costs a load once the warm-up is over.
    pub(super) fn turn_ended(&self, at: Offset) {
        if self.left.load(Ordering::Relaxed) == 0 {
            return;
        }
        let less = |left: u64| left.checked_sub(1);
        if self.left.fetch_update(Ordering::AcqRel, Ordering::Relaxed, less) == Ok(1) {
            self.end.store(at.nanos(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_is_over_when_the_last_of_its_turns_has_ended() {
        let second = |n: u64| Offset::ZERO + Duration::from_secs(n);
        let by_turns = WarmupEnd::new(Warmup::Turns(2), Offset::ZERO);
        by_turns.turn_ended(second(3));
        assert!(by_turns.covers(second(1000)));
        by_turns.turn_ended(second(4));
        by_turns.turn_ended(second(9));
        assert!(by_turns.covers(second(3)) && !by_turns.covers(second(4)));
        let by_time = WarmupEnd::new(Warmup::Time(Duration::from_secs(3)), second(2));
        by_time.turn_ended(second(1));
        assert!(by_time.covers(second(4)) && !by_time.covers(second(5)));
    }
}
