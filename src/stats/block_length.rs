//! How long neighbours in time depend on one another.

/// The length of blocks for a circular block bootstrap of the mean of `series` that the series
/// itself asks for: the automatic rule of Politis & White (2004), corrected by Patton, Politis &
/// White (2009). At least 1, and 1 where no dependence shows.
pub fn block_length(series: &[f64]) -> usize {
    let count = series.len();
    if count < 16 {
        return 1;
    }
    let n = count as f64;
    let mean = series.iter().sum::<f64>() / n;
    let covariance = |lag: usize| {
        let pairs = series.iter().zip(&series[lag..]);
        pairs.map(|(one, later)| (one - mean) * (later - mean)).sum::<f64>() / n
    };
    let variance = covariance(0);
    if variance <= 0.0 {
        return 1;
    }
    // The first lag after which so many in a row are what chance shows.
    let in_a_row = (n.log10().sqrt().ceil() as usize).max(5);
    let most = n.sqrt().ceil() as usize + in_a_row;
    let chance = 2.0 * (n.log10() / n).sqrt();
    let mut quiet = 0;
    let mut last = 0;
    for lag in 1..most.min(count - 1) {
        if (covariance(lag) / variance).abs() < chance {
            quiet += 1;
            if quiet == in_a_row {
                break;
            }
        } else {
            quiet = 0;
            last = lag;
        }
    }
    if last == 0 {
        return 1;
    }
    let width = (2 * last).min(most);
    let (mut spectrum, mut slope) = (variance, 0.0);
    for lag in 1..=width.min(count - 1) {
        let at = lag as f64 / width as f64;
        let window = if at <= 0.5 { 1.0 } else { 2.0 * (1.0 - at) };
        let covariance = covariance(lag);
        spectrum += 2.0 * window * covariance;
        slope += 2.0 * window * lag as f64 * covariance;
    }
    if spectrum <= 0.0 {
        // Neighbours even one another out: single units are the cautious choice.
        return 1;
    }
    let length = (1.5 * slope * slope / (spectrum * spectrum) * n).cbrt();
    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    length.ceil().clamp(1.0, longest) as usize
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    fn series(count: usize, memory: f64, seed: u64) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut level = 0.0;
        (0..count)
            .map(|_| {
                level = memory * level + random.random::<f64>() - 0.5;
                level
            })
            .collect()
    }

    #[test]
    fn independent_values_are_nearly_always_taken_one_by_one() {
        let long = (0..200).filter(|&seed| block_length(&series(500, 0.0, seed)) > 3).count();
        assert!(long <= 12, "{long} of 200");
        assert_eq!(block_length(&[]), 1);
        assert_eq!(block_length(&[1.0; 100]), 1);
    }

    #[test]
    fn dependent_values_are_taken_in_blocks_of_the_known_best_length() {
        // For an autoregressive series the best length is (1.5 · (2ρ/(1 − ρ²))² · n)^⅓: 17.4 for
        // ρ = 0.6 and n = 1000. Of 50 such series, arch 8.0.0 (Python, optimal_block_length) makes
        // 15.7 in the middle, and 12.5 to 24.5 for nine of ten.
        let mut lengths: Vec<usize> =
            (0..50).map(|seed| block_length(&series(1_000, 0.6, seed))).collect();
        lengths.sort_unstable();
        assert!((13..=24).contains(&lengths[25]), "{lengths:?}");
        let longer = block_length(&series(1_000, 0.9, 3));
        assert!(longer > lengths[25], "{longer}");
    }
}
