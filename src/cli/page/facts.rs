//! What a page says beside the numbers: who was asked, on what, how it went.

use serde_json::Value;

use crate::artifact::RunDirectory;
use crate::artifact::manifest::{Manifest, RunState, TargetFacts};
use crate::report::html::Ended;
use crate::scenario::Failures;
use crate::summary::Summary;

pub(super) type Facts = Vec<(String, String)>;

pub(super) fn ended(state: RunState) -> Ended {
    match state {
        RunState::Running => Ended::NotYet,
        RunState::Finished => Ended::Finished,
        RunState::Interrupted => Ended::Interrupted,
        RunState::Failed => Ended::Failed,
    }
}

/// The allowance of the scenario, as it stands in the resolved one.
pub(super) fn failures(scenario: &Value) -> Failures {
    let written = scenario.pointer("/limits/failures").and_then(Value::as_str).unwrap_or("0");
    match (written.parse(), written.parse()) {
        (Ok(count), _) => Failures::Count(count),
        (_, Ok(share)) => Failures::Share(share),
        _ => Failures::default(),
    }
}

pub(super) fn target(target: &TargetFacts) -> String {
    let TargetFacts { url, embedded, protocol, agent_id, .. } = target;
    let agent = if agent_id.is_empty() { String::new() } else { format!(", agent {agent_id}") };
    match embedded {
        true => format!("the embedded agent ({protocol})"),
        false => format!("{url} ({protocol}{agent})"),
    }
}

/// The machine, the versions, what the run saw of itself.
pub(super) fn about(manifest: &Manifest, summary: &Summary) -> Facts {
    let machine = &manifest.machine;
    let mut facts: Facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.into(), value));
    add("streamgauge", manifest.version.clone());
    add("seed", manifest.seed.to_string());
    add("fingerprint", manifest.fingerprint.clone());
    add("transport", format!("{}, {} worker threads", manifest.transport, manifest.workers));
    if let Some(git) = &manifest.git {
        let branch = git.branch.as_ref().map_or(String::new(), |branch| format!(" on {branch}"));
        let dirty = if git.dirty { ", with changes" } else { "" };
        add("commit", format!("{}{branch}{dirty}", git.commit));
    }
    let cpu = machine.cpu.as_deref().unwrap_or("processor not told");
    let memory = machine.memory_mib.map_or(String::new(), |mib| format!(", {mib} MiB"));
    add("machine", format!("{cpu}, {} cores{memory}", machine.cpus));
    add("system", format!("{} {}", machine.os, machine.arch));
    if let Some(offered) = summary.load.offered {
        add(
            "sessions",
            format!(
                "{} were due, {} were begun, {} were held up by the target",
                offered.due, offered.sent, offered.held_by_target
            ),
        );
    }
    if let Some(Value::Object(health)) = &manifest.health {
        for (name, value) in health {
            facts.extend(said(name, value));
        }
    }
    facts
}

/// `collector_lag_ms: 0.4` as `collector lag`, `0.4 ms`; what is no plain value is in run.json.
fn said(name: &str, value: &Value) -> Option<(String, String)> {
    const UNITS: [(&str, &str); 4] = [("_ms", " ms"), ("_s", " s"), ("_us", " µs"), ("_share", "")];
    let text = match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && !number.is_i64() => {
                format!("{}", (float * 1e3).round() / 1e3)
            }
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let unit = UNITS.into_iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, unit)));
    let (name, unit) = unit.unwrap_or((name, ""));
    Some((name.replace('_', " "), format!("{text}{unit}")))
}

/// What `batch.json` says, where there is one.
pub(super) fn batch(directory: &RunDirectory) -> Facts {
    let text = std::fs::read_to_string(directory.path().join("batch.json"));
    let Some(batch) = text.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
        return Facts::new();
    };
    let number = |key: &str| batch.get(key).and_then(Value::as_u64).unwrap_or_default();
    let counts = batch.get("counts").and_then(Value::as_object);
    let counts = counts.into_iter().flatten().filter(|(_, count)| count.as_u64() > Some(0));
    let counts: Vec<_> =
        counts.map(|(status, count)| format!("{count} {}", status.replace('_', " "))).collect();
    let mut facts = vec![(
        "rows".to_owned(),
        format!("{} in all: {}; {} left", number("rows"), counts.join(", "), number("left")),
    )];
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |key: &str| batch.get(key).and_then(Value::as_str).map(str::to_owned);
    add("results", text("results"));
    add("stopped", text("stopped"));
    let limit = batch.pointer("/concurrency/limit").and_then(Value::as_u64);
    let found = batch.pointer("/concurrency/found_out").and_then(Value::as_bool) == Some(true);
    add(
        "at a time",
        limit.map(|limit| match found {
            true => format!("{limit} rows in the end, found out on the way"),
            false => format!("{limit} rows"),
        }),
    );
    facts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_allowance_is_read_as_it_was_written() {
        let of = |text: &str| failures(&json!({ "limits": { "failures": text } }));
        assert_eq!(of("3"), Failures::Count(3));
        assert!(matches!(of("5%"), Failures::Share(share) if share.fraction() == 0.05));
        assert_eq!(failures(&json!({})), Failures::Count(0));
    }

    #[test]
    fn health_is_said_with_its_units() {
        let pair = |name: &str, text: &str| Some((name.to_owned(), text.to_owned()));
        assert_eq!(said("collector_lag_ms", &json!(0.41239)), pair("collector lag", "0.412 ms"));
        assert_eq!(said("cpu_s", &json!(2)), pair("cpu", "2 s"));
        assert_eq!(said("probe", &json!({})), None);
    }
}
