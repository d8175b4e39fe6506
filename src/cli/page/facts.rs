//! What a page says beside the numbers: who was asked, on what, how it went.

use serde_json::Value;

use crate::artifact::RunDirectory;
use crate::artifact::manifest::{Manifest, RunState, TargetFacts};
use crate::report::html::Ended;
use crate::report::thousands;
use crate::scenario::Failures;
use crate::summary::Summary;

/// Names and values.
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

/// The machine and the versions.
pub(super) fn about(manifest: &Manifest, summary: &Summary) -> Facts {
    let machine = &manifest.machine;
    let mut facts: Facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.into(), value));
    add("streamgauge", manifest.version.clone());
    add("seed", manifest.seed.to_string());
    add("fingerprint", manifest.fingerprint.clone());
    let threads = if manifest.workers == 1 { "worker thread" } else { "worker threads" };
    add("transport", format!("{}, {} {threads}", manifest.transport, manifest.workers));
    if let Some(git) = &manifest.git {
        let branch = git.branch.as_ref().map_or(String::new(), |branch| format!(" on {branch}"));
        let dirty = if git.dirty { ", with changes" } else { "" };
        add("commit", format!("{}{branch}{dirty}", git.commit));
    }
    let cpu = machine.cpu.as_deref().unwrap_or("processor not told");
    let memory = machine
        .memory_mib
        .map_or(String::new(), |mib| format!(", {:.1} GiB of memory", mib as f64 / 1024.0));
    let processors = if machine.cpus == 1 { "processor" } else { "processors" };
    add("machine", format!("{cpu}, {} {processors}{memory}", machine.cpus));
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
    facts
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
    let counts: Vec<_> = counts
        .filter_map(|(status, count)| {
            Some(format!("{} {}", thousands(count.as_u64()?), status.replace('_', " ")))
        })
        .collect();
    let mut facts = vec![("rows".to_owned(), rows(number("rows"), &counts, number("left")))];
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |key: &str| batch.get(key).and_then(Value::as_str).map(str::to_owned);
    add("stopped", text("stopped"));
    add("results", text("results"));
    let limit = batch.pointer("/concurrency/limit").and_then(Value::as_u64);
    let found = batch.pointer("/concurrency/found_out").and_then(Value::as_bool) == Some(true);
    add(
        "at a time",
        limit.map(|limit| match found {
            true => format!("{} in the end, found out on the way", a_few(limit, "row")),
            false => a_few(limit, "row"),
        }),
    );
    facts
}

fn rows(all: u64, counts: &[String], left: u64) -> String {
    let mut said = format!("{} in all", thousands(all));
    if !counts.is_empty() {
        said += &format!(": {}", counts.join(", "));
    }
    if left > 0 {
        said += &format!("; {} left to do", thousands(left));
    }
    said
}

fn a_few(count: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(count), if count == 1 { "" } else { "s" })
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
}
