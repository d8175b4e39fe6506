//! How sure a percentile or a mean is when observations come in groups that depend on one another.
//!
//! Two levels. What belongs together (the turns of a session, the chunks of a second) is one *unit*
//! and is never taken apart: a cluster bootstrap (Davison & Hinkley, *Bootstrap Methods and their
//! Application*, §3.8, who show that drawing again inside a cluster would count its variance
//! twice). Units stand in order of time, and what is near in time may be alike: so not single units
//! are drawn but blocks of neighbours, round the end to the beginning (Politis & Romano 1992), as
//! long as the observations themselves show that they depend on one another
//! ([`super::block_length`]), and never shorter than a dozenth of a short run. A weak dependence
//! that lasts does not show in a run of some hundred turns and makes its figures less sure by half;
//! with few long blocks it is in the error, and the error's few degrees of freedom pay for them
//! (Kiefer & Vogelsang 2005, *A new asymptotic theory for heteroskedasticity-autocorrelation robust
//! tests*, where the length is a share of the series).

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::block_length::block_length;

/// More units are joined with their neighbours: the error of an error needs no more of them.
const MOST_UNITS: usize = 4096;
/// So many blocks there are at most in a short run, and `BLOCKS_GROWTH` times the cube root of the
/// units in a long one.
const BLOCKS: f64 = 12.0;
const BLOCKS_GROWTH: f64 = 1.75;
/// Places in the sorted values from which a weighted rank is looked for.
const PLACES: usize = 128;

/// What is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// The value that this share of all values does not exceed (nearest rank).
    Quantile(f64),
    /// The arithmetic mean.
    Mean,
}

/// Values with the units they belong to.
#[derive(Debug, Clone)]
pub struct Observations {
    /// By value.
    sorted: Vec<Observation>,
    /// How many values each unit has.
    sizes: Vec<u32>,
    /// The sum of each unit's values.
    sums: Vec<f64>,
    /// So many sorted observations lie between two places.
    step: usize,
    /// For each place: how many values of each unit lie before it.
    before: Vec<u32>,
    count: u64,
}

#[derive(Debug, Clone, Copy)]
struct Observation {
    value: u64,
    unit: u32,
    count: u32,
}

/// What an estimate might as well have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The estimate, from each resample.
    pub values: Vec<f64>,
    /// Neighbouring units that were drawn together.
    pub block: usize,
    /// How many such blocks there are to draw from: the error's degrees of freedom, and one.
    pub blocks: f64,
}

impl Observations {
    /// Values as (unit, value, how often). Units are numbered from 0 in order of time; numbers
    /// that nothing belongs to are left out.
    pub fn new(values: impl IntoIterator<Item = (usize, u64, u32)>) -> Self {
        let mut all: Vec<(usize, u64, u32)> =
            values.into_iter().filter(|(_, _, count)| *count > 0).collect();
        let mut units: Vec<usize> = all.iter().map(|(unit, _, _)| *unit).collect();
        units.sort_unstable();
        units.dedup();
        let kept = units.len().min(MOST_UNITS);
        for (unit, _, _) in &mut all {
            let at = units.binary_search(unit).unwrap_or(0);
            *unit = at * kept / units.len();
        }
        all.sort_unstable_by_key(|(unit, value, _)| (*value, *unit));
        let (mut sizes, mut sums) = (vec![0u32; kept], vec![0.0; kept]);
        let mut sorted = Vec::with_capacity(all.len());
        for (unit, value, count) in all {
            sizes[unit] += count;
            sums[unit] += value as f64 * f64::from(count);
            sorted.push(Observation { value, unit: unit as u32, count });
        }
        let step = (sorted.len() / PLACES).max(256);
        let mut before = Vec::new();
        let mut seen = vec![0u32; kept];
        for stretch in sorted.chunks(step) {
            before.extend_from_slice(&seen);
            stretch.iter().for_each(|one| seen[one.unit as usize] += one.count);
        }
        let count = sizes.iter().map(|&size| u64::from(size)).sum();
        Self { sorted, sizes, sums, step, before, count }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many units they belong to.
    pub fn units(&self) -> usize {
        self.sizes.len()
    }

    /// The estimate; `None` of nothing.
    pub fn estimate(&self, statistic: Statistic) -> Option<f64> {
        (self.count > 0).then(|| self.weighted(statistic, &vec![1; self.units()], 0))
    }

    /// How far each unit by itself moves the estimate, in order of time: what is looked at to see
    /// how long neighbours depend on one another. For a quantile, how many of its values lie above
    /// beyond their due.
    pub fn influence(&self, statistic: Statistic) -> Vec<f64> {
        let Some(estimate) = self.estimate(statistic) else { return Vec::new() };
        match statistic {
            Statistic::Mean => {
                let each = self.sums.iter().zip(&self.sizes);
                each.map(|(sum, &size)| sum - estimate * f64::from(size)).collect()
            }
            Statistic::Quantile(_) => {
                let mut above = vec![0.0; self.units()];
                for one in self.sorted.iter().rev().take_while(|one| one.value as f64 > estimate) {
                    above[one.unit as usize] += f64::from(one.count);
                }
                let share = above.iter().sum::<f64>() / self.count as f64;
                above.iter_mut().zip(&self.sizes).for_each(|(one, &size)| {
                    *one -= share * f64::from(size);
                });
                above
            }
        }
    }

    /// The estimate from each of `rounds` resamples in blocks that a weak dependence is in as well;
    /// the same `seed` gives the same. `None` of nothing.
    pub fn resample(&self, statistic: Statistic, rounds: usize, seed: u64) -> Option<Replicates> {
        let units = self.units() as f64;
        let most = (BLOCKS_GROWTH * units.cbrt()).max(BLOCKS);
        let shortest = (units / most).ceil() as usize;
        let block = block_length(&self.influence(statistic)).max(shortest);
        self.resample_in_blocks(statistic, block, rounds, seed)
    }

    /// The same in blocks of so many units.
    pub fn resample_in_blocks(
        &self,
        statistic: Statistic,
        block: usize,
        rounds: usize,
        seed: u64,
    ) -> Option<Replicates> {
        let estimate = self.estimate(statistic)?;
        let units = self.units();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut weights = vec![0u32; units];
        // Resamples lie around the estimate: there the search begins.
        let start = self.sorted.partition_point(|one| (one.value as f64) < estimate) / self.step;
        let values = (0..rounds)
            .map(|_| {
                draw(&mut random, block, &mut weights);
                self.weighted(statistic, &weights, start)
            })
            .collect();
        Some(Replicates { values, block, blocks: units as f64 / block as f64 })
    }

    /// The estimate where each unit counts as often as its weight says.
    fn weighted(&self, statistic: Statistic, weights: &[u32], start: usize) -> f64 {
        let all = dot(weights, &self.sizes);
        match statistic {
            Statistic::Mean => {
                let sum: f64 =
                    weights.iter().zip(&self.sums).map(|(&w, sum)| f64::from(w) * sum).sum();
                sum / all.max(1) as f64
            }
            Statistic::Quantile(share) => {
                // As for the percentile of a run: the allowance is for shares not exact in binary.
                let rank = (share * all as f64 * (1.0 - 1e-12)).ceil().max(1.0) as u64;
                self.at_weighted_rank(weights, rank, start)
            }
        }
    }

    fn at_weighted_rank(&self, weights: &[u32], rank: u64, start: usize) -> f64 {
        let units = self.units();
        let places = self.before.len() / units;
        let before = |place: usize| dot(weights, &self.before[place * units..][..units]);
        let mut place = start.min(places - 1);
        let mut seen = before(place);
        while place > 0 && seen >= rank {
            place -= 1;
            seen = before(place);
        }
        for one in &self.sorted[place * self.step..] {
            seen += u64::from(weights[one.unit as usize]) * u64::from(one.count);
            if seen >= rank {
                return one.value as f64;
            }
        }
        self.sorted.last().map_or(0.0, |one| one.value as f64)
    }
}

fn dot(weights: &[u32], counts: &[u32]) -> u64 {
    weights.iter().zip(counts).map(|(&weight, &count)| u64::from(weight) * u64::from(count)).sum()
}

/// As many units as there are, in blocks of `block` neighbours that begin anywhere.
fn draw(random: &mut Xoshiro256PlusPlus, block: usize, weights: &mut [u32]) {
    weights.fill(0);
    let units = weights.len();
    let mut left = units;
    while left > 0 {
        let start = random.random_range(0..units);
        let taken = block.min(left);
        for at in start..start + taken {
            weights[if at < units { at } else { at - units }] += 1;
        }
        left -= taken;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::super::quantile::student_point;
    use super::super::spread::standard_deviation;
    use super::*;

    fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
        Normal::standard().inverse_cdf(random.random::<f64>().clamp(1e-12, 1.0 - 1e-12))
    }

    fn error(values: impl IntoIterator<Item = (usize, u64, u32)>, statistic: Statistic) -> f64 {
        let all = Observations::new(values);
        let block = block_length(&all.influence(statistic));
        let replicates = all.resample_in_blocks(statistic, block, 2_000, 1).unwrap();
        standard_deviation(&replicates.values).unwrap()
    }

    #[test]
    fn of_independent_values_it_is_the_known_error() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
        let values: Vec<u64> =
            (0..4_000).map(|_| (1e6 + 1e5 * normal(&mut random)) as u64).collect();
        let each = || values.iter().enumerate().map(|(unit, &value)| (unit, value, 1));
        // σ/√n, and √(p(1 − p)/n)/f(x) = 1.2533 σ/√n for the median, 2.1132 for the p95.
        let unit = 1e5 / 4_000f64.sqrt();
        for (statistic, factor) in [
            (Statistic::Mean, 1.0),
            (Statistic::Quantile(0.5), 1.2533),
            (Statistic::Quantile(0.95), 2.1132),
        ] {
            let ratio = error(each(), statistic) / (factor * unit);
            assert!((0.85..1.2).contains(&ratio), "{statistic:?}: {ratio}");
        }
    }

    #[test]
    fn it_agrees_with_scipys_bootstrap() {
        // 400 values of the minimal standard generator (s = s * 16807 % (2^31 - 1) from 1, value s % 1000);
        // scipy 1.17.1, scipy.stats.bootstrap((x,), np.median, n_resamples=20000, method="percentile").
        let mut state = 1u64;
        let values: Vec<_> = (0..400)
            .map(|unit| {
                state = state * 16_807 % 2_147_483_647;
                (unit, state % 1_000, 1)
            })
            .collect();
        let replicates = Observations::new(values)
            .resample_in_blocks(Statistic::Quantile(0.5), 1, 20_000, 7)
            .unwrap();
        let mut sorted = replicates.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let off = (sorted[500] - SCIPY.0).abs().max((sorted[19_499] - SCIPY.1).abs());
        assert!(off < 8.0, "{} {}", sorted[500], sorted[19_499]);
        let error = standard_deviation(&replicates.values).unwrap();
        assert!((error / SCIPY.2 - 1.0).abs() < 0.06, "{error}");
    }

    /// Ends of the interval and standard error.
    const SCIPY: (f64, f64, f64) = (476.5, 557.0, 22.634_620_684_753_635);

    #[test]
    fn what_belongs_together_counts_as_one() {
        // Ten equal values a session are no more than one.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
        let sessions: Vec<u64> =
            (0..500).map(|_| (1e6 + 1e5 * normal(&mut random)) as u64).collect();
        let single = error(
            sessions.iter().enumerate().map(|(unit, &value)| (unit, value, 1)),
            Statistic::Quantile(0.5),
        );
        let tenfold = error(
            sessions.iter().enumerate().map(|(unit, &value)| (unit, value, 10)),
            Statistic::Quantile(0.5),
        );
        assert!((tenfold / single - 1.0).abs() < 0.02, "{tenfold} {single}");
    }

    #[test]
    fn what_is_alike_in_time_says_less() {
        // An autoregressive series with ρ = 0.8: the mean is √((1 + ρ)/(1 − ρ)) = 3 times less sure.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(6);
        let mut level = 0.0;
        let values: Vec<u64> = (0..2_000)
            .map(|_| {
                level = 0.8 * level + 0.6 * normal(&mut random);
                (1e6 + 1e5 * level) as u64
            })
            .collect();
        let each = values.iter().enumerate().map(|(unit, &value)| (unit, value, 1));
        let ratio = error(each, Statistic::Mean) / (1e5 / 2_000f64.sqrt());
        assert!((2.2..3.6).contains(&ratio), "{ratio}");
    }

    /// In how many of 300 series of 300 values the 95 % interval of the mean holds the truth, in per
    /// cent; `share` of the variance is of a level that lasts for some 20 values.
    fn covered(share: f64) -> f64 {
        let rounds = 300;
        let held = (0..rounds).filter(|&seed| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut level = normal(&mut random);
            let values: Vec<_> = (0..300)
                .map(|unit| {
                    level = 0.95 * level + (1.0 - 0.95f64.powi(2)).sqrt() * normal(&mut random);
                    let off = share.sqrt() * level + (1.0 - share).sqrt() * normal(&mut random);
                    (unit, (1e6 + 1e5 * off) as u64, 1)
                })
                .collect();
            let all = Observations::new(values);
            let drawn = all.resample(Statistic::Mean, 200, seed).unwrap();
            let reach = student_point(drawn.blocks - 1.0, 0.025);
            let error = standard_deviation(&drawn.values).unwrap();
            (all.estimate(Statistic::Mean).unwrap() - 1e6).abs() <= reach * error
        });
        100.0 * held.count() as f64 / rounds as f64
    }

    #[test]
    fn a_weak_dependence_that_lasts_is_in_the_error_though_it_does_not_show() {
        // With one block a unit it would be in fewer than 70 of 100; a binomial share of 300 has
        // a standard error of 1.3 to 2 points.
        let (independent, dependent) = (covered(0.0), covered(0.1));
        assert!((91.0..99.0).contains(&independent), "{independent}");
        assert!(dependent > 82.0, "{dependent}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_estimate_is_the_order_statistic_and_resamples_are_of_the_values(
            values in proptest::collection::vec((0usize..50, 1u64..10_000, 1u32..4), 1..2_000),
            share in 0.01f64..1.0,
        ) {
            let mut all: Vec<u64> = values
                .iter()
                .flat_map(|(_, value, count)| std::iter::repeat_n(*value, *count as usize))
                .collect();
            all.sort_unstable();
            let rank = ((share * all.len() as f64 * (1.0 - 1e-12)).ceil() as usize).max(1);
            let observations = Observations::new(values.iter().copied());
            prop_assert_eq!(observations.count(), all.len() as u64);
            let statistic = Statistic::Quantile(share);
            prop_assert_eq!(observations.estimate(statistic), Some(all[rank - 1] as f64));
            let drawn = observations.resample(statistic, 20, 3).unwrap();
            prop_assert!(drawn.values.iter().all(|one| all.binary_search(&(*one as u64)).is_ok()));
            prop_assert_eq!(drawn, observations.resample(statistic, 20, 3).unwrap());
        }

        #[test]
        fn a_resample_has_as_many_units_as_there_are(units in 1usize..300, block in 1usize..40) {
            let mut weights = vec![0; units];
            let mut random = Xoshiro256PlusPlus::seed_from_u64(units as u64);
            draw(&mut random, block.min(units), &mut weights);
            prop_assert_eq!(weights.iter().sum::<u32>() as usize, units);
        }
    }

    #[test]
    fn nothing_has_no_estimate_and_many_units_are_joined() {
        assert!(Observations::new([]).resample(Statistic::Mean, 10, 1).is_none());
        let many = Observations::new((0..10_000).map(|unit| (unit, unit as u64 % 100, 1)));
        assert_eq!((many.units(), many.count()), (MOST_UNITS, 10_000));
    }
}
