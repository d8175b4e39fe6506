//! Shares of a whole: how sure one is, and how far two differ.

use statrs::function::gamma::ln_gamma;

use super::quantile::beta_quantile;

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The exact 95 % interval of a share of which `hits` of `count` were seen (Clopper & Pearson
/// 1934): it covers at least 95 % whatever the share is. `None` of nothing.
pub fn exact_interval(hits: u64, count: u64) -> Option<(f64, f64)> {
    if count == 0 || hits > count {
        return None;
    }
    let point = |a: u64, b: u64, share: f64| beta_quantile(a as f64, b as f64, share);
    let misses = count - hits;
    let low = if hits == 0 { 0.0 } else { point(hits, misses + 1, 0.025) };
    let high = if misses == 0 { 1.0 } else { point(hits + 1, misses, 0.975) };
    Some((low, high))
}

/// Wilson's score interval (1927), which needs no correction near 0 and 1. `hits` and `count` may
/// be effective numbers and so need not be whole. `None` of nothing.
pub fn score_interval(hits: f64, count: f64) -> Option<(f64, f64)> {
    if !(count > 0.0 && (0.0..=count).contains(&hits)) {
        return None;
    }
    let (share, z2) = (hits / count, Z * Z);
    let middle = (share + z2 / (2.0 * count)) / (1.0 + z2 / count);
    let half = Z * (share * (1.0 - share) / count + z2 / (4.0 * count * count)).sqrt()
        / (1.0 + z2 / count);
    // Rounding must not leave a sliver where the interval reaches the end.
    let low = if hits == 0.0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits == count { 1.0 } else { (middle + half).min(1.0) };
    Some((low, high))
}

/// The 95 % interval of the difference `new − base` of two independent shares, each (hits, count),
/// from their score intervals (Newcombe 1998, *Interval estimation for the difference between
/// independent proportions*, method 10). It holds also where nothing was hit.
pub fn difference_interval(base: (f64, f64), new: (f64, f64)) -> Option<(f64, f64)> {
    let (base_low, base_high) = score_interval(base.0, base.1)?;
    let (new_low, new_high) = score_interval(new.0, new.1)?;
    let (of_base, of_new) = (base.0 / base.1, new.0 / new.1);
    let difference = of_new - of_base;
    let below = ((of_new - new_low).powi(2) + (base_high - of_base).powi(2)).sqrt();
    let above = ((new_high - of_new).powi(2) + (of_base - base_low).powi(2)).sqrt();
    Some(((difference - below).max(-1.0), (difference + above).min(1.0)))
}

/// Fisher's exact test (1935), two-sided: how often tables with the same margins are no likelier
/// than this one if both shares are the same. Each side is (hits, count).
pub fn exact_test(base: (u64, u64), new: (u64, u64)) -> f64 {
    let (hits, counts) = (base.0 + new.0, base.1 + new.1);
    if hits == 0 || hits == counts || base.1 == 0 || new.1 == 0 {
        return 1.0;
    }
    let choose = |n: u64, k: u64| {
        ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0)
    };
    let whole = choose(counts, hits);
    let weight = |k: u64| choose(base.1, k) + choose(new.1, hits - k) - whole;
    let seen = weight(base.0);
    let (first, last) = (hits.saturating_sub(new.1), hits.min(base.1));
    // Tables that are exactly as likely must not be lost to rounding.
    let as_unlikely = |one: f64| one <= seen + 1e-7;
    // Likelihood falls on both sides of its peak: from each end inwards, until it is higher.
    let from_below = (first..=last).map(weight).take_while(|&one| as_unlikely(one));
    let (below, sum_below) = from_below.fold((0, 0.0), |(n, sum), one| (n + 1, sum + one.exp()));
    if first + below > last {
        return 1.0;
    }
    let from_above = (first + below..=last).rev().map(weight).take_while(|&one| as_unlikely(one));
    let sum_above: f64 = from_above.map(f64::exp).sum();
    (sum_below + sum_above).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near((low, high): (f64, f64), expected: (f64, f64)) {
        let off = (low - expected.0).abs().max((high - expected.1).abs());
        assert!(off < 1e-9, "({low}, {high}) for {expected:?}");
    }

    #[test]
    fn intervals_are_those_of_statsmodels() {
        // statsmodels 0.15.0, proportion_confint(hits, count, 0.05, method="beta") and "wilson".
        near(exact_interval(0, 20).unwrap(), (0.0, 0.168_433_470_983_085_34));
        near(exact_interval(3, 50).unwrap(), (0.012_548_587_835_334, 0.165_481_946_603_773));
        near(exact_interval(20, 20).unwrap(), (0.831_566_529_016_914_6, 1.0));
        near(exact_interval(7, 1_000).unwrap(), (0.002_818_858_759_621, 0.014_369_194_978_919));
        near(score_interval(0.0, 20.0).unwrap(), (0.0, 0.161_125_158_052_819_4));
        near(score_interval(3.0, 50.0).unwrap(), (0.020_614_970_348_973, 0.162_170_916_888_382));
        near(score_interval(7.0, 1e3).unwrap(), (0.003_394_868_400_991, 0.014_378_315_465_767));
        assert_eq!((exact_interval(0, 0), score_interval(0.0, 0.0)), (None, None));
    }

    #[test]
    fn differences_are_newcombes() {
        // His own table (1998, page 877), and statsmodels 0.15.0,
        // confint_proportions_2indep(…, method="newcomb", compare="diff").
        let of = |new, base| difference_interval(base, new).unwrap();
        near(of((56.0, 70.0), (48.0, 80.0)), (0.052_431_472_402_365, 0.333_872_654_036_906));
        near(of((9.0, 10.0), (3.0, 10.0)), (0.170_522_723_934_503, 0.809_017_973_535_488));
        near(of((0.0, 20.0), (0.0, 10.0)), (-0.277_532_799_862_889, 0.161_125_158_052_819));
        near(of((0.0, 10.0), (10.0, 10.0)), (-1.0, -0.607_509_350_430_524));
        near(of((6.0, 100.0), (2.0, 100.0)), (-0.019_488_763_823_017, 0.106_370_978_423_827));
    }

    #[test]
    fn the_test_is_fishers() {
        // scipy 1.17.1, scipy.stats.fisher_exact([[hits, misses], [hits, misses]]).pvalue.
        let off = |base, new, expected: f64| {
            let p = exact_test(base, new);
            assert!((p / expected - 1.0).abs() < 1e-6, "{p} for {expected}");
        };
        off((8, 10), (1, 6), 0.034_965_034_965_034_975);
        off((10, 1_000), (3, 1_000), 0.091_237_543_309_019_69);
        off((0, 100), (5, 100), 0.059_383_210_468_586_585);
        off((50, 1_000), (20, 2_000), 6.065_240_487_784_905e-11);
        assert_eq!(exact_test((0, 50), (0, 70)), 1.0);
        assert_eq!(exact_test((50, 50), (70, 70)), 1.0);
    }

    proptest! {
        #[test]
        fn intervals_hold_what_was_seen_and_sides_can_be_swapped(
            (base, new) in (1u64..3_000, 1u64..3_000)
                .prop_flat_map(|(b, n)| ((0..=b, Just(b)), (0..=n, Just(n)))),
        ) {
            for (hits, count) in [base, new] {
                let share = hits as f64 / count as f64;
                let (low, high) = exact_interval(hits, count).unwrap();
                prop_assert!(low <= share && share <= high && low >= 0.0 && high <= 1.0);
            }
            let as_f64 = |(hits, count): (u64, u64)| (hits as f64, count as f64);
            let (low, high) = difference_interval(as_f64(base), as_f64(new)).unwrap();
            let (back_low, back_high) = difference_interval(as_f64(new), as_f64(base)).unwrap();
            prop_assert!((low + back_high).abs() < 1e-12 && (high + back_low).abs() < 1e-12);
            let (p, back) = (exact_test(base, new), exact_test(new, base));
            prop_assert!((0.0..=1.0).contains(&p) && (p - back).abs() < 1e-6, "{p} {back}");
        }
    }
}
