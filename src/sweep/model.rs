//! What `sweep.json` holds. Keys are only ever added; readers go by name.

use serde::{Deserialize, Serialize};

use super::levels::Parameter;
use super::search::Limit;
use crate::metric::Metric;
use crate::summary::{Summary, ValidityVerdict};

/// Version of `sweep.json`.
pub const FORMAT: u32 = 1;

/// Several runs of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepSummary {
    /// [`FORMAT`].
    pub format: u32,
    /// Given levels, or a search.
    pub kind: Kind,
    /// The name of its directory.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// `running`, then `finished`, `interrupted` or `failed`.
    pub state: SweepState,
    /// What differs from level to level.
    pub parameter: Parameter,
    /// The seed of every run.
    pub seed: u64,
    /// The tool's version.
    pub version: String,
    /// Wall time of its start, RFC 3339.
    pub started_at: String,
    /// Wall time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The command line, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Every run, in the order they were made.
    pub levels: Vec<LevelResult>,
    /// What a search was for, and what it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchResult>,
}

/// How the levels come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They were given.
    Sweep,
    /// Each follows from those before it.
    FindMax,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepState {
    /// It goes on, or was killed.
    Running,
    /// Every run was made.
    Finished,
    /// Somebody stopped it.
    Interrupted,
    /// A run could not go on.
    Failed,
}

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelResult {
    /// The level as written, such as `8` or `20/s`.
    pub level: String,
    /// As a number: users, or sessions a second.
    pub value: f64,
    /// Its run directory, below this one.
    pub run: String,
    /// The exit code that the run alone would have had.
    pub exit: u8,
    /// The same in a word: `ok`, `threshold`, `failures`, `invalid`, …; in a search `met`, `missed`
    /// or `unknown`.
    pub verdict: String,
    /// Turns, over the whole run.
    pub planned: u64,
    /// Of those, answered.
    pub completed: u64,
    /// Completed turns a second.
    pub throughput_per_s: Option<f64>,
    /// Those that met every `slo`.
    pub goodput_per_s: Option<f64>,
    /// A fraction.
    pub error_rate: Option<f64>,
    /// Milliseconds, on the response basis.
    pub ttfc_p50_ms: Option<f64>,
    /// The same.
    pub ttfc_p95_ms: Option<f64>,
    /// The same.
    pub total_p95_ms: Option<f64>,
    /// Whether the tool kept up.
    pub validity: ValidityVerdict,
    /// In a search: how the goal was met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

/// How a level met the goal of a search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Turns after the warm-up that were completed and met every `slo`.
    pub good: u64,
    /// Turns after the warm-up, but those we cut ourselves.
    pub judged: u64,
    /// good / judged.
    pub good_share: f64,
    /// It was tried before, failed, and is tried again.
    pub repeated: bool,
}

/// What a search was for, and what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// The share of turns that has to meet every `slo`, a fraction.
    pub goal: f64,
    /// What a good turn is, such as `ttfc 1s, total 20s`.
    pub good_turn: String,
    /// How long each probe was, in seconds.
    pub probe_s: f64,
    /// The highest level that met the goal.
    pub highest_met: Option<f64>,
    /// The lowest that did not.
    pub lowest_missed: Option<f64>,
    /// What keeps it from being higher.
    pub limit: Limit,
}

impl LevelResult {
    /// What a run at `level` came to.
    pub fn new(level: &str, value: f64, summary: &Summary, exit: u8, verdict: &str) -> Self {
        let ttfc = summary.metrics.get(Metric::Ttfc).percentiles;
        let total = summary.metrics.get(Metric::Total).percentiles;
        Self {
            level: level.to_owned(),
            value,
            run: summary.run.id.clone(),
            exit,
            verdict: verdict.to_owned(),
            planned: summary.counts.planned,
            completed: summary.counts.completed,
            throughput_per_s: summary.rates.throughput_per_s,
            goodput_per_s: summary.rates.goodput_per_s,
            error_rate: summary.rates.error_rate,
            ttfc_p50_ms: ttfc.p50,
            ttfc_p95_ms: ttfc.p95,
            total_p95_ms: total.p95,
            validity: summary.validity.verdict,
            probe: None,
        }
    }
}

impl Probe {
    /// Of `judged` turns, `good` met every `slo`.
    pub fn new(good: u64, judged: u64, repeated: bool) -> Self {
        let good_share = if judged == 0 { 0.0 } else { good as f64 / judged as f64 };
        Self { good, judged, good_share, repeated }
    }

    /// Whether a share below `goal` is no further below it than chance explains: two standard
    /// deviations of a share of `goal`.
    pub fn is_close_to(self, goal: f64) -> bool {
        let spread = (goal * (1.0 - goal) / self.judged.max(1) as f64).sqrt();
        self.good_share >= goal - 2.0 * spread.max(0.5 / self.judged.max(1) as f64)
    }
}
