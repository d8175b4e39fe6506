//! Differences of pairs, whatever their distribution: Wilcoxon's signed-rank test and the shift
//! that belongs to it, Hodges and Lehmann's.

use statrs::distribution::{ContinuousCDF, Normal};

/// Up to so many differences without ties the distribution is computed exactly.
const EXACT: usize = 50;
const TAIL: f64 = 0.025;
const Z: f64 = 1.959_963_984_540_054;

/// A shift with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all pairwise means.
    pub estimate: f64,
    /// `None` of fewer than six differences: no interval can promise 95 %.
    pub interval: Option<(f64, f64)>,
}

/// The two-sided p-value of Wilcoxon's signed-rank test (1945) that `differences` lie around zero.
/// Zeros are left out. Exact up to 50 differences without ties, else the normal approximation with
/// corrections for ties and continuity. 1 where there is nothing to test.
pub fn wilcoxon(differences: &[f64]) -> f64 {
    let kept: Vec<f64> = differences.iter().copied().filter(|one| *one != 0.0).collect();
    let count = kept.len();
    if count == 0 {
        return 1.0;
    }
    let (positive, ties) = positive_ranks(&kept);
    let n = count as f64;
    if count <= EXACT && ties == 0.0 {
        let all = n * (n + 1.0) / 2.0;
        let smaller = positive.min(all - positive).round() as usize;
        let below: f64 = null_distribution(count)[..=smaller].iter().sum();
        return (2.0 * below).min(1.0);
    }
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    if variance <= 0.0 {
        return 1.0;
    }
    let off = ((positive - mean).abs() - 0.5).max(0.0) / variance.sqrt();
    (2.0 * Normal::standard().sf(off)).min(1.0)
}

/// The sum of the ranks of the positive differences (ties share theirs), and Σ(t³ − t) over ties.
fn positive_ranks(differences: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<(f64, bool)> =
        differences.iter().map(|one| (one.abs(), *one > 0.0)).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut ties, mut done) = (0.0, 0.0, 0);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let many = tied.len() as f64;
        let rank = done as f64 + (many + 1.0) / 2.0;
        sum += rank * tied.iter().filter(|(_, positive)| *positive).count() as f64;
        ties += many * (many * many - 1.0);
        done += tied.len();
    }
    (sum, ties)
}

/// P(V = 0, 1, …) of the signed-rank statistic of `count` differences: each rank is in or out.
fn null_distribution(count: usize) -> Vec<f64> {
    let mut chances = vec![1.0];
    for rank in 1..=count {
        let mut next = vec![0.0; chances.len() + rank];
        for (sum, chance) in chances.iter().enumerate() {
            next[sum] += chance / 2.0;
            next[sum + rank] += chance / 2.0;
        }
        chances = next;
    }
    chances
}

/// The Hodges–Lehmann shift of `differences` (1963): the median of the means of all pairs, each
/// with itself too, with the 95 % interval that inverts the signed-rank test (Hollander & Wolfe,
/// *Nonparametric Statistical Methods*, §3.3). `None` of nothing. n·log n, for any number of them.
pub fn hodges_lehmann(differences: &[f64]) -> Option<Shift> {
    let mut sorted = differences.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as u64;
    if n == 0 {
        return None;
    }
    let pairs = n * (n + 1) / 2;
    let upper = pairwise_mean(&sorted, pairs / 2 + 1);
    let estimate = match pairs % 2 {
        0 => f64::midpoint(pairwise_mean(&sorted, pairs / 2), upper),
        _ => upper,
    };
    let interval = outermost(n)
        .map(|rank| (pairwise_mean(&sorted, rank), pairwise_mean(&sorted, pairs + 1 - rank)));
    Some(Shift { estimate, interval })
}

/// The rank of the lower end among the pairwise means of `n` differences, from 1.
fn outermost(n: u64) -> Option<u64> {
    let rank = if n as usize <= EXACT {
        let mut below = 0.0;
        let chances = null_distribution(n as usize);
        chances.iter().position(|chance| {
            below += chance;
            below > TAIL
        })? as u64
    } else {
        let n = n as f64;
        let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        (n * (n + 1.0) / 4.0 - Z * deviation).floor() as u64
    };
    (rank >= 1).then_some(rank)
}

/// The `rank`-th smallest, from 1, of the means of all pairs of `sorted`: bisected over the bits of
/// the number, counting the means below each, so that they need not be kept.
fn pairwise_mean(sorted: &[f64], rank: u64) -> f64 {
    let no_more = |mean: f64| {
        // As one of the pair rises, the other has to fall: two fingers, one pass.
        let mut end = sorted.len();
        let mut count = 0;
        for (at, &one) in sorted.iter().enumerate() {
            while end > at && f64::midpoint(one, sorted[end - 1]) > mean {
                end -= 1;
            }
            if end <= at {
                break;
            }
            count += (end - at) as u64;
        }
        count
    };
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    let (mut low, mut high) = (ordered(first), ordered(last));
    while low < high {
        let middle = low + (high - low) / 2;
        if no_more(from_ordered(middle)) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    from_ordered(low)
}

/// The bits of a number as an integer that is in the same order.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn from_ordered(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hollander & Wolfe's depression scores, the example of R's `wilcox.test`.
    const DEPRESSION: [f64; 9] = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01];

    #[test]
    fn small_numbers_are_exact_as_in_scipy_and_r() {
        // scipy 1.17.1, wilcoxon(x, method="exact"); R: wilcox.test(x, conf.int = TRUE) gives
        // V = 40, p-value = 0.03906, (pseudo)median 0.46, interval 0.010 to 0.786.
        assert!((wilcoxon(&DEPRESSION) - 0.039_062_5).abs() < 1e-12);
        let shift = hodges_lehmann(&DEPRESSION).unwrap();
        let (low, high) = shift.interval.unwrap();
        assert!((shift.estimate - 0.46).abs() < 1e-12, "{shift:?}");
        assert!((low - 0.010).abs() < 1e-12 && (high - 0.786).abs() < 1e-12, "{shift:?}");
    }

    #[test]
    fn ties_and_large_numbers_are_approximated_as_in_scipy() {
        // scipy 1.17.1, wilcoxon(x, method="approx", correction=True), zero_method "wilcox".
        let tied =
            [1.0, 2.0, 2.0, -1.0, 3.0, -2.0, 0.0, 4.0, 4.0, 5.0, -3.0, 2.0, 1.0, 6.0, 7.0, -1.0];
        assert!((wilcoxon(&tied) - TIED).abs() < 1e-9, "{}", wilcoxon(&tied));
        let many: Vec<f64> = (-40..80).map(|at| f64::from(at) / 3.0 + 0.05).collect();
        assert!((wilcoxon(&many) - MANY).abs() < 1e-12, "{}", wilcoxon(&many));
    }

    const TIED: f64 = 0.028_062_114_567_276_97;
    const MANY: f64 = 1.885_964_309_080_651_4e-7;

    #[test]
    fn too_few_have_no_interval_and_nothing_is_no_evidence() {
        assert_eq!(hodges_lehmann(&[]), None);
        let five = hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!((five.estimate, five.interval), (3.0, None));
        let six = hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(six.interval, Some((1.0, 6.0)));
        assert_eq!((wilcoxon(&[]), wilcoxon(&[0.0, 0.0])), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn the_shift_is_the_median_of_all_pairwise_means(
            values in proptest::collection::vec(-1e3f64..1e3, 1..40),
        ) {
            let mut means: Vec<f64> = (0..values.len())
                .flat_map(|i| (i..values.len()).map(move |j| (i, j)))
                .map(|(i, j)| f64::midpoint(values[i], values[j]))
                .collect();
            means.sort_unstable_by(f64::total_cmp);
            let shift = hodges_lehmann(&values).unwrap();
            let half = means.len() / 2;
            let median = match means.len() % 2 {
                0 => f64::midpoint(means[half - 1], means[half]),
                _ => means[half],
            };
            prop_assert_eq!(shift.estimate, median);
            if let Some((low, high)) = shift.interval {
                prop_assert!(means.contains(&low) && means.contains(&high));
                prop_assert!(low <= median && median <= high);
            }
        }

        #[test]
        fn signs_turned_round_are_as_unlikely(
            values in proptest::collection::vec(-5i32..5, 1..80),
        ) {
            let forth: Vec<f64> = values.iter().copied().map(f64::from).collect();
            let back: Vec<f64> = forth.iter().map(|one| -one).collect();
            let p = wilcoxon(&forth);
            prop_assert!((p - wilcoxon(&back)).abs() < 1e-12 && (0.0..=1.0).contains(&p));
        }
    }
}
