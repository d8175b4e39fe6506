//! What is said in each turn, where the scenario itself says it: no other text is shown.

use serde_json::Value;

use crate::summary::Group;

/// The messages of each session kind as they stand in the resolved scenario, templates unfilled.
/// Nothing for a kind whose messages come from a file.
pub(super) fn of_the_scenario(scenario: &Value, groups: &[Group]) -> Vec<Vec<String>> {
    groups.iter().map(|group| messages(scenario, group).unwrap_or_default()).collect()
}

fn messages(scenario: &Value, group: &Group) -> Option<Vec<String>> {
    let whole = match &group.scenario {
        Some(name) => named(scenario.get("scenarios")?, name)?,
        None => scenario,
    };
    let messages = named(whole.get("sessions")?, &group.session)?.get("messages")?.as_array()?;
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

    fn group(session: &str, scenario: Option<&str>) -> Group {
        Group {
            session: session.into(),
            metrics: Default::default(),
            counts: Default::default(),
            scenario: scenario.map(str::to_owned),
        }
    }

    #[test]
    fn messages_are_found_by_scenario_and_kind_and_none_comes_from_a_file() {
        let kinds = json!([
            { "name": "refund", "messages": ["Hello", { "text": "And when?", "think": "2s" }] },
            { "name": "rows", "from": "rows.jsonl" },
        ]);
        let alone = json!({ "sessions": kinds });
        let groups = [group("refund", None), group("rows", None)];
        let wanted = [vec!["Hello".to_owned(), "And when?".into()], vec![]];
        assert_eq!(of_the_scenario(&alone, &groups), wanted);
        let several = json!({ "scenarios": [
            { "name": "a", "sessions": [{ "name": "refund", "messages": ["Other"] }] },
            { "name": "b", "sessions": kinds },
        ] });
        let groups = [group("refund", Some("a")), group("refund", Some("b"))];
        let found = of_the_scenario(&several, &groups);
        assert_eq!((found[0][0].as_str(), found[1][1].as_str()), ("Other", "And when?"));
    }
}
