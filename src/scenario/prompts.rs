//! Prompt files: each row a session, its texts sent literally.

use std::sync::Arc;

use serde_json::Value;

use super::model::{PromptRow, Row, RowFields};
use super::problem::{Problem, Source, listed, nearest};
use super::recorded;
use super::rows::{Format, Numbered, empty, object_rows, text_rows};

/// Reads the rows of a prompt file; never empty. `recorded`: with what was answered, which has to be
/// there.
pub(super) fn read(
    source: &Source,
    format: Format,
    fields: &RowFields,
    recorded: bool,
) -> Result<Vec<PromptRow>, Problem> {
    let rows = if format == Format::Text {
        if let Some(name) = fields.message.as_ref().or(fields.turns.as_ref()).or(fields.id.as_ref())
        {
            return Err(Problem::new(format!("{} is txt and has no field `{name}`", source.label))
                .with_help("a txt file holds one prompt a line; take the field away"));
        }
        text_rows(&source.text)
            .into_iter()
            .map(|one| PromptRow { id: None, turns: vec![Arc::from(one.row)], answers: Vec::new() })
            .collect()
    } else {
        let rows = object_rows(source, format)?;
        let wanted = Wanted::from(fields, &rows, recorded);
        rows.iter()
            .map(|one| {
                wanted.prompt(&one.row).map_err(|problem| on_line(problem, source, one.line))
            })
            .collect::<Result<Vec<_>, _>>()?
    };
    if rows.is_empty() {
        return Err(empty(source));
    }
    Ok(rows)
}

fn on_line(problem: Problem, source: &Source, line: usize) -> Problem {
    let start = match line {
        0 | 1 => 0,
        _ => source.text.match_indices('\n').nth(line - 2).map_or(0, |(at, _)| at + 1),
    };
    let blanks = source.text[start..].chars().take_while(|c| matches!(c, ' ' | '\t')).count();
    problem.at(source, start + blanks..start + blanks)
}

/// Fields that hold a list of messages: our own, ShareGPT's, and that of chat APIs.
const TURNS: [&str; 3] = ["turns", "conversations", "messages"];

/// Which fields hold the messages.
struct Wanted<'a> {
    message: Option<&'a str>,
    turns: Option<&'a str>,
    id: Option<&'a str>,
    recorded: bool,
}

impl<'a> Wanted<'a> {
    /// The fields named in the scenario; where none is, `message`, else one of [`TURNS`].
    fn from(fields: &'a RowFields, rows: &[Numbered<Row>], recorded: bool) -> Self {
        let (mut message, mut turns) = (fields.message.as_deref(), fields.turns.as_deref());
        if message.is_none() && turns.is_none() {
            let has = |name: &str| rows.first().is_some_and(|one| one.row.contains_key(name));
            match TURNS.into_iter().find(|name| has(name)).filter(|_| !has("message")) {
                Some(name) => turns = Some(name),
                None => message = Some("message"),
            }
        }
        Self { message, turns, id: fields.id.as_deref(), recorded }
    }

    fn prompt(&self, row: &Row) -> Result<PromptRow, Problem> {
        let mut answers = Vec::new();
        let turns = if let Some(name) = self.turns {
            let Value::Array(items) = field(row, name)? else {
                return Err(Problem::new(format!("`{name}` is not a list of messages"))
                    .with_help(format!("for a single message write `message: {name}`")));
            };
            let turns =
                items.iter().filter_map(|item| turn(item, name)).collect::<Result<Vec<_>, _>>()?;
            if self.recorded {
                answers = recorded::answers(items, turns.len(), name)?;
            }
            turns
        } else {
            let name = self.message.unwrap_or("message");
            vec![message(field(row, name)?, name)?]
        };
        if turns.is_empty() {
            return Err(Problem::new("this row has no messages of a user")
                .with_help("a conversation has entries of `role: user`, or `from: human`"));
        }
        let id = match self.id {
            Some(name) => Some(match field(row, name)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                other => {
                    return Err(Problem::new(format!("`{name}` is {}, not an id", kind(other))));
                }
            }),
            None => None,
        };
        Ok(PromptRow { id, turns, answers })
    }
}

fn field<'r>(row: &'r Row, name: &str) -> Result<&'r Value, Problem> {
    row.get(name).ok_or_else(|| {
        let names = || row.keys().map(String::as_str);
        let help = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "its fields are {}; say which holds the text: `message: FIELD`",
                listed(names(), "and")
            ),
        };
        Problem::new(format!("this row has no field `{name}`")).with_help(help)
    })
}

/// Who is not the user, in the words of the files there are.
const OTHERS: [&str; 11] = [
    "gpt",
    "chatgpt",
    "bing",
    "bard",
    "bot",
    "assistant",
    "system",
    "developer",
    "tool",
    "function",
    "model",
];

/// One item of a list of messages: a text, or an object that says who speaks. `None` where it is
/// not the user.
fn turn(item: &Value, name: &str) -> Option<Result<Arc<str>, Problem>> {
    let Value::Object(fields) = item else { return Some(message(item, name)) };
    let said = [("from", "value"), ("role", "content")];
    let Some((who, what)) = said.into_iter().find(|(who, _)| fields.contains_key(*who)) else {
        return Some(Err(Problem::new(format!("an item of `{name}` does not say who speaks"))
            .with_help("write texts, {\"from\", \"value\"} or {\"role\", \"content\"}")));
    };
    match fields.get(who) {
        Some(Value::String(speaker)) if matches!(speaker.as_str(), "human" | "user") => {
            Some(spoken(fields, what))
        }
        Some(Value::String(speaker)) if OTHERS.contains(&speaker.as_str()) => None,
        Some(other) => {
            Some(Err(Problem::new(format!("`{who}` is {other}, which is nobody known"))
                .with_help("the user is `human` or `user`")))
        }
        None => None,
    }
}

/// What the user says: a text, or a list of parts that are all text.
fn spoken(fields: &Row, what: &str) -> Result<Arc<str>, Problem> {
    let Some(Value::Array(parts)) = fields.get(what) else {
        return message(field(fields, what)?, what);
    };
    let texts: Option<String> =
        parts.iter().map(|part| part.get("text").and_then(Value::as_str)).collect();
    match texts {
        Some(text) if !text.is_empty() => Ok(text.into()),
        _ => Err(Problem::new(format!("`{what}` holds a part that is not text"))
            .with_help("only text can be sent")),
    }
}

fn message(value: &Value, name: &str) -> Result<Arc<str>, Problem> {
    match value {
        Value::String(text) if text.is_empty() => {
            Err(Problem::new(format!("`{name}` holds an empty message")))
        }
        Value::String(text) => Ok(Arc::from(text.as_str())),
        Value::Array(_) => Err(Problem::new(format!("`{name}` holds a list, not a text"))
            .with_help(format!("for a list of messages write `turns: {name}`"))),
        other => Err(Problem::new(format!("`{name}` holds {}, not a text", kind(other)))
            .with_help("a message is sent byte for byte, so it has to be a text")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, format: Format, fields: &RowFields) -> Result<Vec<PromptRow>, Problem> {
        let source = Source { label: "p".into(), text: text.into(), is_flag: false };
        read(&source, format, fields, false)
    }

    fn named(message: Option<&str>, turns: Option<&str>, id: Option<&str>) -> RowFields {
        let own = |text: Option<&str>| text.map(str::to_owned);
        RowFields { message: own(message), turns: own(turns), id: own(id) }
    }

    #[test]
    fn fields_default_to_message_else_turns() {
        let none = RowFields::default();
        let one = rows(r#"{"message": "m", "turns": ["t"]}"#, Format::JsonLines, &none).unwrap();
        assert_eq!(&*one[0].turns[0], "m");
        let two = rows(r#"{"turns": ["a", "b"]}"#, Format::JsonLines, &none).unwrap();
        assert_eq!(two[0].turns.len(), 2);
        let id = named(Some("q"), None, Some("n"));
        let ids = rows(r#"[{"q": "x", "n": 7}, {"q": "y", "n": "b"}]"#, Format::Json, &id).unwrap();
        assert_eq!(ids[0].id.as_deref(), Some("7"));
        assert_eq!(ids[1].id.as_deref(), Some("b"));
    }

    #[test]
    fn of_a_conversation_the_users_part_is_asked() {
        let none = RowFields::default();
        let share = r#"[{"id": "x", "conversations": [{"from": "human", "value": " a "},
            {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]}]"#;
        let chat = r#"{"messages": [{"role": "system", "content": "s"},
            {"role": "user", "content": "a"}, {"role": "assistant", "content": null},
            {"role": "user", "content": [{"type": "text", "text": "b"}, {"text": "c"}]}]}"#;
        let texts = |rows: Vec<PromptRow>| rows[0].turns.iter().map(ToString::to_string).collect();
        let found: Vec<String> = texts(rows(share, Format::Json, &none).unwrap());
        assert_eq!(found, [" a ", "c"]);
        let chat = chat.replace('\n', "");
        let found: Vec<String> = texts(rows(&chat, Format::JsonLines, &none).unwrap());
        assert_eq!(found, ["a", "bc"]);
        for (row, why) in [
            (r#"{"messages": [{"role": "assistant", "content": "x"}]}"#, "no messages of a user"),
            (r#"{"messages": [{"role": "alien", "content": "x"}]}"#, "nobody known"),
            (r#"{"messages": [{"text": "x"}]}"#, "does not say who speaks"),
            (r#"{"messages": [{"role": "user"}]}"#, "no field `content`"),
            (r#"{"messages": [{"role": "user", "content": [{"type": "image"}]}]}"#, "not text"),
        ] {
            let problem = rows(row, Format::JsonLines, &none).unwrap_err();
            assert!(problem.message().contains(why), "{problem}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_sent_is_named_with_its_line() {
        let none = RowFields::default();
        let good = r#"{"message": "a"}"#;
        for (bad, fields, message, help) in [
            (r#"{"mesage": "a"}"#, &none, "no field `message`", "did you mean `mesage`?"),
            (r#"{"message": 5}"#, &none, "a number, not a text", "byte for byte"),
            (r#"{"message": ""}"#, &none, "an empty message", ""),
            (r#"{"message": ["a"]}"#, &none, "a list, not a text", "`turns: message`"),
        ] {
            let problem = rows(&format!("{good}\n{bad}"), Format::JsonLines, fields).unwrap_err();
            assert!(problem.message().contains(message), "{problem}");
            assert!(problem.help().unwrap_or("").contains(help), "{problem}");
            assert_eq!(problem.line_and_column(), Some((2, 1)));
        }
        let turns = named(None, Some("message"), None);
        let problem = rows(good, Format::JsonLines, &turns).unwrap_err();
        assert!(problem.message().contains("not a list"), "{problem}");
        assert!(rows("", Format::Text, &none).unwrap_err().message().contains("no rows"));
        let named = named(Some("x"), None, None);
        assert!(rows("a", Format::Text, &named).unwrap_err().message().contains("has no field"));
    }
}
