//! What a summary needs to know of a run besides its samples, from `run.json` alone.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Manifest, ReadError, Span as Lasted};
use crate::measure::{Goal, Layout};
use crate::scenario::Failures;
use crate::summary::{LoadFacts, LoadModel, RunFacts};
use crate::threshold::Threshold;
use crate::units::{Offset, Span};

/// Names of the session kinds.
pub(super) fn kinds(manifest: &Manifest) -> Vec<String> {
    let sessions = manifest.scenario["sessions"].as_array().into_iter().flatten();
    sessions.filter_map(|session| session["name"].as_str().map(str::to_owned)).collect()
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> ReadError {
    ReadError::damaged(path, "run.json", &why)
}

fn span(value: &Value) -> Option<Duration> {
    value.as_str()?.parse::<Span>().ok().map(|span| span.0)
}

fn thresholds(path: &Path, manifest: &Manifest) -> Result<Vec<Threshold>, ReadError> {
    let kinds = kinds(manifest);
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let all = manifest.scenario["thresholds"].as_object().into_iter().flatten();
    all.flat_map(|(key, expressions)| {
        let expressions = expressions.as_array().into_iter().flatten();
        expressions.filter_map(Value::as_str).map(move |one| (key, one))
    })
    .map(|(key, expression)| {
        Threshold::parse(key, expression, &kinds)
            .map_err(|_| unreadable(path, format!("no threshold: {key} {expression}")))
    })
    .collect()
}

/// The series that the run's summary needs.
pub(super) fn layout(path: &Path, manifest: &Manifest) -> Result<Layout, ReadError> {
    let slo = &manifest.scenario["slo"];
    let goal = Goal { ttfc: span(&slo["ttfc"]), total: span(&slo["total"]) };
    let selections = thresholds(path, manifest)?.into_iter().map(|one| one.selection);
    Ok(Layout::new(kinds(manifest).len(), selections, goal))
}

/// The facts of a run whose end nobody wrote down.
pub(super) fn facts(
    path: &Path,
    manifest: &Manifest,
    lasted: Lasted,
) -> Result<RunFacts, ReadError> {
    let scenario = &manifest.scenario;
    let load = scenario["load"].as_object().and_then(|load| load.iter().next());
    let (name, load) = load.ok_or_else(|| unreadable(path, "its scenario has no load"))?;
    let warmup = match span(&scenario["warmup"]) {
        Some(time) => time,
        // A warm-up of so many turns was over when the first turn after it was due.
        None => lasted.warm.map_or(Duration::ZERO, |at| at.since(Offset::ZERO)),
    };
    let max_in_flight = load["max_in_flight"].as_u64().and_then(|most| u32::try_from(most).ok());
    let model = match name.as_str() {
        "once" => LoadModel::Once,
        "closed" => LoadModel::Closed,
        "open" => LoadModel::Open,
        "replay" => LoadModel::Replay,
        other => return Err(unreadable(path, format!("`{other}` is no load that is known"))),
    };
    Ok(RunFacts {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        duration: lasted.last_ended.since(Offset::ZERO),
        seed: manifest.seed,
        version: manifest.version.clone(),
        fingerprint: manifest.fingerprint.clone(),
        kinds: kinds(manifest),
        load: LoadFacts {
            model,
            description: described(name, load),
            warmup,
            ended: None,
            // How many sessions were due is nowhere: the run was cut before its schedule ended.
            offered: None,
            max_in_flight,
            limited: max_in_flight.is_some() || !scenario["limits"]["requests"].is_null(),
        },
        thresholds: thresholds(path, manifest)?,
        failures: failures(&scenario["limits"]["failures"]),
        stopped: None,
        collector_lag: Duration::ZERO,
        observed: None,
        scenarios: Vec::new(),
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
