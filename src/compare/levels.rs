//! Two sweeps compared, level by level.

use serde::Serialize;

use super::model::{Comparison, FORMAT, Verdict};
use super::run::{Earlier, Run, Settings};
use super::whole::{compare, gravest};
use crate::sweep::Parameter;

/// The two runs of one level.
#[derive(Debug, Clone)]
pub struct LevelPair {
    /// The level as it was written.
    pub level: String,
    /// The measure.
    pub base: Run,
    /// What is measured by it.
    pub new: Run,
    /// Earlier runs of this level.
    pub history: Vec<Earlier>,
}

/// Two sweeps compared. Keys of its JSON are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepsCompared {
    /// Version of this format.
    pub format: u32,
    /// The gravest of the levels'.
    pub verdict: Verdict,
    /// What differs from level to level.
    pub parameter: Parameter,
    /// The id of the sweep that is the measure.
    pub base: String,
    /// The id of the one that is measured by it.
    pub new: String,
    /// Each level that both have.
    pub levels: Vec<LevelCompared>,
    /// Levels that only one has, each a sentence.
    pub left_out: Vec<String>,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelCompared {
    /// As it was written.
    pub level: String,
    /// Its two runs. P-values are adjusted for all levels.
    pub comparison: Comparison,
}

/// Compares each pair. Many levels are many chances to find something: Holm's correction within a
/// level is Bonferroni's over the levels.
pub fn compare_levels(
    parameter: Parameter,
    (base, new): (String, String),
    pairs: Vec<LevelPair>,
    settings: &Settings,
) -> SweepsCompared {
    let settings = Settings { at_once: pairs.len().max(1), ..settings.clone() };
    let levels: Vec<LevelCompared> = pairs
        .into_iter()
        .map(|pair| LevelCompared {
            comparison: compare(&[pair.base], &[pair.new], &pair.history, &settings),
            level: pair.level,
        })
        .collect();
    let verdict = gravest(levels.iter().map(|one| one.comparison.verdict));
    SweepsCompared { format: FORMAT, verdict, parameter, base, new, levels, left_out: Vec::new() }
}
