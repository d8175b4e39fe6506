//! What of a scenario is easily overlooked: files, variables, expectations, and what is particular about
//! each kind of session. Said in the words of the file.

use serde_json::Value;

use crate::scenario::Scenario;
use crate::units::Span;

/// Lines of a label and what there is to say, of the target.
pub(super) fn of_target(scenario: &Scenario) -> Vec<(&'static str, String)> {
    let target = &scenario.resolved()["target"];
    let mut lines = Vec::new();
    let words = ["proxy", "ca_file", "client_cert", "source_addresses", "resolve"].into_iter();
    let mut reached: Vec<String> =
        words.filter_map(|name| Some(format!("{name} {}", listed(target.get(name)?)))).collect();
    if target["connections"] != "shared" {
        reached.insert(0, format!("connections {}", said(&target["connections"])));
    }
    if target["transport"] != "auto" {
        reached.insert(0, format!("transport {}", said(&target["transport"])));
    }
    if target["http2"] == true {
        reached.insert(0, "HTTP/2".to_owned());
    }
    if !reached.is_empty() {
        lines.push(("reached by", reached.join(", ")));
    }
    if let Some(history) = target.get("history") {
        lines.push(("history", said(history)));
    }
    lines
}

/// The same of what a scenario says for itself.
pub(super) fn of_scenario(scenario: &Scenario) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for (index, (name, feeder)) in scenario.data.iter().enumerate() {
        let label = if index == 0 { "data" } else { "" };
        let (rows, from) = (feeder.rows.len(), feeder.from.display());
        lines.push((label, format!("{name}: {rows} rows of {from}, {}", feeder.pick)));
    }
    if !scenario.env.is_empty() {
        let names: Vec<&str> = scenario.env.keys().map(String::as_str).collect();
        lines.push(("environment", names.join(", ")));
    }
    if let Some(each) = scenario.users.sessions_per_user {
        lines.push(("", format!("each user opens {each} sessions in all")));
    }
    if let Some(expect) = scenario.resolved().get("expect") {
        lines.push(("answers", format!("have to meet: {}", said(expect))));
    }
    lines
}

/// What is particular about each kind of session; nothing of those that are plain.
pub(super) fn of_kinds(scenario: &Scenario) -> Vec<String> {
    let resolved = scenario.resolved();
    let sessions = resolved["sessions"].as_array().into_iter().flatten();
    sessions
        .filter_map(|session| {
            let mut parts = Vec::new();
            for name in ["from", "session_id", "user_id", "on_error", "think", "expect"] {
                parts.extend(session.get(name).map(|value| format!("{name} {}", said(value))));
            }
            let mut turn = 0;
            for part in ["setup", "messages", "closing"] {
                for message in session[part].as_array().into_iter().flatten() {
                    turn += 1;
                    let mut particular: Vec<String> = ["think", "expect"]
                        .into_iter()
                        .filter_map(|name| Some(format!("{name} {}", said(message.get(name)?))))
                        .collect();
                    if part != "messages" {
                        particular.insert(0, part.to_owned());
                    }
                    if !particular.is_empty() {
                        parts.push(format!("turn {turn}: {}", particular.join(", ")));
                    }
                }
            }
            let name = said(&session["name"]);
            (!parts.is_empty()).then(|| format!("{name}: {}", parts.join("; ")))
        })
        .collect()
}

/// How long after the end of its load a scenario is drained, where that is worth a line.
pub(super) fn lasts(scenario: &Scenario) -> String {
    match scenario.load.duration() {
        Some(time) => {
            format!("{}, then up to {} of drain", Span(time), Span(scenario.drain))
        }
        None => "until the last session has ended".into(),
    }
}

/// A text as it stands, or several.
fn listed(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(", "),
        other => said(other),
    }
}

/// A text as it stands, fields one after the other, anything else as JSON.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", said(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
