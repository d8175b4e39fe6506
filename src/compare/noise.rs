//! How much runs of an unchanged agent differ from one another: what two runs alone cannot tell.

use serde::{Deserialize, Serialize};

use super::estimate::Estimate;
use crate::stats::change_points::{ChangeSearch, change_points};
use crate::stats::spread::{ENOUGH_FOR_MAD, mad_freedom, mad_spread, median, standard_deviation};

/// What is assumed of two lone runs: a standard deviation of 10 %.
const ASSUMED: f64 = 0.10;
/// A history tells of noise from so many runs on.
pub const ENOUGH_HISTORY: usize = 8;
/// Older runs say little of today.
const RECENT: usize = 30;
/// Repeats tell of noise from so many degrees of freedom on.
const ENOUGH_REPEATS: usize = 2;

/// Where the noise between runs is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// It is not: 10 % are assumed.
    Assumed,
    /// `--run-noise`.
    Given,
    /// Several runs on a side.
    Repeats,
    /// Earlier runs of the same fingerprint.
    History,
}

/// The noise between runs that a comparison reckons with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Where it is known from.
    pub source: NoiseSource,
    /// How many runs it is of; 0 where it is assumed or given.
    pub runs: usize,
    /// Where it is assumed or given: the standard deviation between runs, as a fraction.
    pub between: Option<f64>,
}

impl Noise {
    /// What is known, best first: what was given, a long enough history, repeats.
    pub(super) fn known(given: Option<f64>, history: usize, base: usize, new: usize) -> Self {
        let repeats = (base + new).saturating_sub(2);
        match given {
            Some(between) => Self { source: NoiseSource::Given, runs: 0, between: Some(between) },
            None if history >= ENOUGH_HISTORY => {
                Self { source: NoiseSource::History, runs: history.min(RECENT), between: None }
            }
            None if repeats >= ENOUGH_REPEATS => {
                Self { source: NoiseSource::Repeats, runs: base + new, between: None }
            }
            None => Self { source: NoiseSource::Assumed, runs: 0, between: Some(ASSUMED) },
        }
    }

    /// Whether a verdict may rest on it.
    pub fn is_known(self) -> bool {
        self.source != NoiseSource::Assumed
    }
}

/// Two sides of a figure, and the errors of their difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    /// `new − base` on the log scale.
    pub(super) log: f64,
    /// From the turns of the runs alone.
    pub(super) within: Spread,
    /// With the noise between runs.
    pub(super) whole: Spread,
    /// The variance between runs beyond what their turns explain.
    pub(super) between: f64,
}

/// A standard error and its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) error: f64,
    pub(super) freedom: f64,
}

/// The difference of two sides, each of one run or several. `history` are logarithms of earlier
/// runs' figures in order of time.
pub(super) fn difference(
    noise: Noise,
    base: &[Estimate],
    new: &[Estimate],
    history: &[f64],
) -> Difference {
    let mean = |side: &[Estimate]| side.iter().map(|one| one.log).sum::<f64>() / side.len() as f64;
    let parts: Vec<(f64, f64)> = [base, new]
        .iter()
        .flat_map(|side| {
            let many = (side.len() * side.len()) as f64;
            side.iter().map(move |one| (one.error * one.error / many, one.freedom))
        })
        .collect();
    let within = welch(&parts);
    // The variance of one run, as its own turns tell it.
    let own = |side: &[Estimate]| {
        side.iter().map(|one| one.error * one.error).sum::<f64>() / side.len() as f64
    };
    let whole = match noise.between {
        Some(fraction) => {
            let between = (1.0 + fraction).ln().powi(2);
            let sides = between / base.len() as f64 + between / new.len() as f64;
            welch(&[parts.as_slice(), &[(sides, f64::INFINITY)]].concat())
        }
        None => {
            let (variance, freedom) = match noise.source {
                NoiseSource::History => of_history(history),
                _ => of_repeats(base, new),
            };
            let side = |side: &[Estimate]| variance.max(own(side)) / side.len() as f64;
            Spread { error: (side(base) + side(new)).sqrt(), freedom }
        }
    };
    let runs = 1.0 / base.len() as f64 + 1.0 / new.len() as f64;
    let between = (whole.error.powi(2) - within.error.powi(2)).max(0.0) / runs;
    Difference { log: mean(new) - mean(base), within, whole, between }
}

/// The sum of independent variances, with its degrees of freedom (Welch 1947, Satterthwaite 1946).
fn welch(parts: &[(f64, f64)]) -> Spread {
    let variance: f64 = parts.iter().map(|(variance, _)| variance).sum();
    let doubt: f64 = parts.iter().map(|(variance, freedom)| variance * variance / freedom).sum();
    // Nothing in doubt where there is no variance, or none but one that is known.
    let freedom = if doubt > 0.0 { variance * variance / doubt } else { f64::INFINITY };
    Spread { error: variance.sqrt(), freedom }
}

/// Variance and degrees of freedom of the most recent runs, each stretch between two changes about
/// its own middle.
fn of_history(history: &[f64]) -> (f64, f64) {
    let recent = &history[history.len().saturating_sub(RECENT)..];
    let changes = change_points(recent, ChangeSearch::at_level(0.01));
    let mut edges: Vec<usize> = changes.iter().map(|change| change.at).collect();
    edges.push(recent.len());
    let (mut off, mut begin) = (Vec::new(), 0);
    for end in edges {
        let middle = median(&recent[begin..end]).unwrap_or(0.0);
        off.extend(recent[begin..end].iter().map(|one| one - middle));
        begin = end;
    }
    let spread = mad_spread(&off).unwrap_or(0.0);
    (spread * spread, mad_freedom(off.len().saturating_sub(changes.len())))
}

/// The same of several runs a side: robust where there are enough, else pooled.
fn of_repeats(base: &[Estimate], new: &[Estimate]) -> (f64, f64) {
    let logs = |side: &[Estimate]| side.iter().map(|one| one.log).collect::<Vec<_>>();
    let (base, new) = (logs(base), logs(new));
    let freedom = (base.len() + new.len() - 2) as f64;
    if freedom >= ENOUGH_FOR_MAD as f64 {
        let about = |side: &[f64]| {
            let middle = median(side).unwrap_or(0.0);
            side.iter().map(|one| one - middle).collect::<Vec<_>>()
        };
        let off = [about(&base), about(&new)].concat();
        let spread = mad_spread(&off).unwrap_or(0.0);
        return (spread * spread, mad_freedom(off.len() - 1));
    }
    let squares = |side: &[f64]| {
        standard_deviation(side).map_or(0.0, |one| one * one * (side.len() - 1) as f64)
    };
    ((squares(&base) + squares(&new)) / freedom, freedom)
}
