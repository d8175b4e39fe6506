//! How sure a percentile of a run is.

use crate::measure::Distribution;
use crate::stats::order::ranks_of_dependent;

/// The 95 % interval of a percentile in microseconds, or `None` where there are too few values.
/// `overdispersion` says how many values stand for one independent one.
pub(super) fn interval(
    distribution: &Distribution,
    percent: f64,
    overdispersion: f64,
) -> Option<(u64, u64)> {
    let (low, high) = ranks_of_dependent(distribution.count(), percent / 100.0, overdispersion)?;
    Some((distribution.at_rank(low)?, distribution.at_rank(high)?))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        // Exponential with mean 100 ms: the true p90 is 100 ms × ln 10.
        let truth = (100_000.0 * 10f64.ln()) as u64;
        let (mut covered, rounds) = (0, 2_000);
        for _ in 0..rounds {
            let mut all = Distribution::new();
            for _ in 0..200 {
                let uniform: f64 = random.random();
                all.record((-100_000.0 * (1.0 - uniform).ln()) as u64);
            }
            let (low, high) = interval(&all, 90.0, 1.0).unwrap();
            covered += u32::from((low..=high).contains(&truth));
        }
        let share = f64::from(covered) / f64::from(rounds);
        assert!((0.94..0.985).contains(&share), "{share}");
    }

    #[test]
    fn values_that_come_together_make_it_wider_or_take_it_away() {
        let mut all = Distribution::new();
        (1..=1_000).for_each(|one| all.record(one));
        let (low, high) = interval(&all, 95.0, 1.0).unwrap();
        let (wide_low, wide_high) = interval(&all, 95.0, 4.0).unwrap();
        assert!(wide_low < low && high < wide_high);
        assert_eq!(interval(&all, 95.0, 20.0), None);
    }
}
