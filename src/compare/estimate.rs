//! One figure of one run, with its own error.

use super::evidence::Evidence;
use super::figure::Figure;
use crate::stats::order;
use crate::stats::spread::standard_deviation;

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A figure of a run on the log scale, where a ratio is a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// The natural logarithm of the figure in milliseconds.
    pub(super) log: f64,
    /// Its standard error, as far as the run's own turns tell.
    pub(super) error: f64,
    /// Degrees of freedom of that error.
    pub(super) freedom: f64,
    /// Values that it is of.
    pub(super) count: u64,
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Missing {
    /// No turn has a value.
    NoData,
    /// There are too few to say how sure it is.
    TooFew {
        /// How many there are.
        count: u64,
        /// How many it takes.
        needed: u64,
    },
}

/// The figure of the turns of `kind` (`None`: of all), with its error from `rounds` resamples.
pub(super) fn estimate(
    evidence: &Evidence,
    kind: Option<u16>,
    figure: Figure,
    rounds: usize,
    seed: u64,
) -> Result<Estimate, Missing> {
    let observations = evidence.of(kind, figure.metric).ok_or(Missing::NoData)?;
    let count = observations.count();
    let needed = figure.statistic.share().map_or(6, order::fewest);
    if count < needed {
        return Err(Missing::TooFew { count, needed });
    }
    let statistic = figure.statistic.estimated();
    let value = observations.estimate(statistic).ok_or(Missing::NoData)?;
    let replicates = observations.resample(statistic, rounds, seed).ok_or(Missing::NoData)?;
    // Less than a microsecond was never told apart from one.
    let log = |micros: f64| micros.max(1.0).ln();
    let mut logs: Vec<f64> = replicates.values.iter().map(|&one| log(one)).collect();
    logs.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| logs[((share * logs.len() as f64) as usize).min(logs.len() - 1)];
    // Both, as each misses what the other sees: tails that reach far on few occasions, and two
    // humps that the middle 95 % lie in one of.
    let width = (at(0.975) - at(0.025)) / (2.0 * Z);
    let error = width.max(standard_deviation(&logs).unwrap_or(0.0));
    let freedom = (replicates.blocks - 1.0).max(1.0);
    Ok(Estimate { log: log(value) - 1e3_f64.ln(), error, freedom, count })
}
