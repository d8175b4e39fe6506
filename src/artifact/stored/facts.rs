//! What a summary needs to know of a run besides its samples, from `run.json` alone.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Manifest, ReadError, Span as Lasted};
use crate::measure::{Goal, Layout};
use crate::scenario::Failures;
use crate::summary::{LoadFacts, LoadModel, RunFacts, ScenarioFacts};
use crate::threshold::{Named, Threshold};
use crate::units::{Offset, Span};

/// The scenarios of the run: those it lists, else the one it is.
fn scenarios(manifest: &Manifest) -> Vec<&Value> {
    match manifest.scenario["scenarios"].as_array() {
        Some(listed) => listed.iter().collect(),
        None => vec![&manifest.scenario],
    }
}

/// Whether it lists its scenarios.
pub(super) fn is_listed(manifest: &Manifest) -> bool {
    manifest.scenario["scenarios"].is_array()
}

fn name(named: &Value) -> String {
    named["name"].as_str().unwrap_or_default().to_owned()
}

fn sessions(scenario: &Value) -> Vec<String> {
    let sessions = scenario["sessions"].as_array().into_iter().flatten();
    sessions.filter_map(|session| session["name"].as_str().map(str::to_owned)).collect()
}

/// Names of the session kinds.
pub(super) fn kinds(manifest: &Manifest) -> Vec<String> {
    scenarios(manifest).into_iter().flat_map(sessions).collect()
}

/// The same, each with the name of its scenario.
pub(super) fn kinds_of_scenarios(manifest: &Manifest) -> Vec<(String, String)> {
    let all = scenarios(manifest).into_iter();
    all.flat_map(|one| sessions(one).into_iter().map(move |kind| (kind, name(one)))).collect()
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> ReadError {
    ReadError::damaged(path, "run.json", &why)
}

fn span(value: &Value) -> Option<Duration> {
    value.as_str()?.parse::<Span>().ok().map(|span| span.0)
}

fn thresholds(path: &Path, manifest: &Manifest) -> Result<Vec<Threshold>, ReadError> {
    let known: Vec<(String, Vec<String>)> =
        scenarios(manifest).into_iter().map(|one| (name(one), sessions(one))).collect();
    let named: Vec<Named<'_, String>> =
        known.iter().map(|(name, kinds)| Named { scenario: Some(name), kinds }).collect();
    let all = manifest.scenario["thresholds"].as_object().into_iter().flatten();
    all.flat_map(|(key, expressions)| {
        let expressions = expressions.as_array().into_iter().flatten();
        expressions.filter_map(Value::as_str).map(move |one| (key, one))
    })
    .map(|(key, expression)| {
        Threshold::parse_in(key, expression, &named)
            .map_err(|_| unreadable(path, format!("no threshold: {key} {expression}")))
    })
    .collect()
}

/// The series that the run's summary needs.
pub(super) fn layout(path: &Path, manifest: &Manifest) -> Result<Layout, ReadError> {
    let goal = |scenario: &Value| {
        let slo = &scenario["slo"];
        let goal = Goal { ttfc: span(&slo["ttfc"]), total: span(&slo["total"]) };
        (sessions(scenario).len(), goal)
    };
    let selections = thresholds(path, manifest)?.into_iter().map(|one| one.selection);
    Ok(Layout::together(scenarios(manifest).into_iter().map(goal), selections))
}

/// The facts of a run whose end nobody wrote down.
pub(super) fn facts(
    path: &Path,
    manifest: &Manifest,
    lasted: Lasted,
) -> Result<RunFacts, ReadError> {
    let limited = !manifest.scenario["limits"]["requests"].is_null();
    let all = scenarios(manifest).into_iter().map(|scenario| {
        let start = Offset::ZERO + span(&scenario["start_after"]).unwrap_or_default();
        let load = load(path, scenario, limited, start, lasted)?;
        Ok(ScenarioFacts { name: name(scenario), start, load })
    });
    let all = all.collect::<Result<Vec<ScenarioFacts>, ReadError>>()?;
    Ok(RunFacts {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        duration: lasted.last_ended.since(Offset::ZERO),
        seed: manifest.seed,
        version: manifest.version.clone(),
        fingerprint: manifest.fingerprint.clone(),
        kinds: kinds(manifest),
        load: LoadFacts::together(&all),
        thresholds: thresholds(path, manifest)?,
        failures: failures(&manifest.scenario["limits"]["failures"]),
        stopped: None,
        collector_lag: Duration::ZERO,
        observed: None,
        scenarios: if is_listed(manifest) { all } else { Vec::new() },
    })
}

/// How one scenario loaded the target, as far as it is known.
fn load(
    path: &Path,
    scenario: &Value,
    limited: bool,
    start: Offset,
    lasted: Lasted,
) -> Result<LoadFacts, ReadError> {
    let load = scenario["load"].as_object().and_then(|load| load.iter().next());
    let (name, load) = load.ok_or_else(|| unreadable(path, "its scenario has no load"))?;
    let max_in_flight = load["max_in_flight"].as_u64().and_then(|most| u32::try_from(most).ok());
    Ok(LoadFacts {
        model: match name.as_str() {
            "once" => LoadModel::Once,
            "closed" => LoadModel::Closed,
            "open" => LoadModel::Open,
            "replay" => LoadModel::Replay,
            other => return Err(unreadable(path, format!("`{other}` is no load that is known"))),
        },
        description: described(name, load),
        warmup: match span(&scenario["warmup"]) {
            Some(time) => time,
            // A warm-up of so many turns was over when the first turn after it was due.
            None => lasted.warm.map_or(Duration::ZERO, |at| at.since(start)),
        },
        ended: None,
        // How many sessions were due is nowhere: the run was cut before its schedule ended.
        offered: None,
        max_in_flight,
        limited: max_in_flight.is_some() || limited,
    })
}

/// How many turns may stay without an answer.
pub(super) fn failures(value: &Value) -> Failures {
    let text = value.as_str().unwrap_or("0");
    match (text.parse(), text.parse()) {
        (Ok(count), _) => Failures::Count(count),
        (_, Ok(share)) => Failures::Share(share),
        _ => Failures::default(),
    }
}

/// The load in its own words: `open: arrivals even, duration 2m, rate 5/s`.
fn described(name: &str, load: &Value) -> String {
    let fields = load.as_object().into_iter().flatten().map(|(field, value)| match value {
        Value::String(text) => format!("{field} {text}"),
        other => format!("{field} {other}"),
    });
    format!("{name}: {}", fields.collect::<Vec<_>>().join(", "))
}
