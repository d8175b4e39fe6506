//! The same distributions cut along time, coarsely: how much more they vary from one stretch of
//! the run to the next than independent turns would.

use std::collections::BTreeMap;

use super::distribution::{Distribution, HIGHEST_MICROS};
use super::tally::Series;
use super::values::Values;
use crate::metric::Metric;
use crate::stats::dispersion;

/// At most so many blocks; when a run outgrows them, neighbours are joined.
const MOST: u64 = 32;
/// Sixteen buckets to each doubling: enough to see which side of a percentile a value lies on.
const BUCKETS: usize = 464;

type Coarse = [u64; BUCKETS];

/// Coarse distributions per stretch of time. All blocks are equally long, a power of two seconds,
/// and aligned, so that the result does not depend on the order in which things were added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blocks {
    /// Each block is `1 << doublings` seconds long.
    doublings: u32,
    blocks: BTreeMap<u64, [Option<Box<Coarse>>; Metric::COUNT]>,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { doublings: 0, blocks: BTreeMap::new() }
    }

    /// Adds what completed in `second`.
    pub(super) fn add(&mut self, second: u64, series: &Series) {
        for metric in Metric::ALL {
            if let Some(distribution) = series.distribution(metric) {
                let block = self.block(second, metric);
                distribution.for_each(|micros, count| block[bucket(micros)] += count);
            }
        }
    }

    /// Adds the figures of one turn that completed in `second`.
    pub(super) fn add_values(&mut self, second: u64, values: &Values) {
        for metric in Metric::ALL {
            if let Some(micros) = values[metric as usize] {
                self.block(second, metric)[bucket(micros)] += 1;
            }
        }
    }

    pub(super) fn add_value(&mut self, second: u64, metric: Metric, micros: u64) {
        self.block(second, metric)[bucket(micros)] += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        while self.doublings < other.doublings {
            self.join_neighbours();
        }
        for (&at, block) in &other.blocks {
            for metric in Metric::ALL {
                if let Some(theirs) = &block[metric as usize] {
                    let ours = self.block(at << other.doublings, metric);
                    ours.iter_mut().zip(theirs.iter()).for_each(|(ours, theirs)| *ours += theirs);
                }
            }
        }
    }

    fn block(&mut self, second: u64, metric: Metric) -> &mut Coarse {
        while second >> self.doublings >= MOST {
            self.join_neighbours();
        }
        let block = self.blocks.entry(second >> self.doublings).or_default();
        block[metric as usize].get_or_insert_with(|| Box::new([0; BUCKETS]))
    }

    fn join_neighbours(&mut self) {
        let before = std::mem::replace(self, Self::new());
        self.doublings = before.doublings + 1;
        for (at, block) in before.blocks {
            let joined = self.blocks.entry(at >> 1).or_default();
            for (ours, theirs) in joined.iter_mut().zip(block) {
                match (ours.as_mut(), theirs) {
                    (None, theirs) => *ours = theirs,
                    (Some(ours), Some(theirs)) => {
                        ours.iter_mut().zip(theirs.iter()).for_each(|(one, more)| *one += more);
                    }
                    (Some(_), None) => {}
                }
            }
        }
    }

    /// How many values stand for one independent one, as far as the share of values above `micros`
    /// tells: see [`dispersion`].
    pub(super) fn overdispersion(&self, metric: Metric, micros: u64) -> f64 {
        let mut split = bucket(micros) + 1;
        let mut counts = self.counts(metric, split);
        if counts.iter().all(|(_, above)| *above == 0) {
            // The percentile lies in the topmost bucket: look at the bucket itself.
            split -= 1;
            counts = self.counts(metric, split);
        }
        dispersion::overdispersion(&counts)
    }

    /// Of each block that has values: how many, and how many at or above bucket `split`.
    fn counts(&self, metric: Metric, split: usize) -> Vec<(u64, u64)> {
        self.blocks
            .values()
            .filter_map(|block| block[metric as usize].as_ref())
            .map(|coarse| (coarse.iter().sum(), coarse[split.min(BUCKETS)..].iter().sum()))
            .filter(|(count, _)| *count > 0)
            .collect()
    }
}

fn bucket(micros: u64) -> usize {
    // As in the histograms: less than 1 µs counts as 1, more than an hour as an hour.
    let micros = micros.clamp(1, HIGHEST_MICROS);
    let shift = (64 - micros.leading_zeros()).saturating_sub(5);
    shift as usize * 16 + (micros >> shift) as usize
}

impl Distribution {
    /// Each bucket's value and count, in no order; overflow as the largest value there is.
    fn for_each(&self, mut visit: impl FnMut(u64, u64)) {
        if self.overflow() > 0 {
            visit(HIGHEST_MICROS, self.overflow());
        }
        self.for_each_placed(visit);
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    #[test]
    fn every_duration_has_a_bucket_and_larger_ones_never_a_lower() {
        let mut before = 0;
        for micros in (0..3_000).chain((12..32).map(|bit| (1 << bit) - 1)).chain([u64::MAX]) {
            let now = bucket(micros);
            assert!(now >= before && now < BUCKETS, "{micros}");
            before = now;
        }
    }

    fn run(slow_seconds: impl Fn(u64, u64) -> bool) -> Blocks {
        let mut blocks = Blocks::new();
        for second in 0..64 {
            for turn in 0..50 {
                let micros = if slow_seconds(second, turn) { 90_000 } else { 10_000 };
                blocks.add_value(second, Metric::Ttfc, micros);
            }
        }
        blocks
    }

    #[test]
    fn slow_turns_that_come_together_are_told_from_those_that_are_spread() {
        // One turn in ten is slow, either evenly spread or all within a few seconds.
        let spread = run(|second, turn| (turn * 7 + second * 3) % 10 == 0);
        let together = run(|second, _| second % 32 < 3);
        assert!(spread.overdispersion(Metric::Ttfc, 50_000) <= 1.2);
        assert!(together.overdispersion(Metric::Ttfc, 50_000) > 20.0);
    }

    #[test]
    fn independent_turns_are_rarely_taken_for_dependent_ones() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        for (turns, split) in [(100u64, 95_000), (400, 95_000), (4_000, 99_000), (4_000, 50_000)] {
            let rounds = 400;
            let mut alarms = 0;
            for _ in 0..rounds {
                let mut blocks = Blocks::new();
                for turn in 0..turns {
                    let micros = random.random_range(1..100_000);
                    blocks.add_value(turn * 30 / turns, Metric::Ttfc, micros);
                }
                alarms += u32::from(blocks.overdispersion(Metric::Ttfc, split) > 1.0);
            }
            let share = f64::from(alarms) / f64::from(rounds);
            assert!(share < 0.11, "{turns} turns: {share}");
        }
    }

    #[test]
    fn joining_neighbours_does_not_depend_on_order() {
        let mut forth = Blocks::new();
        let mut back = Blocks::new();
        let mut parts = [Blocks::new(), Blocks::new()];
        for second in 0..200u64 {
            forth.add_value(second, Metric::Total, second * 1_000);
            back.add_value(199 - second, Metric::Total, (199 - second) * 1_000);
            let part = usize::from(second > 20);
            parts[part].add_value(second, Metric::Total, second * 1_000);
        }
        let [mut left, right] = parts;
        left.merge(&right);
        assert_eq!(forth, back);
        assert_eq!(forth, left);
        assert!(forth.blocks.len() <= MOST as usize);
    }
}
