//! Where the next value of a series will lie if nothing changes, from the last few values; one or
//! two wild ones among them do not move it.
//!
//! The middle is the median, the spread a median absolute deviation. The usual prediction interval
//! takes its quantile from Student's t, because a spread is itself uncertain; so does this one, with
//! the fewer degrees of freedom that such a spread has.

use statrs::function::gamma::ln_gamma;

use super::quantile::student_point;
use super::spread::{mad_freedom, median, robust_spread};

/// The variance of a median over that of a mean, for normal values.
const MEDIAN: f64 = std::f64::consts::FRAC_PI_2;

/// What the next value is expected to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The median of the values before.
    pub centre: f64,
    /// Their spread, as a standard deviation.
    pub spread: f64,
    /// The next value is below this as often as asked for.
    pub low: f64,
    /// The next value is above this as often as asked for.
    pub high: f64,
}

/// How far the errors of the values themselves are known, as standard deviations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct KnownError {
    /// Of a value before; the spread is not taken to be less.
    pub before: f64,
    /// Of the next value.
    pub next: f64,
}

/// Where the next value lies, missed with probability `tail` on either side. `None` for fewer than
/// four values.
pub fn predict(before: &[f64], error: KnownError, tail: f64) -> Option<Prediction> {
    if before.len() < 4 || !(tail > 0.0 && tail < 0.5) {
        return None;
    }
    let count = before.len() as f64;
    let centre = median(before)?;
    let spread = robust_spread(before, error.before)?;
    // A next value that was measured less well than those before it scatters more.
    let more = (error.next.powi(2) - error.before.powi(2)).max(0.0);
    let quantile = student_point(mad_freedom(before.len()), tail);
    let reach = quantile * (spread.powi(2) * (1.0 + MEDIAN / count) + more).sqrt();
    Some(Prediction { centre, spread, low: centre - reach, high: centre + reach })
}

/// How often `hits` or more of `trials` are seen if they come at the rate of the `hits_before` of
/// `trials_before`: the beta-binomial of a Jeffreys prior, so that what was never seen before is
/// not taken to be impossible.
pub fn chance_of_so_many(hits: u64, trials: u64, hits_before: u64, trials_before: u64) -> f64 {
    let a = hits_before as f64 + 0.5;
    let b = trials_before.saturating_sub(hits_before) as f64 + 0.5;
    let all = trials as f64;
    let log_weight = |k: f64| {
        ln_gamma(all + 1.0) - ln_gamma(k + 1.0) - ln_gamma(all - k + 1.0)
            + ln_gamma(k + a)
            + ln_gamma(all - k + b)
            - ln_gamma(all + a + b)
            + ln_gamma(a + b)
            - ln_gamma(a)
            - ln_gamma(b)
    };
    // The smaller side is summed; counts that far from the middle soon weigh nothing.
    let (mut sum, expected) = (0.0, all * a / (a + b));
    if hits as f64 > expected {
        for k in hits..=trials {
            let weight = log_weight(k as f64).exp();
            sum += weight;
            if weight < sum * 1e-12 {
                break;
            }
        }
        sum.min(1.0)
    } else {
        for k in (0..hits).rev() {
            let weight = log_weight(k as f64).exp();
            sum += weight;
            if weight < sum * 1e-12 {
                break;
            }
        }
        (1.0 - sum).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};
    use rand_distr::{Distribution, Normal, StandardNormal};

    use super::*;

    const SOME: [f64; 10] = [12.1, 11.8, 12.6, 30.0, 12.0, 11.9, 12.3, 12.2, 11.7, 12.4];

    #[test]
    fn the_figures_are_those_of_scipy() {
        // scipy 1.17.1: s = median_abs_deviation(x, scale="normal")*10/9.2;
        // w = t.ppf(0.99, 9*0.368)*s*sqrt(1 + pi/2/10); median(x) ± w
        let next = predict(&SOME, KnownError::default(), 0.01).unwrap();
        assert!((next.centre - 12.15).abs() < 1e-9);
        assert!((next.spread - 0.402881037637).abs() < 1e-9, "{next:?}");
        assert!((next.low - 10.32299724824).abs() < 1e-6, "{next:?}");
        assert!((next.high - 13.97700275175).abs() < 1e-6, "{next:?}");
    }

    #[test]
    fn a_spread_is_not_less_than_the_known_error() {
        let same = [5.0; 12];
        assert_eq!(predict(&same, KnownError::default(), 0.01).unwrap().high, 5.0);
        let error = KnownError { before: 0.5, next: 0.5 };
        let known = predict(&same, error, 0.01).unwrap();
        assert!((known.spread - 0.5).abs() < 1e-12 && known.high > 6.0);
        let worse = predict(&same, KnownError { next: 2.0, ..error }, 0.01).unwrap();
        assert!(worse.high - 5.0 > 3.0 * (known.high - 5.0));
        assert_eq!(predict(&same[..3], error, 0.01), None);
    }

    #[test]
    fn the_next_value_is_missed_no_more_often_than_asked_for() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(5);
        let normal = Normal::new(100.0, 3.0).unwrap();
        for count in [8, 20, 30] {
            let rounds = 20_000;
            let missed = (0..rounds)
                .filter(|_| {
                    let before: Vec<f64> = (0..count).map(|_| normal.sample(&mut chance)).collect();
                    let next = predict(&before, KnownError::default(), 0.01).unwrap();
                    normal.sample(&mut chance) > next.high
                })
                .count();
            // 1 % is asked for; the t approximation errs to the careful side (0.3 to 0.9 %).
            let share = missed as f64 / f64::from(rounds);
            assert!((0.001..0.0115).contains(&share), "{count}: {share}");
        }
    }

    #[test]
    fn rare_hits_are_judged_by_all_that_was_seen() {
        // scipy 1.17.1: betabinom.sf(k - 1, trials, hits_before + .5, trials_before - hits_before + .5)
        for ((hits, trials, hits_before, trials_before), expected) in [
            ((3, 600, 0, 18000), 1.056715991576418e-05),
            ((5, 600, 18, 18000), 0.0006404219524938082),
            ((1, 600, 18, 18000), 0.4549632259118277),
            ((40, 500, 900, 15000), 0.04408681471263254),
        ] {
            let chance = chance_of_so_many(hits, trials, hits_before, trials_before);
            assert!((chance / expected - 1.0).abs() < 1e-4, "{hits}: {chance} is not {expected}");
        }
        assert!((chance_of_so_many(0, 100, 3, 10) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn how_wild_a_value_is_moves_nothing(
            wild in 100.0f64..1e6,
            above in any::<bool>(),
            seed in 0u64..1_000,
        ) {
            // Beyond all others, only its rank is left of it: in the middle, and in the spread.
            let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut values: Vec<f64> =
                (0..25).map(|_| chance.sample::<f64, _>(StandardNormal)).collect();
            let tame = predict(&values, KnownError::default(), 0.005).unwrap();
            let mut with = |value: f64| {
                values[7] = if above { value } else { -value };
                predict(&values, KnownError::default(), 0.005).unwrap()
            };
            let (wild, far) = (with(wild), with(100.0));
            prop_assert!((tame.centre - wild.centre).abs() < 1.0);
            prop_assert!((wild.high - far.high).abs() < 1e-9);
            prop_assert!((wild.low - far.low).abs() < 1e-9);
        }

        #[test]
        fn it_moves_and_stretches_with_its_values(shift in -50.0f64..50.0, scale in 0.1f64..10.0) {
            let plain = predict(&SOME, KnownError::default(), 0.02).unwrap();
            let moved: Vec<f64> = SOME.iter().map(|value| value * scale + shift).collect();
            let moved = predict(&moved, KnownError::default(), 0.02).unwrap();
            prop_assert!((moved.high - (plain.high * scale + shift)).abs() < 1e-6);
            prop_assert!((moved.low - (plain.low * scale + shift)).abs() < 1e-6);
        }
    }
}
