//! From a difference and its error to a verdict.

use super::model::{Needs, Verdict};
use super::noise::{Difference, Spread};
use crate::stats::quantile::{student_above, student_point};

/// What chance may do in one comparison of twenty.
pub(super) const ALPHA: f64 = 0.05;
/// Beyond so much nobody will wait for it.
const MOST_TURNS: f64 = 1e7;
const MOST_RUNS: u64 = 100;

/// How often a difference at least as large comes about without a cause, two-sided.
pub(super) fn p_value(log: f64, spread: Spread) -> f64 {
    if spread.error <= 0.0 {
        return if log == 0.0 { 1.0 } else { 0.0 };
    }
    let off = log.abs() / spread.error;
    (2.0 * student_above(spread.freedom, off)).min(1.0)
}

/// Half the width of the 95 % interval.
pub(super) fn half_width(spread: Spread) -> f64 {
    spread.error * point(spread.freedom)
}

fn point(freedom: f64) -> f64 {
    student_point(freedom, ALPHA / 2.0)
}

/// The verdict on a figure of which less is better, where the noise between runs is known.
pub(super) fn with_noise(difference: &Difference, p_adjusted: f64, min_change: f64) -> Verdict {
    let half = half_width(difference.whole);
    let (low, high) = (difference.log - half, difference.log + half);
    let matters = (1.0 + min_change).ln();
    let beyond_chance = p_adjusted <= ALPHA;
    // A change that is certain, and certainly too small to matter, is none.
    if beyond_chance && difference.log < 0.0 && low <= -matters {
        Verdict::Improved
    } else if high < matters {
        Verdict::NoWorse
    } else if beyond_chance && difference.log > 0.0 {
        Verdict::Regressed
    } else {
        Verdict::Inconclusive
    }
}

/// The verdict on a figure of two lone runs. `p_noise` reckons with the noise that is assumed,
/// `p_within` with these two runs alone; both adjusted.
pub(super) fn of_lone_runs(log: f64, p_noise: f64, p_within: f64) -> Verdict {
    match (p_noise <= ALPHA, p_within <= ALPHA) {
        (true, _) if log > 0.0 => Verdict::Regressed,
        (true, _) => Verdict::Improved,
        (false, true) => Verdict::Differs,
        (false, false) => Verdict::NoDifferenceSeen,
    }
}

/// What it would take for an interval half as wide as would tell: either the difference seen from
/// none, or what is left of the smallest change that matters. `turns` are those of a run, `sides`
/// how many runs each side has.
pub(super) fn needs(
    difference: &Difference,
    turns: u64,
    sides: (usize, usize),
    min_change: f64,
) -> Option<Needs> {
    let matters = (1.0 + min_change).ln();
    let target = difference.log.abs().max(matters - difference.log);
    let runs = 1.0 / sides.0 as f64 + 1.0 / sides.1 as f64;
    let points = point(difference.whole.freedom);
    let wanted = (target / points).powi(2);
    let within = difference.within.error.powi(2);
    // More turns narrow what the turns leave open, and nothing else.
    let left = wanted - difference.between * runs;
    let turns = (left > 0.0 && within > 0.0)
        .then(|| turns as f64 * (within / left - 1.0))
        .filter(|more| (1.0..MOST_TURNS).contains(more))
        .map(two_digits);
    let each = within / runs + difference.between;
    let fewer = sides.0.min(sides.1) as u64;
    let runs = (fewer + 1..=fewer + MOST_RUNS)
        .find(|&many| {
            // With repeats the error is known as well as there are runs.
            let freedom = (2 * many - 2) as f64;
            point(freedom.max(difference.whole.freedom)) * (2.0 * each / many as f64).sqrt()
                <= target
        })
        .map(|many| many - fewer);
    let needs = Needs { turns, runs };
    (needs.turns.is_some() || needs.runs.is_some()).then_some(needs)
}

/// Upwards to two significant digits: more would be a pretence.
pub(super) fn two_digits(number: f64) -> u64 {
    let scale = 10f64.powf((number.log10().floor() - 1.0).max(0.0));
    ((number / scale).ceil() * scale) as u64
}
