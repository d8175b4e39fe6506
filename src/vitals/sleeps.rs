//! How much later than asked a thread woke, many times over, in little memory.

use crate::measure::Distribution;

/// Whole microseconds below this are told apart one by one, longer ones to three digits: what the
/// percentiles made of them tell apart anyway.
const EXACT: u64 = 1_000;

/// Overshoots of sleeps, in microseconds. Holds a number for each value that occurred, however often:
/// a few hundred.
#[derive(Debug, Clone, Default)]
pub(super) struct Sleeps {
    /// Values in order, and how often each occurred.
    counts: Vec<(u32, u32)>,
    longest: u64,
}

impl Sleeps {
    /// One that was `micros` too long.
    pub(super) fn note(&mut self, micros: u64) {
        self.longest = self.longest.max(micros);
        self.add(u32::try_from(rounded(micros)).unwrap_or(u32::MAX), 1);
    }

    /// Adds those of `other`, as if they had been noted here.
    pub(super) fn merge(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        for &(micros, times) in &other.counts {
            self.add(micros, times);
        }
    }

    /// The longest, exactly.
    pub(super) fn longest(&self) -> u64 {
        self.longest
    }

    /// Their distribution.
    pub(super) fn distribution(&self) -> Distribution {
        let mut all = Distribution::new();
        for &(micros, times) in &self.counts {
            all.record_many(micros.into(), times.into());
        }
        all
    }

    fn add(&mut self, micros: u32, times: u32) {
        match self.counts.binary_search_by_key(&micros, |(value, _)| *value) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(times),
            Err(at) => self.counts.insert(at, (micros, times)),
        }
    }
}

/// To three significant digits from [`EXACT`] on.
fn rounded(micros: u64) -> u64 {
    if micros < EXACT {
        return micros;
    }
    let step = 10u64.pow(micros.ilog10() - 2);
    micros / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_sleeps_are_a_few_hundred_numbers_and_their_percentiles_stay() {
        let (mut one, mut two) = (Sleeps::default(), Sleeps::default());
        let mut plain = Distribution::new();
        for number in 0..1_000_000u64 {
            let micros = number * number % 7_919;
            if number % 2 == 0 {
                one.note(micros);
            } else {
                two.note(micros);
            }
            plain.record(micros);
        }
        one.note(1_234_567);
        plain.record(1_234_567);
        one.merge(&two);
        assert!(one.counts.len() < 2_000, "{}", one.counts.len());
        assert_eq!(one.longest(), 1_234_567);
        let all = one.distribution();
        assert_eq!(all.count(), plain.count());
        for percent in [1.0, 50.0, 99.0, 99.9] {
            let (rough, exact) =
                (all.percentile(percent).unwrap(), plain.percentile(percent).unwrap());
            assert!(rough.abs_diff(exact) as f64 <= 0.01 * exact as f64, "{rough} {exact}");
        }
    }
}
