//! What `summary.json` holds. Keys are only ever added; readers go by name.

use serde::{Deserialize, Serialize};

use super::accuracy::Accuracy;
use super::facts::{LoadModel, Offered};
use super::judge::unit;
use super::metrics::Metrics;
use super::observed::Observed;
use crate::measure::Counts;
use crate::threshold::Threshold;

/// A run in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this format.
    pub format: u32,
    /// Which run.
    pub run: RunSummary,
    /// Turns by how their last attempt ended, over the whole run.
    pub counts: CountsSummary,
    /// Rates over the turns due after the warm-up.
    pub rates: Rates,
    /// Distributions over the completed turns due after the warm-up.
    pub metrics: Metrics,
    /// The same for each session kind.
    pub groups: Vec<Group>,
    /// Turns without an answer, over the whole run, the most frequent first.
    pub errors: Vec<ErrorSummary>,
    /// The thresholds, in the scenario's order.
    pub thresholds: Vec<ThresholdResult>,
    /// Whether the tool itself kept up.
    pub validity: Validity,
    /// What to know before believing the numbers.
    pub caveats: Vec<CaveatText>,
    /// How the target was loaded.
    pub load: LoadSummary,
    /// Set-up and closing turns by how they ended, where there are any: they are in no other
    /// count, rate or metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<CountsSummary>,
    /// What the run saw of itself, where somebody watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Observed>,
    /// Our own error on this machine, where it was calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// Each of the scenarios, where the file lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<ScenarioSummary>,
}

/// One of several scenarios that were run together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioSummary {
    /// Its name.
    pub scenario: String,
    /// When it began, in seconds from the run's origin.
    pub start_s: f64,
    /// Its turns by how their last attempt ended, over its whole time.
    pub counts: CountsSummary,
    /// Rates over its turns due after its warm-up, and over its own measured time.
    pub rates: Rates,
    /// Distributions over its completed turns due after its warm-up.
    pub metrics: Metrics,
    /// How it loaded the target.
    pub load: ScenarioLoad,
    /// Its set-up and closing turns, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<CountsSummary>,
}

/// How one of several scenarios loaded the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioLoad {
    /// The model.
    pub model: LoadModel,
    /// In a few words.
    pub description: String,
    /// Seconds that its rates are over.
    pub measured_s: Option<f64>,
    /// Seconds of its time left out before.
    pub warmup_s: f64,
    /// Sessions due and sent, in a load with a schedule.
    pub offered: Option<Offered>,
}

/// Which run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The name of its directory.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// RFC 3339.
    pub started_at: String,
    /// In seconds.
    pub duration_s: f64,
    /// The seed of the plan.
    pub seed: u64,
    /// The tool's version.
    pub version: String,
    /// Equal for comparable runs.
    pub fingerprint: String,
    /// What ended the run before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StoppedSummary>,
}

/// The rule of `stop_when` that ended a run before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoppedSummary {
    /// Its metric, as written.
    pub metric: String,
    /// Its expression, as written.
    pub expression: String,
    /// How many seconds it looked back.
    pub for_s: f64,
    /// What it saw.
    pub observed: f64,
    /// The unit of `observed`, as in a threshold's result.
    pub unit: String,
    /// When, in seconds from the run's origin.
    pub at_s: f64,
}

impl StoppedSummary {
    /// The rule `condition`, looking back `for_s` seconds, saw `observed` at `at_s`.
    pub fn new(condition: &Threshold, for_s: f64, observed: f64, at_s: f64) -> Self {
        Self {
            metric: condition.metric.clone(),
            expression: condition.expression.clone(),
            for_s,
            observed,
            unit: unit(condition).into(),
            at_s: (at_s * 1e3).round() / 1e3,
        }
    }
}

/// Turns by how their last attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsSummary {
    /// The sum of the next five.
    pub planned: u64,
    /// The whole reply came.
    pub completed: u64,
    /// Something went wrong.
    pub failed: u64,
    /// Given up waiting.
    pub timed_out: u64,
    /// Cut by us.
    pub cancelled: u64,
    /// Never sent.
    pub dropped: u64,
    /// Due before the end of the warm-up.
    pub in_warmup: u64,
    /// Of those dropped, turns of sessions that were never opened: they have no row in samples.csv.
    #[serde(default)]
    pub unopened: u64,
}

impl From<&Counts> for CountsSummary {
    fn from(counts: &Counts) -> Self {
        Self {
            planned: counts.planned(),
            completed: counts.completed,
            failed: counts.failed,
            timed_out: counts.timed_out,
            cancelled: counts.cancelled,
            dropped: counts.dropped,
            in_warmup: counts.in_warmup,
            unopened: counts.unopened,
        }
    }
}

/// Rates; null where there is nothing to divide by, and goodput also where no `slo` was given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Completed turns a second.
    pub throughput_per_s: Option<f64>,
    /// Their chunks a second.
    pub chunks_per_s: Option<f64>,
    /// Completed turns a second that met every `slo`.
    pub goodput_per_s: Option<f64>,
    /// (failed + timed out + dropped) / (planned − cancelled), a fraction.
    pub error_rate: Option<f64>,
    /// Output tokens of completed turns a second; null unless the server counted every turn's.
    #[serde(default)]
    pub tokens_per_s: Option<f64>,
}

/// The figures of one session kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub session: String,
    /// Its distributions.
    pub metrics: Metrics,
    /// Its turns due after the warm-up.
    pub counts: CountsSummary,
    /// The scenario it is of, where the file lists several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
}

impl Group {
    /// What tables call it: its name, after that of its scenario where there are several.
    pub fn label(&self) -> String {
        match &self.scenario {
            Some(scenario) => format!("{scenario}/{}", self.session),
            None => self.session.clone(),
        }
    }
}

/// Turns without an answer that ended in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorSummary {
    /// The word of the `error` column.
    pub error: String,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// How many turns.
    pub count: u64,
    /// The message of the first of them that had one.
    pub example: Option<String>,
    /// The word of the `outcome` column.
    pub outcome: String,
    /// `setup` or `closing`, where the turns were of that part of their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// How one threshold came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// Its key, as written.
    pub metric: String,
    /// Its expression, as written.
    pub expression: String,
    /// What was observed; null: no data.
    pub observed: Option<f64>,
    /// Whether it held. Without data it did not.
    pub ok: bool,
    /// The unit of `observed`: `ms`, `fraction`, `/s` or empty for a number.
    pub unit: String,
}

/// Whether the tool itself kept up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// The worst of the reasons.
    pub verdict: ValidityVerdict,
    /// Each a sentence with what to do.
    pub reasons: Vec<String>,
}

/// How far the numbers can be relied on, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidityVerdict {
    /// The tool kept up.
    Valid,
    /// It was late enough to be seen in the figures.
    Degraded,
    /// The figures say as much about the tool as about the target.
    Invalid,
}

/// Something to know before believing a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaveatText {
    /// Its name, for programs.
    pub caveat: String,
    /// What was seen.
    pub seen: String,
    /// What it may mean.
    pub meaning: String,
    /// What to try.
    pub remedy: String,
}

/// How the target was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// The model.
    pub model: LoadModel,
    /// In a few words.
    pub description: String,
    /// Seconds that the rates are over.
    pub measured_s: Option<f64>,
    /// Seconds left out before.
    pub warmup_s: f64,
    /// Sessions due and sent, in a load with a schedule.
    pub offered: Option<Offered>,
    /// Most attempts on the wire at the end of a second.
    pub in_flight_max: u64,
}
