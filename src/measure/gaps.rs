//! The gaps between the chunks of one reply, kept until it is known whether they count.

use super::distribution::Distribution;
use crate::units::Offset;

/// Gaps kept as they are: 32 KiB for one reply at most.
const LISTED: usize = 8192;

/// Gaps of the reply that is being read. One per stream, reused from turn to turn.
#[derive(Debug, Default)]
pub struct Gaps {
    last: Option<u64>,
    list: Vec<u32>,
    /// What did not fit in the list; rare, and given back after the turn.
    more: Option<Box<Distribution>>,
}

impl Gaps {
    /// An empty store; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the reply before; call it at the start of every attempt.
    pub fn clear(&mut self) {
        self.last = None;
        self.list.clear();
        // Not kept: ten thousand idle streams must not hold ten thousand histograms.
        self.more = None;
    }

    /// A chunk came, in a read stamped `at`. Chunks of one read are 0 µs apart.
    pub fn chunk(&mut self, at: Offset) {
        let now = at.micros();
        if let Some(last) = self.last {
            let gap = now.saturating_sub(last);
            match u32::try_from(gap) {
                Ok(gap) if self.list.len() < LISTED => self.list.push(gap),
                _ => self.more.get_or_insert_default().record(gap),
            }
        }
        self.last = Some(now);
    }

    /// Adds them all to `distribution`.
    pub(super) fn add_to(&self, distribution: &mut Distribution) {
        distribution.record_all(&self.list);
        if let Some(more) = &self.more {
            distribution.merge(more);
        }
    }

    /// Whether there was no gap.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.more.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lie_between_chunks_and_a_long_reply_loses_none() {
        let mut gaps = Gaps::new();
        for chunk in 0..20_000u64 {
            gaps.chunk(Offset::from_nanos(chunk * 2_000_000));
        }
        let mut all = Distribution::new();
        gaps.add_to(&mut all);
        assert_eq!((all.count(), all.min(), all.max()), (19_999, Some(2_000), Some(2_000)));

        gaps.clear();
        gaps.chunk(Offset::from_nanos(5));
        assert!(gaps.is_empty(), "one chunk has no gap");
    }
}
