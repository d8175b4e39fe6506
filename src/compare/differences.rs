//! What was asked differently: why two fingerprints are not the same.

use serde_json::Value;

/// What a fingerprint is over, as far as `run.json` has it.
const COUNTED: [&str; 14] = [
    "target.protocol",
    "target.timeouts",
    "target.connections",
    "target.http2",
    "target.history",
    "users",
    "sessions",
    "data",
    "env",
    "expect",
    "load",
    "warmup",
    "limits",
    "on_error",
];
/// So many are shown.
const SHOWN: usize = 6;

/// The differences between two resolved scenarios that keep their runs from being compared.
pub(super) fn differences(base: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let embedded = |of: &Value| of["target"]["url"] == "embedded";
    if embedded(base) != embedded(new) {
        let kind = |of| if embedded(of) { "the embedded agent" } else { "another agent" };
        found.push(format!("target: {} in BASE, {} in NEW", kind(base), kind(new)));
    }
    for path in COUNTED {
        let of = |value: &Value| path.split('.').fold(value.clone(), |at, key| at[key].clone());
        walk(path, &of(base), &of(new), &mut found);
    }
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    if found.is_empty() {
        found.push(
            "what the scenarios' files hold: prompts, data or users (run.json has their names only)"
                .into(),
        );
    }
    found
}

fn walk(path: &str, base: &Value, new: &Value, found: &mut Vec<String>) {
    if base == new {
        return;
    }
    match (base, new) {
        (Value::Object(one), Value::Object(other)) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                walk(&format!("{path}.{key}"), &base[key], &new[key], found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                walk(&format!("{path}[{at}]"), one, other, found);
            }
        }
        _ => found.push(format!("{path}: {} in BASE, {} in NEW", said(base), said(new))),
    }
}

fn said(value: &Value) -> String {
    let text = match value {
        Value::Null => "absent".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("{} entries", list.len()),
        other => other.to_string(),
    };
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_asked_differently_is_named_and_nothing_else() {
        let base = json!({
            "name": "a", "target": { "url": "embedded", "protocol": "lyzr-v2", "agent_id": "1" },
            "load": { "open": { "rate": "5/s", "duration": "1m" } },
            "sessions": [{ "name": "x", "messages": ["hi"] }], "thresholds": { "ttfc": ["max<1s"] },
        });
        let mut new = base.clone();
        new["name"] = json!("b");
        new["target"]["agent_id"] = json!("2");
        new["thresholds"] = json!({});
        assert_eq!(differences(&base, &new).len(), 1);
        assert!(differences(&base, &new)[0].contains("what the scenarios' files hold"));
        new["load"]["open"]["rate"] = json!("10/s");
        new["target"]["protocol"] = json!("openai");
        new["sessions"][0]["messages"] = json!(["hi", "there"]);
        assert_eq!(
            differences(&base, &new),
            [
                "target.protocol: lyzr-v2 in BASE, openai in NEW",
                "sessions[0].messages: 1 entries in BASE, 2 entries in NEW",
                "load.open.rate: 5/s in BASE, 10/s in NEW",
            ]
        );
    }
}
