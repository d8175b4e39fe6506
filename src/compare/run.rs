//! What a comparison is given: runs, earlier runs, and how to compare them.

use serde_json::Value;

use super::evidence::Evidence;
use super::figure::{Figure, Statistic};
use crate::metric::Metric;
use crate::summary::{Summary, Validity};

/// Shown beside the figures that decide, where there is something to show.
pub(super) const OTHERS: [Figure; 7] = [
    Figure::new(Metric::Ttfc, Statistic::P99),
    Figure::new(Metric::Total, Statistic::P50),
    Figure::new(Metric::Total, Statistic::P99),
    Figure::new(Metric::TtfcService, Statistic::P50),
    Figure::new(Metric::Headers, Statistic::P50),
    Figure::new(Metric::FirstReasoning, Statistic::P50),
    Figure::new(Metric::Tpot, Statistic::P50),
];

/// A run, as far as a comparison needs it.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The commit of its working directory.
    pub commit: Option<String>,
    /// What it asked.
    pub target: String,
    /// The tool's version.
    pub version: String,
    /// What it ran on.
    pub machine: String,
    /// Equal for runs that did the same.
    pub fingerprint: String,
    /// The resolved scenario.
    pub scenario: Value,
    /// Why it is only a part of a run, in words that go after its id.
    pub incomplete: Option<String>,
    /// Whether the tool itself kept up.
    pub validity: Validity,
    /// Its numbers.
    pub summary: Summary,
    /// Names of the session kinds.
    pub kinds: Vec<String>,
    /// What it observed.
    pub evidence: Evidence,
}

/// An earlier run, for the noise between runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// Its figures in milliseconds, in the order of [`Settings::primary`].
    pub figures: Vec<Option<f64>>,
    /// Turns without an answer, and all but the cancelled.
    pub errors: (u64, u64),
}

/// How to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The noise between runs, where it is known: a fraction.
    pub run_noise: Option<f64>,
    /// The smallest change that matters: a fraction.
    pub min_change: f64,
    /// The figures that decide, besides the error rate.
    pub primary: Vec<Figure>,
    /// So many comparisons are made at once: p-values are corrected for all of them.
    pub at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { run_noise: None, min_change: 0.05, primary: Figure::PRIMARY.to_vec(), at_once: 1 }
    }
}

impl Settings {
    /// Every figure that a comparison looks at: what evidence has to be gathered for.
    pub fn figures(&self) -> Vec<Figure> {
        let others = OTHERS.into_iter().filter(|one| !self.primary.contains(one));
        self.primary.iter().copied().chain(others).collect()
    }

    /// The figures of earlier runs that a comparison needs, from their summaries.
    pub fn earlier(&self, summary: &Summary) -> Earlier {
        let figure = |one: &Figure| one.statistic.of(summary.metrics.get(one.metric));
        let counts = summary.groups.iter().fold((0, 0), |(failed, all), group| {
            let judged = group.counts.planned - group.counts.cancelled;
            (failed + judged - group.counts.completed, all + judged)
        });
        Earlier { figures: self.primary.iter().map(figure).collect(), errors: counts }
    }
}
