//! A distribution of durations in whole microseconds that can be added to others exactly.

use std::fmt;

use hdrhistogram::Histogram;

/// The largest duration a histogram tells apart: one hour. Longer ones are counted as overflow.
pub const HIGHEST_MICROS: u64 = 3_600_000_000;

/// Values kept as they are before the histogram (184 KiB) is worth its memory. Most distributions
/// of one second, of a rare session kind or of a quiet metric never reach it.
const LISTED: usize = 1024;

/// Durations, counted to three significant digits between 1 µs and 1 h.
///
/// Bounds and digits never change, so that merging loses nothing. Count, minimum, maximum and the
/// sums are of the exact values; only percentiles have the histogram's resolution.
#[derive(Clone, Default)]
pub struct Distribution {
    /// The values themselves, until there are too many of them.
    list: Vec<u32>,
    /// All values once the list was full; kept allocated, but empty, after `clear`.
    histogram: Option<Box<Histogram<u64>>>,
    spilled: bool,
    count: u64,
    overflow: u64,
    min: u64,
    max: u64,
    sum: u128,
    sum_of_squares: u128,
}

impl Distribution {
    /// An empty one; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one duration of `micros` whole microseconds.
    pub fn record(&mut self, micros: u64) {
        self.note(micros);
        if micros > HIGHEST_MICROS {
            self.overflow += 1;
        } else {
            self.place(micros as u32);
        }
    }

    /// Counts `micros` so many times over.
    pub fn record_many(&mut self, micros: u64, times: u64) {
        if times == 0 {
            return;
        }
        if times == 1 || micros > HIGHEST_MICROS {
            (0..times).for_each(|_| self.record(micros));
            return;
        }
        self.min = if self.count == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.count += times;
        let sum = u128::from(micros) * u128::from(times);
        self.sum += sum;
        self.sum_of_squares =
            self.sum_of_squares.saturating_add(sum.saturating_mul(u128::from(micros)));
        let room = (LISTED - self.list.len()) as u64;
        if !self.spilled && times < room {
            self.list.extend(std::iter::repeat_n(micros as u32, times as usize));
            return;
        }
        if !self.spilled {
            self.spill();
        }
        if let Some(histogram) = &mut self.histogram {
            let added = histogram.record_n(micros.max(1), times);
            debug_assert!(added.is_ok(), "the value is within the bounds");
        }
    }

    /// Counts each of `micros`.
    pub fn record_all(&mut self, micros: &[u32]) {
        for &one in micros {
            self.record(u64::from(one));
        }
    }

    /// The exact part: everything but the place in the histogram.
    fn note(&mut self, micros: u64) {
        self.min = if self.count == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.count += 1;
        self.sum += u128::from(micros);
        self.sum_of_squares =
            self.sum_of_squares.saturating_add(u128::from(micros) * u128::from(micros));
    }

    fn place(&mut self, micros: u32) {
        if self.spilled {
            if let Some(histogram) = &mut self.histogram {
                add_to(histogram, micros);
            }
            return;
        }
        self.list.push(micros);
        if self.list.len() >= LISTED {
            self.spill();
        }
    }

    fn spill(&mut self) {
        let histogram = self.histogram.get_or_insert_with(|| Box::new(empty_histogram()));
        for &micros in &self.list {
            add_to(histogram, micros);
        }
        self.list.clear();
        self.spilled = true;
    }

    /// Adds all of `other`, exactly: the result is as if its values had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.overflow += other.overflow;
        self.sum += other.sum;
        self.sum_of_squares = self.sum_of_squares.saturating_add(other.sum_of_squares);
        match (&other.histogram, other.spilled) {
            (Some(theirs), true) => {
                if !self.spilled {
                    self.spill();
                }
                if let Some(ours) = &mut self.histogram {
                    // Same bounds on both sides, so there is nothing that could not be added.
                    let added = ours.add(theirs.as_ref());
                    debug_assert!(added.is_ok());
                }
            }
            _ => other.list.iter().for_each(|&micros| self.place(micros)),
        }
    }

    /// Forgets everything and keeps the memory for the next use.
    pub fn clear(&mut self) {
        let mut list = std::mem::take(&mut self.list);
        list.clear();
        let mut histogram = self.histogram.take();
        if self.spilled
            && let Some(histogram) = &mut histogram
        {
            histogram.reset();
        }
        *self = Self { list, histogram, ..Self::default() };
    }

    /// How many were recorded, overflow included.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many were longer than [`HIGHEST_MICROS`].
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The smallest, exact, in microseconds.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest, exact, in microseconds.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean of the exact values, in microseconds.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The sample standard deviation of the exact values, in microseconds; needs two of them.
    pub fn stddev(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let count = u128::from(self.count);
        // n·Σx² − (Σx)² in integers: with floats the difference of two large numbers is lost.
        let scaled = match (count.checked_mul(self.sum_of_squares), self.sum.checked_mul(self.sum))
        {
            (Some(left), Some(right)) => left.saturating_sub(right) as f64,
            _ => (count as f64 * self.sum_of_squares as f64 - self.sum as f64 * self.sum as f64)
                .max(0.0),
        };
        Some((scaled / count as f64 / (count - 1) as f64).sqrt())
    }

    /// The value that `percent` of all values do not exceed (nearest rank), in microseconds: the
    /// middle of its histogram bucket, never outside minimum and maximum.
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        self.at_rank(rank_of(percent, self.count))
    }

    /// The `rank`-th smallest value, from 1, to the histogram's resolution; `None` where there are
    /// not so many. A rank among the overflow gives the maximum.
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let placed = self.count - self.overflow;
        if rank > placed {
            return Some(self.max);
        }
        let middle = match (&self.histogram, self.spilled) {
            (Some(histogram), true) => {
                // Half a rank below, so that rounding cannot reach over to the next one.
                let quantile = (rank as f64 - 0.5) / placed as f64;
                histogram.median_equivalent(histogram.value_at_quantile(quantile))
            }
            _ => {
                let mut sorted = self.list.clone();
                let (_, value, _) = sorted.select_nth_unstable(rank as usize - 1);
                bucket_middle(u64::from(*value))
            }
        };
        Some(middle.clamp(self.min, self.max))
    }

    /// How many values lie above the bucket of `micros`.
    pub fn count_above(&self, micros: u64) -> u64 {
        let top = bucket_top(micros.max(1));
        let placed = match (&self.histogram, self.spilled) {
            (Some(histogram), true) => histogram
                .iter_recorded()
                .filter(|step| step.value_iterated_to() > top)
                .map(|step| step.count_since_last_iteration())
                .sum(),
            _ => self.list.iter().filter(|&&one| u64::from(one) > top).count() as u64,
        };
        placed + self.overflow
    }

    /// Each value up to [`HIGHEST_MICROS`] (once there are many: each bucket's) and its count.
    pub(super) fn for_each_placed(&self, mut visit: impl FnMut(u64, u64)) {
        match (&self.histogram, self.spilled) {
            (Some(histogram), true) => histogram.iter_recorded().for_each(|step| {
                visit(step.value_iterated_to(), step.count_since_last_iteration());
            }),
            _ => self.list.iter().for_each(|&micros| visit(u64::from(micros), 1)),
        }
    }

    /// The values up to [`HIGHEST_MICROS`] as an HdrHistogram, for writing it out.
    pub fn to_histogram(&self) -> Histogram<u64> {
        match (&self.histogram, self.spilled) {
            (Some(histogram), true) => histogram.as_ref().clone(),
            _ => {
                let mut histogram = empty_histogram();
                for &micros in &self.list {
                    add_to(&mut histogram, micros);
                }
                histogram
            }
        }
    }
}

/// The nearest rank of a percentile among `count` values, from 1.
pub(crate) fn rank_of(percent: f64, count: u64) -> u64 {
    // 99.9 is not exact in binary: without the allowance, p99.9 of 1000 could be the 1000th.
    let exact = percent / 100.0 * count as f64;
    ((exact * (1.0 - 1e-12)).ceil() as u64).clamp(1, count.max(1))
}

#[expect(clippy::expect_used, reason = "the bounds are constants that the crate accepts")]
fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_MICROS, 3).expect("1 µs to 1 h at three digits")
}

fn add_to(histogram: &mut Histogram<u64>, micros: u32) {
    let added = histogram.record(u64::from(micros).max(1));
    debug_assert!(added.is_ok(), "a listed value is within the bounds");
}

/// How far a value is shifted in the histogram's layout: 2048 buckets of 1 µs, then 1024 of 2 µs,
/// 1024 of 4 µs, and so on.
fn shift(micros: u64) -> u32 {
    (64 - micros.leading_zeros()).saturating_sub(11)
}

fn bucket_middle(micros: u64) -> u64 {
    let micros = micros.max(1);
    let shift = shift(micros);
    (micros >> shift << shift) + ((1 << shift) >> 1)
}

fn bucket_top(micros: u64) -> u64 {
    let shift = shift(micros);
    (micros >> shift << shift) + (1 << shift) - 1
}

impl PartialEq for Distribution {
    /// Equal where the same values (to the histogram's resolution) were recorded, however kept.
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.overflow, self.min, self.max, self.sum, self.sum_of_squares)
            == (other.count, other.overflow, other.min, other.max, other.sum, other.sum_of_squares)
            && self.to_histogram() == other.to_histogram()
    }
}

impl fmt::Debug for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribution")
            .field("count", &self.count)
            .field("min", &self.min())
            .field("max", &self.max())
            .field("sum", &self.sum)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Distribution {
        let mut all = Distribution::new();
        values.iter().for_each(|&one| all.record(one));
        all
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![0u64..3_000, 1_000u64..40_000_000, 3_500_000_000u64..4_000_000_000];
        proptest::collection::vec(one, 0..3_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn parts_merged_in_any_order_are_the_whole(values in durations(), cut in 0usize..3_000) {
            let cut = cut.min(values.len());
            let (left, right) = values.split_at(cut);
            let whole = of(&values);
            let (left, right) = (of(left), of(right));
            let mut forth = left.clone();
            forth.merge(&right);
            let mut back = right.clone();
            back.merge(&left);
            prop_assert_eq!(&forth, &whole);
            prop_assert_eq!(&back, &whole);
            prop_assert_eq!(forth.percentile(95.0), whole.percentile(95.0));
        }

        #[test]
        fn a_percentile_is_the_order_statistic_within_a_thousandth(
            values in proptest::collection::vec(1u64..HIGHEST_MICROS, 1..3_000),
            percent in 0.1f64..100.0,
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let exact = sorted[rank_of(percent, sorted.len() as u64) as usize - 1];
            let shown = of(&values).percentile(percent).unwrap();
            prop_assert!(shown.abs_diff(exact) * 1_000 <= exact.max(1_000), "{shown} for {exact}");
        }

        #[test]
        fn the_bucket_arithmetic_is_the_crates_own(micros in 1u64..=HIGHEST_MICROS) {
            let histogram = empty_histogram();
            prop_assert_eq!(bucket_middle(micros), histogram.median_equivalent(micros));
            prop_assert_eq!(bucket_top(micros), histogram.highest_equivalent(micros));
        }

        #[test]
        fn a_cleared_distribution_is_as_good_as_new(before in durations(), after in durations()) {
            let mut reused = of(&before);
            reused.clear();
            after.iter().for_each(|&one| reused.record(one));
            prop_assert_eq!(reused, of(&after));
        }
    }

    #[test]
    fn what_is_longer_than_the_histogram_is_counted_and_seen() {
        let all = of(&[10, HIGHEST_MICROS, HIGHEST_MICROS + 5]);
        assert_eq!((all.count(), all.overflow(), all.max()), (3, 1, Some(HIGHEST_MICROS + 5)));
        assert_eq!(all.percentile(100.0), Some(HIGHEST_MICROS + 5));
        assert_eq!(all.percentile(10.0), Some(10));
    }

    #[test]
    fn minimum_maximum_mean_and_deviation_are_of_the_exact_values() {
        let all = of(&[5_001, 7_003, 9_002]);
        assert_eq!((all.min(), all.max()), (Some(5_001), Some(9_002)));
        assert!((all.mean().unwrap() - 7_002.0).abs() < 1e-9);
        assert!((all.stddev().unwrap() - 2_000.500_187_453_1).abs() < 1e-6);
        assert_eq!(Distribution::new().percentile(50.0), None);
        assert_eq!(of(&[7]).stddev(), None);
    }

    #[test]
    fn the_rank_of_a_percentile_is_not_pushed_up_by_binary_fractions() {
        assert_eq!(rank_of(99.9, 1_000), 999);
        assert_eq!(rank_of(95.0, 100), 95);
        assert_eq!(rank_of(50.0, 1), 1);
        assert_eq!(rank_of(0.0, 10), 1);
        assert_eq!(rank_of(100.0, 10), 10);
    }

    #[test]
    fn many_values_above_a_bound_are_counted_the_same_from_list_and_histogram() {
        let few = of(&(1..=1_000).collect::<Vec<_>>());
        let many = of(&(1..=2_000).collect::<Vec<_>>());
        assert_eq!(few.count_above(900), 100);
        assert_eq!(many.count_above(900), 1_100);
    }
}
