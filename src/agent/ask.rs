//! What a request body asks for, and what is wrong with it if it asks for nothing.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::refusal::{Refusal, missing};

/// Which of the interfaces was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// `/v2/stream/`
    V2Stream,
    /// `/v3/inference/stream/`
    V3Stream,
    /// `/v2/chat/` and `/v3/inference/chat/`
    Chat,
    /// `/v1/chat/completions` and `/v4/chat/completions`
    Completions,
}

/// A request for a reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) agent_id: String,
    pub(super) user_id: String,
    /// `None`: a one-off.
    pub(super) session_id: Option<String>,
    pub(super) message: String,
    /// Earlier messages that came with the request, oldest first, with their roles.
    pub(super) earlier: Vec<(String, Arc<str>)>,
    /// Whether the reply is to be streamed (on the OpenAI-compatible paths, where one can choose).
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) reasoning: bool,
}

/// Reads a body.
pub(super) fn read(api: Api, body: &[u8]) -> Result<Asked, Refusal> {
    match api {
        Api::Completions => completions(body),
        _ => lyzr(body),
    }
}

#[derive(Deserialize)]
struct Lyzr {
    user_id: String,
    agent_id: String,
    // With a function of its own a field that is missing is an error; null is a one-off.
    #[serde(deserialize_with = "Option::deserialize")]
    session_id: Option<String>,
    message: String,
}

fn lyzr(body: &[u8]) -> Result<Asked, Refusal> {
    if let Ok(Lyzr { user_id, agent_id, session_id, message }) = serde_json::from_slice(body) {
        return Ok(Asked { agent_id, user_id, session_id, message, ..Asked::default() });
    }
    // Something is wrong, and the reply says what: the slow way.
    let value = json(body)?;
    let mut problems = Vec::new();
    let mut text = |field: &'static str, nullable: bool| match value.get(field) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) if nullable => None,
        Some(Value::Null) => {
            problems.push((
                vec!["body".into(), field.into()],
                "none is not an allowed value",
                "type_error.none.not_allowed",
            ));
            None
        }
        Some(_) => {
            problems.push((
                vec!["body".into(), field.into()],
                "str type expected",
                "type_error.str",
            ));
            None
        }
        None => {
            problems.push(missing(field));
            None
        }
    };
    let asked = Asked {
        user_id: text("user_id", false).unwrap_or_default(),
        agent_id: text("agent_id", false).unwrap_or_default(),
        session_id: text("session_id", true),
        message: text("message", false).unwrap_or_default(),
        ..Asked::default()
    };
    if problems.is_empty() { Ok(asked) } else { Err(Refusal::unprocessable(&problems)) }
}

fn completions(body: &[u8]) -> Result<Asked, Refusal> {
    let value = json(body)?;
    let mut problems = Vec::new();
    let text = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let model = text("model");
    if model.is_none() {
        problems.push(missing("model"));
    }
    let mut said: Vec<(String, Arc<str>)> = match value.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages.iter().map(said).collect(),
        _ => {
            problems.push(missing("messages"));
            Vec::new()
        }
    };
    if !problems.is_empty() {
        return Err(Refusal::unprocessable(&problems));
    }
    let last = said.iter().rposition(|(role, _)| role == "user").unwrap_or(said.len() - 1);
    let (_, message) = said.remove(last);
    let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
    Ok(Asked {
        agent_id: model.unwrap_or_default(),
        user_id: text("user").unwrap_or_default(),
        session_id: text("session_id"),
        message: message.as_ref().into(),
        earlier: said,
        stream: flag(value.get("stream")),
        include_usage: flag(value.pointer("/stream_options/include_usage")),
        reasoning: value.get("reasoning_effort").is_some_and(|effort| *effort != "none")
            || value.get("reasoning").is_some_and(Value::is_object),
    })
}

/// Role and text of one message; text in parts is joined.
fn said(message: &Value) -> (String, Arc<str>) {
    let role = message.get("role").and_then(Value::as_str).unwrap_or("user").to_owned();
    let text: String = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    };
    (role, text.into())
}

fn json(body: &[u8]) -> Result<Value, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::unprocessable(&[(
            vec!["body".into(), (error.column() as u64).into()],
            &error.to_string(),
            "value_error.jsondecode",
        )])
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Refusal::unprocessable(&[(
            vec!["body".into()],
            "value is not a valid dict",
            "type_error.dict",
        )]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_body_is_read_and_a_null_session_is_a_one_off() {
        let asked = read(
            Api::V2Stream,
            br#"{"message": "Can you\nstream?", "session_id": null, "extra": 1,
                "user_id": "u", "agent_id": "a"}"#,
        )
        .unwrap();
        assert_eq!(asked.message, "Can you\nstream?");
        assert_eq!((asked.session_id, asked.user_id.as_str()), (None, "u"));
    }

    #[test]
    fn a_bad_body_is_refused_field_by_field() {
        let refused = |body: &str| read(Api::V2Stream, body.as_bytes()).unwrap_err();
        let refusal = refused(r#"{"user_id": 5, "agent_id": "a", "session_id": "s"}"#);
        assert_eq!(refusal.status, 422);
        let body: Value = serde_json::from_str(&refusal.body(false)).unwrap();
        assert_eq!(body["detail"][0]["loc"], serde_json::json!(["body", "user_id"]));
        assert_eq!(body["detail"][0]["type"], "type_error.str");
        assert_eq!(
            body["detail"][1],
            serde_json::json!({"loc": ["body", "message"], "msg": "field required",
                "type": "value_error.missing"})
        );
        for body in ["", "{", "[]", "null", "\"x\"", r#"{"user_id":"u"}"#] {
            assert_eq!(refused(body).status, 422, "{body}");
        }
        assert_eq!(read(Api::V2Stream, b"\xff\xfe").unwrap_err().status, 422);
    }

    #[test]
    fn completions_take_the_last_user_message_and_its_context() {
        let asked = read(
            Api::Completions,
            br#"{"model": "m", "stream": true, "stream_options": {"include_usage": true},
                "messages": [{"role": "user", "content": "one"},
                {"role": "assistant", "content": "eins"},
                {"role": "user", "content": [{"type": "text", "text": "two"}]}]}"#,
        )
        .unwrap();
        assert_eq!((asked.message.as_str(), asked.earlier.len()), ("two", 2));
        assert!(asked.stream && asked.include_usage && !asked.reasoning);
        let refusal = read(Api::Completions, br#"{"messages": []}"#).unwrap_err();
        assert_eq!(refusal.status, 422);
    }
}
