//! Several tests at once: the more one looks at, the more chance shows.

/// Holm's adjusted p-values (Holm 1979), in the order given: each at most `alpha` exactly where
/// Holm's step-down procedure rejects at `alpha`, so that the chance of even one false rejection
/// among all of them stays below `alpha`, however the tests depend on one another.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (done, &at) in order.iter().enumerate() {
        let left = (p_values.len() - done) as f64;
        largest = largest.max((left * p_values[at]).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_r_and_statsmodels_adjust() {
        // statsmodels.stats.multitest.multipletests([.01, .04, .03, .005], method="holm")[1];
        // R: p.adjust(c(.01, .04, .03, .005), "holm").
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (one, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((one - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn between_no_correction_and_bonferronis(
            p_values in proptest::collection::vec(0.0f64..=1.0, 1..8),
        ) {
            let adjusted = holm(&p_values);
            let many = p_values.len() as f64;
            for (one, p) in adjusted.iter().zip(&p_values) {
                prop_assert!(*one >= *p && *one <= (p * many).max(*one).min(1.0));
            }
            let least = p_values.iter().copied().fold(1.0, f64::min);
            let least_adjusted = adjusted.iter().copied().fold(1.0, f64::min);
            prop_assert!((least_adjusted - (least * many).min(1.0)).abs() < 1e-12);
        }
    }
}
