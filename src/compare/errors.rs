//! Turns without an answer, judged before anything else: percentiles are of the answered.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::evidence::Evidence;
use super::judge::{ALPHA, two_digits};
use super::model::{Needs, Verdict};
use super::noise::{Noise, NoiseSource};
use crate::stats::block_length::block_length;
use crate::stats::bootstrap::Statistic;
use crate::stats::dispersion::overdispersion;
use crate::stats::proportion::{difference_interval, exact_interval, exact_test};
use crate::stats::spread::standard_deviation;

/// What is assumed of two lone runs: that error rates of an unchanged agent differ from run to run
/// by a standard deviation of 0.5 on the log scale, a factor of 1.65.
const ASSUMED: f64 = 0.5;
const ROUNDS: usize = 500;

/// The error rates of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorsCompared {
    /// The measure.
    pub base: ErrorRate,
    /// What is measured by it.
    pub new: ErrorRate,
    /// New less base, in fractions.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// How many failed turns count as one: those that fail together say less than they are many.
    pub overdispersion: f64,
    /// How often chance alone, and the noise between runs, differ as much; `None` where no turn
    /// failed.
    pub p: Option<f64>,
    /// The same after Holm's correction.
    pub p_adjusted: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// What it would take to tell.
    pub needs: Option<Needs>,
}

/// One side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorRate {
    /// Turns that failed, timed out or were dropped.
    pub failed: u64,
    /// All but those that were cancelled.
    pub turns: u64,
    /// A fraction.
    pub rate: f64,
    /// Its exact 95 % interval, of the effective numbers.
    pub interval: [f64; 2],
}

/// Error rates before they are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    base: (u64, u64),
    new: (u64, u64),
    overdispersion: f64,
    /// From these runs alone.
    pub(super) p_within: f64,
    /// With the noise between runs.
    pub(super) p_noise: f64,
}

/// Turns without an answer and all turns of a run, the cancelled left out.
pub(super) fn counts(evidence: &Evidence, kind: Option<u16>) -> (u64, u64) {
    evidence.errors(kind).map_or((0, 0), |all| {
        let rate = all.estimate(Statistic::Mean).unwrap_or(0.0);
        ((rate * all.count() as f64).round() as u64, all.count())
    })
}

/// How many of a run's failed turns count as one: the variance of the rate when whole sessions and
/// stretches of time are drawn again, over that of independent turns.
fn within_run(evidence: &Evidence) -> f64 {
    let Some(all) = evidence.errors(None) else { return 1.0 };
    let (hits, count) = counts(evidence, None);
    if hits < 2 || hits == count {
        return 1.0;
    }
    let rate = hits as f64 / count as f64;
    // Failures are few: blocks that are longer than they show would only scatter more.
    let block = block_length(&all.influence(Statistic::Mean));
    let replicates = all.resample_in_blocks(Statistic::Mean, block, ROUNDS, 17);
    let spread = replicates.and_then(|drawn| standard_deviation(&drawn.values)).unwrap_or(0.0);
    (spread * spread * count as f64 / (rate * (1.0 - rate))).max(1.0)
}

/// The rates of both sides. `history` are earlier runs' failed and all turns.
pub(super) fn rates(
    noise: Noise,
    base: &[&Evidence],
    new: &[&Evidence],
    history: &[(u64, u64)],
) -> Rates {
    let each = |side: &[&Evidence]| side.iter().map(|run| counts(run, None)).collect::<Vec<_>>();
    let (of_base, of_new) = (each(base), each(new));
    let sum = |side: &[(u64, u64)]| {
        side.iter().fold((0, 0), |(hits, count), one| (hits + one.0, count + one.1))
    };
    let between = match noise.source {
        NoiseSource::History => overdispersion(&swapped(history)),
        NoiseSource::Repeats => {
            overdispersion(&swapped(&of_base)).max(overdispersion(&swapped(&of_new)))
        }
        NoiseSource::Assumed | NoiseSource::Given => 1.0,
    };
    let runs = base.iter().chain(new);
    let spread = runs.map(|run| within_run(run)).fold(between, f64::max);
    let (base, new) = (sum(&of_base), sum(&of_new));
    let effective = |(hits, count): (u64, u64)| {
        ((hits as f64 / spread).round() as u64, (count as f64 / spread).round() as u64)
    };
    let p_within = exact_test(effective(base), effective(new));
    let log_noise = match noise.source {
        NoiseSource::Assumed => ASSUMED,
        NoiseSource::Given => (1.0 + noise.between.unwrap_or(0.0)).ln(),
        NoiseSource::History | NoiseSource::Repeats => 0.0,
    };
    let sides = 1.0 / of_base.len() as f64 + 1.0 / of_new.len() as f64;
    // Where earlier runs told the noise it is in `spread` already, and the exact test is the better one.
    let p_noise = match log_noise > 0.0 {
        true => p_within.max(p_of_ratio(base, new, spread, log_noise * log_noise * sides)),
        false => p_within,
    };
    Rates { base, new, overdispersion: spread, p_within, p_noise }
}

fn swapped(counts: &[(u64, u64)]) -> Vec<(u64, u64)> {
    counts.iter().map(|&(hits, count)| (count, hits)).collect()
}

/// The p-value of the ratio of two rates that vary by themselves; half a failed turn is added to
/// each, so that none is not infinitely few (Agresti 2002, *Categorical Data Analysis*, §3.1.1).
fn p_of_ratio(base: (u64, u64), new: (u64, u64), spread: f64, noise: f64) -> f64 {
    let of = |(hits, count): (u64, u64)| {
        let hits = hits as f64 / spread + 0.5;
        (hits, (hits / (count as f64 / spread + 1.0)).ln())
    };
    let ((base_hits, base), (new_hits, new)) = (of(base), of(new));
    let error = (1.0 / base_hits + 1.0 / new_hits + noise).sqrt();
    (2.0 * Normal::standard().sf((new - base).abs() / error)).min(1.0)
}

impl Rates {
    /// Whether there is anything to test.
    pub(super) fn has_errors(&self) -> bool {
        self.base.0 + self.new.0 > 0
    }

    /// The verdict; `p_noise` and `p_within` are adjusted. More errors than chance explains are a
    /// regression however few; that there are none is told up to `min_change`, in fractions of all
    /// turns.
    pub(super) fn judged(
        &self,
        noise: Noise,
        p_noise: f64,
        p_within: f64,
        min_change: f64,
    ) -> ErrorsCompared {
        let rate = |(hits, count): (u64, u64)| hits as f64 / count.max(1) as f64;
        let difference = rate(self.new) - rate(self.base);
        let effective = |(hits, count): (u64, u64)| {
            (hits as f64 / self.overdispersion, count as f64 / self.overdispersion)
        };
        let interval = difference_interval(effective(self.base), effective(self.new));
        let (low, high) = interval.unwrap_or((-1.0, 1.0));
        let verdict = match (noise.is_known(), p_noise <= ALPHA, p_within <= ALPHA) {
            (_, true, _) if difference > 0.0 => Verdict::Regressed,
            (_, true, _) => Verdict::Improved,
            (false, false, true) => Verdict::Differs,
            (false, false, false) => Verdict::NoDifferenceSeen,
            (true, false, _) if !self.has_errors() || high < min_change => Verdict::NoWorse,
            (true, false, _) => Verdict::Inconclusive,
        };
        let needs = (verdict == Verdict::Inconclusive).then(|| {
            let off = (high - difference) / (min_change - difference).abs().max(difference.abs());
            let turns = self.new.1 as f64 * (off * off - 1.0);
            Needs { turns: Some(two_digits(turns.max(1.0))), runs: None }
        });
        let side = |counts: (u64, u64)| {
            let (hits, count) = effective(counts);
            let exact = exact_interval(hits.round() as u64, count.round().max(1.0) as u64);
            let (low, high) = exact.unwrap_or((0.0, 1.0));
            ErrorRate {
                failed: counts.0,
                turns: counts.1,
                rate: rate(counts),
                interval: [low, high],
            }
        };
        ErrorsCompared {
            base: side(self.base),
            new: side(self.new),
            difference,
            interval: [low, high],
            overdispersion: self.overdispersion,
            p: self.has_errors().then_some(self.p_noise),
            p_adjusted: self.has_errors().then_some(p_noise),
            verdict,
            needs,
        }
    }
}
