//! What is measured many times within one reply, kept until it is known whether it counts.

use std::time::Duration;

use super::distribution::Distribution;
use super::values::micros;
use crate::units::Offset;

/// Values kept as they are: 32 KiB for one reply at most.
const LISTED: usize = 8192;

/// The gaps between the chunks of the reply that is being read, and how long its reads lay in the
/// kernel. One per stream, reused from turn to turn.
#[derive(Debug, Default)]
pub struct Within {
    last: Option<u64>,
    gaps: Several,
    lags: Several,
    longest_lag: Option<Duration>,
}

/// Values of one metric.
#[derive(Debug, Default)]
struct Several {
    /// Zeros: the chunks of one read are 0 µs apart, and there may be hundreds.
    zeros: u64,
    list: Vec<u32>,
    /// What did not fit in the list; rare, and given back after the turn.
    more: Option<Box<Distribution>>,
}

impl Within {
    /// An empty store; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the reply before; call it at the start of every attempt.
    pub fn clear(&mut self) {
        self.last = None;
        self.gaps.clear();
        self.lags.clear();
        self.longest_lag = None;
    }

    /// A chunk came, in a read stamped `at`. Chunks of one read are 0 µs apart.
    pub fn chunk(&mut self, at: Offset) {
        let now = at.micros();
        if let Some(last) = self.last {
            self.gaps.add(now.saturating_sub(last));
        }
        self.last = Some(now);
    }

    /// `chunks` chunks came in the read that brought the last one, or in one stamped the same.
    pub fn chunks_at_once(&mut self, chunks: u64) {
        self.gaps.zeros += chunks;
    }

    /// The bytes of a read had lain in the kernel for `lag`.
    pub fn lag(&mut self, lag: Duration) {
        self.lags.add(micros(lag));
        self.longest_lag = self.longest_lag.max(Some(lag));
    }

    /// The longest that the bytes of a read had lain there.
    pub fn longest_lag(&self) -> Option<Duration> {
        self.longest_lag
    }

    /// Adds the gaps to what `gaps` gives, if there are any; and likewise the lags.
    pub(super) fn add_to<T>(
        &self,
        to: &mut T,
        gaps: impl FnOnce(&mut T) -> &mut Distribution,
        lags: impl FnOnce(&mut T) -> &mut Distribution,
    ) {
        if !self.gaps.is_empty() {
            self.gaps.add_to(gaps(to));
        }
        if !self.lags.is_empty() {
            self.lags.add_to(lags(to));
        }
    }
}

impl Several {
    fn clear(&mut self) {
        self.zeros = 0;
        self.list.clear();
        // Not kept: ten thousand idle streams must not hold ten thousand histograms.
        self.more = None;
    }

    fn add(&mut self, micros: u64) {
        match u32::try_from(micros) {
            Ok(0) => self.zeros += 1,
            Ok(micros) if self.list.len() < LISTED => self.list.push(micros),
            _ => self.more.get_or_insert_default().record(micros),
        }
    }

    fn is_empty(&self) -> bool {
        self.zeros == 0 && self.list.is_empty() && self.more.is_none()
    }

    fn add_to(&self, distribution: &mut Distribution) {
        distribution.record_many(0, self.zeros);
        distribution.record_all(&self.list);
        if let Some(more) = &self.more {
            distribution.merge(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(within: &Within) -> Distribution {
        let mut both = (Distribution::new(), Distribution::new());
        within.add_to(&mut both, |both| &mut both.0, |both| &mut both.1);
        both.0
    }

    #[test]
    fn gaps_lie_between_chunks_and_a_long_reply_loses_none() {
        let mut within = Within::new();
        for chunk in 0..20_000u64 {
            within.chunk(Offset::from_nanos(chunk * 2_000_000));
        }
        let all = gaps(&within);
        assert_eq!((all.count(), all.min(), all.max()), (19_999, Some(2_000), Some(2_000)));

        within.clear();
        within.chunk(Offset::from_nanos(5));
        assert!(gaps(&within).is_empty(), "one chunk has no gap");
    }

    #[test]
    fn chunks_of_one_read_are_as_good_as_told_one_by_one() {
        let (mut one_by_one, mut at_once) = (Within::new(), Within::new());
        for at in [1_000, 9_000] {
            for _ in 0..2_000 {
                one_by_one.chunk(Offset::from_nanos(at));
            }
            at_once.chunk(Offset::from_nanos(at));
            at_once.chunks_at_once(1_999);
        }
        assert_eq!(gaps(&one_by_one), gaps(&at_once));
        assert_eq!(gaps(&at_once).count(), 3_999);
    }

    #[test]
    fn lags_are_of_reads_and_the_longest_is_known() {
        let mut within = Within::new();
        assert_eq!(within.longest_lag(), None);
        [7, 31, 0].into_iter().for_each(|lag| within.lag(Duration::from_micros(lag)));
        assert_eq!(within.longest_lag(), Some(Duration::from_micros(31)));
        let mut both = (Distribution::new(), Distribution::new());
        within.add_to(&mut both, |both| &mut both.0, |both| &mut both.1);
        assert!(both.0.is_empty());
        assert_eq!((both.1.count(), both.1.min(), both.1.max()), (3, Some(0), Some(31)));
    }
}
