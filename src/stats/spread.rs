//! How far values lie apart, also where some of them are far off.

/// What a median absolute deviation is multiplied with to estimate a normal standard deviation.
const NORMAL: f64 = 1.482_602_218_505_602;

/// From so many values on the median absolute deviation is worth its robustness.
pub const ENOUGH_FOR_MAD: usize = 8;

/// The middle of the sorted values, or between the two in the middle; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[half - 1], upper)
    } else {
        upper
    })
}

/// The standard deviation as 1.4826 × the median absolute deviation from the median: half of the
/// values may be anything. Corrected for small numbers as Croux & Rousseeuw (1992, *Time-efficient
/// algorithms for two highly robust estimators of scale*, §3) do. Needs two values.
pub fn mad_spread(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let middle = median(values)?;
    let off: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let few = match values.len() {
        2 => 1.196,
        3 => 1.495,
        4 => 1.363,
        5 => 1.206,
        6 => 1.200,
        7 => 1.140,
        8 => 1.129,
        9 => 1.107,
        many => many as f64 / (many as f64 - 0.8),
    };
    Some(few * NORMAL * median(&off)?)
}

/// Degrees of freedom of [`mad_spread`] squared as an estimate of a normal variance. Its relative
/// variance is that of a χ² with n / 2.72 degrees of freedom, as the efficiency of the median
/// absolute deviation is 36.8 % (Rousseeuw & Croux 1993).
pub fn mad_freedom(count: usize) -> f64 {
    (0.368 * (count as f64 - 1.0)).max(1.0)
}

/// The standard deviation between a number of figures, never below what each of them is uncertain
/// by itself: estimates cannot lie closer together than their own errors allow, only seem to.
pub fn robust_spread(values: &[f64], error_of_each: f64) -> Option<f64> {
    Some(mad_spread(values)?.max(error_of_each))
}

/// The sample standard deviation; needs two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    #[test]
    fn as_scipy_and_numpy_have_it() {
        // scipy.stats.median_abs_deviation([...], scale="normal") = 1.482602218505602, times n/(n-.8);
        // numpy.std([...], ddof=1) (1.17.1, 2.x).
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 90.0];
        assert_eq!(median(&values), Some(4.0));
        let corrected = 2.0 * 1.482_602_218_505_602 * 11.0 / 10.2;
        assert!((mad_spread(&values).unwrap() - corrected).abs() < 1e-12);
        assert!((standard_deviation(&values).unwrap() - DEVIATION).abs() < 1e-9);
        assert_eq!(median(&[2.0, 1.0, 4.0, 3.0]), Some(2.5));
        assert_eq!(
            (median(&[]), mad_spread(&[1.0]), standard_deviation(&[1.0])),
            (None, None, None)
        );
        assert_eq!(robust_spread(&[1.0, 1.0, 1.0], 0.5), Some(0.5));
    }

    const DEVIATION: f64 = 26.065_651_379_126_933;

    #[test]
    fn it_estimates_a_normal_deviation_without_bias_also_of_few() {
        let normal = Normal::standard();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        for count in [3usize, 5, 8, 20] {
            let rounds = 20_000;
            let mut sum = 0.0;
            for _ in 0..rounds {
                let values: Vec<f64> =
                    (0..count).map(|_| normal.inverse_cdf(random.random::<f64>())).collect();
                sum += mad_spread(&values).unwrap();
            }
            let mean = sum / f64::from(rounds);
            assert!((mean - 1.0).abs() < 0.03, "{count}: {mean}");
        }
    }

    proptest! {
        #[test]
        fn it_moves_with_the_values_and_not_with_one_wild_value(
            values in proptest::collection::vec(-1e3f64..1e3, 9..40),
            scale in 0.1f64..10.0,
            shift in -1e3f64..1e3,
        ) {
            let moved: Vec<f64> = values.iter().map(|value| value * scale + shift).collect();
            let (one, other) = (mad_spread(&values).unwrap(), mad_spread(&moved).unwrap());
            prop_assert!((one * scale - other).abs() < 1e-6 * (1.0 + other));
            let mut wild = values;
            wild[0] = 1e12;
            prop_assert!(mad_spread(&wild).unwrap() < 1e4);
        }
    }
}
