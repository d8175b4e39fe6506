//! What was answered in a recorded conversation, for whoever sends it along as its history.

use std::sync::Arc;

use serde_json::Value;

use super::problem::Problem;

/// Who answers, in the words of the files there are. Others who are not the user (a system, a tool) are
/// passed over.
const ANSWERERS: [&str; 7] = ["gpt", "chatgpt", "bing", "bard", "bot", "assistant", "model"];

/// The answer after each of the user's messages in `items`, the last left out where it has none. `name`
/// is the field they are in, and `turns` how often the user speaks.
///
/// # Errors
/// A message but the last has no answer.
pub(super) fn answers(items: &[Value], turns: usize, name: &str) -> Result<Vec<Arc<str>>, Problem> {
    let mut answers: Vec<String> = Vec::new();
    let mut asked = 0;
    for item in items {
        match spoken(item) {
            // What is said before the user speaks answers nothing.
            Some(text) if asked > 0 && !text.is_empty() => {
                if answers.len() < asked {
                    answers.resize(asked, String::new());
                }
                let answer = &mut answers[asked - 1];
                if !answer.is_empty() {
                    answer.push('\n');
                }
                answer.push_str(&text);
            }
            Some(_) => {}
            None if is_user(item) => asked += 1,
            None => {}
        }
    }
    let missing =
        (0..turns.saturating_sub(1)).find(|&at| answers.get(at).is_none_or(String::is_empty));
    if let Some(at) = missing {
        return Err(Problem::new(format!(
            "`{name}` has no recorded answer to message {}, and `history: recorded` sends it along",
            at + 1
        ))
        .with_help("record the answers as {\"from\": \"gpt\", ...}, or write `history: live`"));
    }
    Ok(answers.into_iter().map(Arc::from).collect())
}

/// What one who answers says; empty where it is no text.
fn spoken(item: &Value) -> Option<String> {
    let (who, what) =
        if item.get("from").is_some() { ("from", "value") } else { ("role", "content") };
    let speaker = item.get(who)?.as_str()?;
    if !ANSWERERS.contains(&speaker) {
        return None;
    }
    Some(match item.get(what) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    })
}

fn is_user(item: &Value) -> bool {
    let who = item.get("from").or_else(|| item.get("role")).and_then(Value::as_str);
    item.is_string() || who.is_some_and(|who| matches!(who, "human" | "user"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_message_but_the_last_has_its_answer_or_the_row_is_refused() {
        let said = |items: Value, turns| answers(items.as_array().unwrap(), turns, "c");
        let whole = json!([
            {"role": "system", "content": "s"}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"}, {"role": "tool", "content": "t"},
            {"role": "assistant", "content": [{"type": "text", "text": "c"}]},
            {"role": "user", "content": "d"},
        ]);
        assert_eq!(said(whole, 2).unwrap(), [Arc::from("b\nc")]);
        let share = json!([
            {"from": "gpt", "value": "hello"}, {"from": "human", "value": "a"},
            {"from": "gpt", "value": "b"},
        ]);
        assert_eq!(said(share, 1).unwrap(), [Arc::from("b")]);
        for (items, turns) in [
            (json!(["a", "b"]), 2),
            (json!([{"role": "user"}, {"role": "user"}]), 2),
            (
                json!([{"role": "user"}, {"role": "assistant", "content": null}, {"role": "user"}]),
                2,
            ),
        ] {
            let problem = said(items, turns).unwrap_err();
            assert!(problem.message().contains("no recorded answer to message 1"), "{problem}");
        }
    }
}
