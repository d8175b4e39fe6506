//! How sure a percentile is: an interval between two order statistics, free of any assumption
//! about the distribution (Hahn & Meeker, *Statistical Intervals*, §5.2).

/// What each side may miss: 2.5 %, so that the interval covers at least 95 %.
const TAIL: f64 = 0.025;

/// Ranks `low < high`, from 1, of `count` values, between which the `share`-quantile lies with at
/// least 95 %, at most 2.5 % on either side. `None` where no two ranks can promise that (p90: 36
/// values, p95: 72, p99: 368, p99.9: 3,688).
pub fn ranks(count: u64, share: f64) -> Option<(u64, u64)> {
    // B values lie below the quantile; B is binomial. X(low) is above it if B < low.
    let low = quantile(count, share, TAIL)?;
    let high = quantile(count, share, 1.0 - TAIL)? + 1;
    (low >= 1 && high <= count).then_some((low, high))
}

/// The same where `overdispersion` values stand for one independent one: ranks are found for the
/// effective number of values and scaled back, outwards (Woodruff 1952).
pub fn ranks_of_dependent(count: u64, share: f64, overdispersion: f64) -> Option<(u64, u64)> {
    let effective = (count as f64 / overdispersion.max(1.0)).floor() as u64;
    let (low, high) = ranks(effective, share)?;
    let scale = count as f64 / effective as f64;
    // 1e-9 against a product that should be whole and is not quite.
    let low = ((low as f64 * scale + 1e-9).floor() as u64).max(1);
    let high = ((high as f64 * scale - 1e-9).ceil() as u64).min(count);
    Some((low, high))
}

/// How many independent values it takes, at least, for an interval of the `share`-quantile.
pub fn fewest(share: f64) -> u64 {
    // The lowest rank is above the quantile with (1 − share)ⁿ, the highest below it with shareⁿ.
    let rarer = share.max(1.0 - share);
    if !(rarer > 0.0 && rarer < 1.0) {
        return u64::MAX;
    }
    let mut count = (TAIL.ln() / rarer.ln()).floor().max(1.0) as u64;
    while ranks(count, share).is_none() {
        count += 1;
    }
    count
}

/// The smallest k with P(B ≤ k) > `probability`, for B binomial.
///
/// The weights are summed from the mode outwards and divided by their sum: no special function
/// that would lose digits or time with millions of values.
fn quantile(count: u64, share: f64, probability: f64) -> Option<u64> {
    if count == 0 || !(share > 0.0 && share < 1.0) {
        return None;
    }
    let odds = share / (1.0 - share);
    let mode = (((count + 1) as f64 * share) as u64).min(count);
    let mut below = Vec::new();
    let mut weight = 1.0;
    for k in (0..mode).rev() {
        weight *= (k + 1) as f64 / ((count - k) as f64 * odds);
        if weight < 1e-18 {
            break;
        }
        below.push(weight);
    }
    let mut above = Vec::new();
    weight = 1.0;
    for k in mode..count {
        weight *= (count - k) as f64 * odds / (k + 1) as f64;
        if weight < 1e-18 {
            break;
        }
        above.push(weight);
    }
    let all = below.iter().sum::<f64>() + 1.0 + above.iter().sum::<f64>();
    let first = mode - below.len() as u64;
    let mut sum = 0.0;
    let weights = below.iter().rev().chain([&1.0]).chain(&above);
    for (k, weight) in (first..).zip(weights) {
        sum += weight / all;
        if sum > probability {
            return Some(k);
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    #[test]
    fn below_the_known_floors_there_is_no_interval() {
        for (share, floor) in [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3_688)] {
            assert_eq!(ranks(floor - 1, share), None, "{share}");
            assert!(ranks(floor, share).is_some(), "{share}");
            assert_eq!(fewest(share), floor);
        }
        assert_eq!(ranks(0, 0.5), None);
    }

    #[test]
    fn ranks_promise_what_the_exact_binomial_says() {
        for (count, share) in [(40, 0.9), (100, 0.5), (500, 0.95), (2_000, 0.99), (5_000, 0.999)] {
            let (low, high) = ranks(count, share).unwrap();
            let binomial = Binomial::new(share, count).unwrap();
            assert!(binomial.cdf(low - 1) <= TAIL, "{count} {share}");
            assert!(binomial.cdf(low) > TAIL, "{count} {share}: a higher rank would do");
            assert!(binomial.cdf(high - 1) >= 1.0 - TAIL, "{count} {share}");
            assert!(binomial.cdf(high - 2) < 1.0 - TAIL, "{count} {share}: a lower would do");
        }
    }

    #[test]
    fn known_ranks() {
        // Hahn & Meeker's well-known case: the median of 100 lies between the 40th and the 61st.
        assert_eq!(ranks(100, 0.5), Some((40, 61)));
        let (low, high) = ranks(10_000_000, 0.5).unwrap();
        let expected = 1.96 * (10_000_000f64 * 0.25).sqrt();
        assert!((low as f64 - (5e6 - expected)).abs() < 5.0);
        assert!((high as f64 - (5e6 + expected)).abs() < 5.0);
    }

    #[test]
    fn dependent_values_widen_the_interval_or_take_it_away() {
        let (low, high) = ranks_of_dependent(1_000, 0.95, 1.0).unwrap();
        assert_eq!(ranks(1_000, 0.95), Some((low, high)));
        let (wide_low, wide_high) = ranks_of_dependent(1_000, 0.95, 4.0).unwrap();
        assert!(wide_low < low && high < wide_high);
        assert_eq!(ranks_of_dependent(1_000, 0.95, 20.0), None);
    }
}
