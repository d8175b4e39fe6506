//! How fast connections are opened.
//!
//! Twenty thousand users that begin at once would send twenty thousand connection requests at once; a
//! server's queue of them overflows, the kernel drops what does not fit and tries again a second
//! later, and that second would read as the target's. So after a first burst they are opened at a
//! steady rate, and whoever waits for that has not been sent yet: it is queue, not service time.

use std::cell::Cell;
use std::time::Duration;

use crate::units::Offset;

/// Opened at once before the rate counts.
const BURST: u32 = 256;
/// Between two openings of one worker: 4,000 a second.
const SPACE: Duration = Duration::from_micros(250);

/// The openings of one worker.
#[derive(Debug, Default)]
pub(super) struct Openings {
    /// When the next one would be due, were there no burst.
    next: Cell<Offset>,
}

impl Openings {
    /// Reserves the next opening; when it may begin.
    pub(super) fn reserve(&self, now: Offset) -> Offset {
        let burst = SPACE * BURST;
        let next = self.next.get().max(now);
        self.next.set(next + SPACE);
        (next - burst).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let openings = Openings::default();
        let now = Offset::from_nanos(7_000_000_000);
        let first: Vec<_> = (0..=BURST).map(|_| openings.reserve(now)).collect();
        assert!(first.iter().all(|&at| at == now));
        let later: Vec<_> = (0..1_000).map(|_| openings.reserve(now)).collect();
        assert!(later.windows(2).all(|two| two[1].since(two[0]) == SPACE));
        assert_eq!(later[999].since(now), SPACE * 1_000);
        // A pause gives the burst back.
        let much_later = now + Duration::from_secs(60);
        assert_eq!(openings.reserve(much_later), much_later);
        assert_eq!(openings.reserve(much_later), much_later);
    }
}
