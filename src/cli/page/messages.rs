//! What is said in each turn, where the scenario itself says it: no other text is shown.

use serde_json::Value;

use crate::summary::Group;

/// The messages of each session kind as they stand in the resolved scenario, templates unfilled.
/// Nothing for a kind whose messages come from a file.
pub(super) fn of_the_scenario(scenario: &Value, groups: &[Group]) -> Vec<Vec<String>> {
    let of = |group: &Group| messages(scenario, &group.session, group.scenario.as_deref());
    groups.iter().map(|group| of(group).unwrap_or_default()).collect()
}

fn messages(scenario: &Value, kind: &str, of: Option<&str>) -> Option<Vec<String>> {
    let whole = match of {
        Some(name) => named(scenario.get("scenarios")?, name)?,
        None => scenario,
    };
    let messages = named(whole.get("sessions")?, kind)?.get("messages")?.as_array()?;
    // A message is its text, or a map that has one.
    let text = |message: &Value| message.get("text").unwrap_or(message).as_str().map(str::to_owned);
    Some(messages.iter().map(|message| text(message).unwrap_or_default()).collect())
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_found_by_scenario_and_kind_and_none_comes_from_a_file() {
        let kinds = json!([
            { "name": "refund", "messages": ["Hello", { "text": "And when?", "think": "2s" }] },
            { "name": "rows", "from": "rows.jsonl" },
        ]);
        let alone = json!({ "sessions": kinds });
        let wanted = vec!["Hello".to_owned(), "And when?".into()];
        assert_eq!(messages(&alone, "refund", None), Some(wanted.clone()));
        assert_eq!(messages(&alone, "rows", None), None);
        let several = json!({ "scenarios": [
            { "name": "a", "sessions": [{ "name": "refund", "messages": ["Other"] }] },
            { "name": "b", "sessions": kinds },
        ] });
        assert_eq!(messages(&several, "refund", Some("a")), Some(vec!["Other".into()]));
        assert_eq!(messages(&several, "refund", Some("b")), Some(wanted));
    }
}
