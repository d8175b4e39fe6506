//! What a summary has to know of a run besides its samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::StoppedSummary;
use super::observed::Observed;
use crate::scenario::Failures;
use crate::threshold::Threshold;
use crate::units::{Offset, Span};

/// A run, as far as its samples do not tell.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// The run's id: the name of its directory.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// Wall time of the run's origin, RFC 3339.
    pub started_at: String,
    /// From the origin until the last attempt ended and everything was written.
    pub duration: Duration,
    /// The seed of the plan.
    pub seed: u64,
    /// The tool's version.
    pub version: String,
    /// Of everything that makes runs comparable.
    pub fingerprint: String,
    /// Names of the session kinds, in the plan's order.
    pub kinds: Vec<String>,
    /// How the target was loaded.
    pub load: LoadFacts,
    /// What must hold.
    pub thresholds: Vec<Threshold>,
    /// How many turns may stay without an answer.
    pub failures: Failures,
    /// What ended the run before its time.
    pub stopped: Option<StoppedSummary>,
    /// The longest that a finished second waited before it was written.
    pub collector_lag: Duration,
    /// What the run saw of itself; `None` where nobody watched.
    pub observed: Option<Observed>,
    /// The scenarios that are reported apart, in the run's order; none where the file lists none.
    pub scenarios: Vec<ScenarioFacts>,
}

/// One of several scenarios of a run.
#[derive(Debug, Clone)]
pub struct ScenarioFacts {
    /// What it is called.
    pub name: String,
    /// When it began.
    pub start: Offset,
    /// How it loaded the target; its warm-up counts from its beginning.
    pub load: LoadFacts,
}

/// How the target was loaded.
#[derive(Debug, Clone)]
pub struct LoadFacts {
    /// The model.
    pub model: LoadModel,
    /// In a few words, such as `20 users for 1m`.
    pub description: String,
    /// How long it took until turns were counted in the figures.
    pub warmup: Duration,
    /// When no more turns were started. `None` where the load ended with its last turn (`once`,
    /// `iterations`).
    pub ended: Option<Offset>,
    /// In a load with a schedule: what was due, and what was done about it.
    pub offered: Option<Offered>,
    /// The bound on turns on the wire, where there is one.
    pub max_in_flight: Option<u32>,
    /// Something makes turns wait: that bound, or a limiter.
    pub limited: bool,
}

impl LoadFacts {
    /// The load that scenarios make together; that of the one where there is one.
    pub fn together(scenarios: &[ScenarioFacts]) -> Self {
        if let [ScenarioFacts { load, start: Offset::ZERO, .. }] = scenarios {
            return load.clone();
        }
        let described = scenarios.iter().map(|ScenarioFacts { name, start, load }| match *start {
            Offset::ZERO => format!("{name} ({})", load.description),
            start => {
                let after = Span(start.since(Offset::ZERO));
                format!("{name} (after {after}: {})", load.description)
            }
        });
        let loads = || scenarios.iter().map(|one| &one.load);
        let offered = loads().filter_map(|load| load.offered).reduce(|sum, one| Offered {
            due: sum.due + one.due,
            sent: sum.sent + one.sent,
            held_by_target: sum.held_by_target + one.held_by_target,
        });
        let measured_from = scenarios.iter().map(|one| one.start + one.load.warmup).min();
        Self {
            model: LoadModel::Several,
            description: described.collect::<Vec<_>>().join("; "),
            warmup: measured_from.unwrap_or(Offset::ZERO).since(Offset::ZERO),
            ended: loads()
                .map(|load| load.ended)
                .collect::<Option<Vec<_>>>()
                .and_then(|ended| ended.into_iter().max()),
            offered,
            max_in_flight: None,
            limited: loads().any(|load| load.limited),
        }
    }
}

/// Where the next session comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// Everything once.
    Once,
    /// A user opens the next when the last has ended.
    Closed,
    /// On a schedule, whatever the target does.
    Open,
    /// On the schedule of a trace.
    Replay,
    /// Scenarios with loads of their own, together.
    Several,
}

/// Sessions that a schedule had due before the load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// How many were due.
    pub due: u64,
    /// How many were begun: their first turn was sent.
    pub sent: u64,
    /// How many were not, because the target held up the slots: queued to the end, or dropped.
    pub held_by_target: u64,
}
