//! Another server that answers for the agent: where it is, and how its stream is read.
//!
//! The reading is the agent's own and shares nothing with the client side.

use std::time::Duration;

use serde_json::{Value, json};

use super::ask::Asked;
use super::refusal::Refusal;
use crate::secret::Secret;

/// What speaks to it.
pub(super) type Client = reqwest::Client;

/// A client for one thread; `None` if the system has no TLS to offer.
pub(super) fn client() -> Option<Client> {
    let client = Client::builder().connect_timeout(PATIENCE_TO_CONNECT).read_timeout(PATIENCE);
    client.build().ok()
}

/// For a connection to the upstream server.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(10);
/// For whatever it says next; agents that use tools are silent for long.
const PATIENCE: Duration = Duration::from_secs(600);

/// An OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) url: String,
    model: String,
    pub(super) key: Option<Secret>,
}

impl Upstream {
    /// A server at `url` (without a path: `/v1/chat/completions` is added; ending in `/v1` or `/v4`:
    /// `/chat/completions`), the model to ask for there, and the key it wants.
    ///
    /// # Errors
    /// `url` is not an HTTP URL; one sentence.
    pub fn new(url: &str, model: &str, key: Option<Secret>) -> Result<Self, String> {
        let parsed = reqwest::Url::parse(url).ok();
        let parsed = parsed.filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(parsed) = parsed else {
            return Err(format!("`{url}` is not a URL: write `http://127.0.0.1:11434/v1`"));
        };
        let url = url.trim_end_matches('/');
        let url = match parsed.path().trim_end_matches('/') {
            "" => format!("{url}/v1/chat/completions"),
            path if path.ends_with("/v1") || path.ends_with("/v4") => {
                format!("{url}/chat/completions")
            }
            _ => url.to_owned(),
        };
        Ok(Self { url, model: model.to_owned(), key })
    }

    /// The body that asks for a streamed reply.
    pub(super) fn request(
        &self,
        asked: &Asked,
        before: &[(String, std::sync::Arc<str>)],
    ) -> String {
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        let mut messages: Vec<Value> = before.iter().map(|(role, text)| said(role, text)).collect();
        messages.push(said("user", &asked.message));
        json!({"model": self.model, "stream": true, "messages": messages}).to_string()
    }
}

/// The refusal that a status of the upstream server becomes.
pub(super) fn refusal(status: u16) -> Refusal {
    match status {
        400 | 404 | 422 | 429 | 500 | 502 | 503 | 504 => Refusal::with_status(status),
        // The key that was refused is the agent's own: the caller cannot mend it.
        _ => Refusal::with_status(502),
    }
}

/// What came in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    Reasoning(String),
    Error(String),
    Done,
}

/// Reads a stream of events as its bytes come.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
}

/// An event of the upstream server may be this long.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

impl Reader {
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > LONGEST_LINE {
                self.line.clear();
                said.push(Said::Error("the upstream server sent an event without end".into()));
            } else if self.line.ends_with(b"\n") {
                read_line(self.line.trim_ascii_end(), &mut said);
                self.line.clear();
            }
        }
        said
    }

    /// The last line, which an upstream server may have left without an end.
    pub(super) fn end(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        read_line(self.line.trim_ascii_end(), &mut said);
        said
    }
}

fn read_line(line: &[u8], said: &mut Vec<Said>) {
    let data = match line.strip_prefix(b"data:") {
        Some(data) => data.trim_ascii_start(),
        // A server that does not stream sends the document itself.
        None if line.starts_with(b"{") => line,
        None => return,
    };
    if data == b"[DONE]" {
        said.push(Said::Done);
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        let text = error.get("message").and_then(Value::as_str);
        said.push(Said::Error(text.map_or_else(|| error.to_string(), str::to_owned)));
        return;
    }
    let Some(choice) = value.pointer("/choices/0") else { return };
    let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) else { return };
    let text = |field: &str| {
        delta.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    said.extend(text("reasoning_content").or_else(|| text("reasoning")).map(Said::Reasoning));
    said.extend(text("content").map(Said::Text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_where_there_is_none() {
        for (url, expected) in [
            ("http://h:1", "http://h:1/v1/chat/completions"),
            ("http://h/v1/", "http://h/v1/chat/completions"),
            ("https://h/api/v4", "https://h/api/v4/chat/completions"),
            ("http://h/own/path", "http://h/own/path"),
        ] {
            assert_eq!(Upstream::new(url, "m", None).unwrap().url, expected);
        }
        assert!(Upstream::new("h:1", "m", None).is_err());
    }

    #[test]
    fn a_stream_is_read_wherever_it_is_split() {
        let stream = concat!(
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n",
            ": comment\n\n",
            "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"é!\"}}]}\n\n",
            "data: {\"choices\":[],\"usage\":{}}\n\n",
            "data: {\"error\":{\"message\":\"no\"}}\n\n",
            "data: [DONE]"
        );
        let expected = [
            Said::Reasoning("hm".into()),
            Said::Text("é!".into()),
            Said::Error("no".into()),
            Said::Done,
        ];
        for step in 1..stream.len() {
            let mut reader = Reader::default();
            let mut said: Vec<Said> =
                stream.as_bytes().chunks(step).flat_map(|bytes| reader.feed(bytes)).collect();
            said.extend(reader.end());
            assert_eq!(said, expected, "{step}");
        }
    }
}
