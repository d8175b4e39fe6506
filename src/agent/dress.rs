//! How text is dressed for the wire: as it is, as events, or as a JSON document.

use std::io::Write;

use serde_json::json;

/// The form of a reply's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Raw text.
    Raw,
    /// One event a chunk, the text escaped, `[DONE]` at the end.
    Events,
    /// `{"response": "..."}`
    Document,
    /// OpenAI's `chat.completion.chunk` events.
    CompletionEvents,
    /// OpenAI's `chat.completion`.
    Completion,
}

/// A form and what it needs to know.
#[derive(Debug, Clone)]
pub(super) struct Dress<'a> {
    pub(super) form: Form,
    pub(super) model: &'a str,
    /// Makes ids that differ.
    pub(super) seq: u64,
    /// Seconds since the Unix epoch.
    pub(super) created: u64,
    pub(super) include_usage: bool,
    pub(super) prompt_tokens: usize,
    /// Lines end in CR LF.
    pub(super) crlf: bool,
    /// `[DONE]` is left out.
    pub(super) no_done: bool,
}

/// Where a piece stands beside an escape that is cut in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    Whole,
    /// The event ends with a backslash.
    Opens,
    /// The event begins with the letter that belongs to it.
    Closes,
}

impl Dress<'_> {
    pub(super) fn content_type(&self) -> &'static str {
        match self.form {
            Form::Raw => "text/plain; charset=utf-8",
            Form::Events | Form::CompletionEvents => "text/event-stream; charset=utf-8",
            Form::Document | Form::Completion => "application/json",
        }
    }

    /// Whether the body comes at once, with its length known.
    pub(super) fn is_document(&self) -> bool {
        matches!(self.form, Form::Document | Form::Completion)
    }

    pub(super) fn is_events(&self) -> bool {
        matches!(self.form, Form::Events | Form::CompletionEvents)
    }

    /// What comes before all text, if anything does.
    pub(super) fn opening(&self, out: &mut Vec<u8>) {
        if self.form == Form::CompletionEvents {
            self.completion_event(out, |out| {
                out.extend_from_slice(br#"{"role":"assistant","content":""}"#);
            });
        }
    }

    /// One chunk of text.
    pub(super) fn chunk(&self, out: &mut Vec<u8>, text: &[u8], reasoning: bool, escape: Escape) {
        match self.form {
            Form::Raw => {
                // An escape has no meaning here: the line feed it stands for is written.
                if escape == Escape::Closes {
                    out.push(b'\n');
                }
                out.extend_from_slice(text);
            }
            Form::Events => {
                out.extend_from_slice(b"data: ");
                if escape == Escape::Closes {
                    out.push(b'n');
                }
                escape_event(out, text);
                if escape == Escape::Opens {
                    out.push(b'\\');
                }
                self.end_event(out);
            }
            Form::CompletionEvents => self.completion_event(out, |out| {
                let name: &[u8] = if reasoning { b"reasoning_content" } else { b"content" };
                out.extend_from_slice(b"{\"");
                out.extend_from_slice(name);
                out.extend_from_slice(b"\":\"");
                if escape == Escape::Closes {
                    out.extend_from_slice(b"\\n");
                }
                escape_json(out, text);
                out.extend_from_slice(b"\"}");
            }),
            Form::Document | Form::Completion => out.extend_from_slice(text),
        }
    }

    /// A comment that keeps a connection alive; only events know comments.
    pub(super) fn comment(&self, out: &mut Vec<u8>) {
        if self.is_events() {
            out.extend_from_slice(b": keep-alive");
            self.end_event(out);
        }
    }

    /// An error inside a reply that began well.
    pub(super) fn error(&self, out: &mut Vec<u8>, text: &str) {
        match self.form {
            Form::Raw => out.extend_from_slice(format!("[ERROR] {text}").as_bytes()),
            Form::Events => {
                out.extend_from_slice(b"data: [ERROR] ");
                escape_event(out, text.as_bytes());
                self.end_event(out);
            }
            Form::CompletionEvents | Form::Completion => {
                let error = json!({"error": {"message": text, "type": "server_error",
                    "param": null, "code": null}});
                if self.form == Form::CompletionEvents {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(error.to_string().as_bytes());
                    self.end_event(out);
                } else {
                    out.extend_from_slice(error.to_string().as_bytes());
                }
            }
            Form::Document => {
                out.extend_from_slice(json!({"error": text}).to_string().as_bytes());
            }
        }
    }

    /// What comes after all text, if anything does.
    pub(super) fn closing(&self, out: &mut Vec<u8>, chunks: usize) {
        if self.form == Form::CompletionEvents {
            self.event_start(out);
            out.extend_from_slice(br#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#);
            out.extend_from_slice(if self.include_usage { b",\"usage\":null}" } else { b"}" });
            self.end_event(out);
            if self.include_usage {
                self.event_start(out);
                out.extend_from_slice(br#""choices":[],"usage":"#);
                out.extend_from_slice(self.usage(chunks).to_string().as_bytes());
                out.push(b'}');
                self.end_event(out);
            }
        }
        if self.is_events() && !self.no_done {
            out.extend_from_slice(b"data: [DONE]");
            self.end_event(out);
        }
    }

    /// The whole body of a reply that comes as one document.
    pub(super) fn document(&self, text: &[u8], reasoning: &[u8], chunks: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 256);
        if self.form == Form::Document {
            out.extend_from_slice(b"{\"response\":\"");
            escape_json(&mut out, text);
            out.extend_from_slice(b"\"}");
            return out;
        }
        let _ = write!(
            out,
            r#"{{"id":"chatcmpl-{}","object":"chat.completion","created":{},"model":{},"#,
            self.seq,
            self.created,
            json!(self.model)
        );
        out.extend_from_slice(
            br#""choices":[{"index":0,"message":{"role":"assistant","content":""#,
        );
        escape_json(&mut out, text);
        out.push(b'"');
        if !reasoning.is_empty() {
            out.extend_from_slice(b",\"reasoning_content\":\"");
            escape_json(&mut out, reasoning);
            out.push(b'"');
        }
        out.extend_from_slice(br#"},"finish_reason":"stop"}],"usage":"#);
        out.extend_from_slice(self.usage(chunks).to_string().as_bytes());
        out.push(b'}');
        out
    }

    fn usage(&self, chunks: usize) -> serde_json::Value {
        json!({"prompt_tokens": self.prompt_tokens, "completion_tokens": chunks,
            "total_tokens": self.prompt_tokens + chunks})
    }

    fn completion_event(&self, out: &mut Vec<u8>, delta: impl FnOnce(&mut Vec<u8>)) {
        self.event_start(out);
        out.extend_from_slice(br#""choices":[{"index":0,"delta":"#);
        delta(out);
        out.extend_from_slice(br#","finish_reason":null}]"#);
        out.extend_from_slice(if self.include_usage { b",\"usage\":null}" } else { b"}" });
        self.end_event(out);
    }

    fn event_start(&self, out: &mut Vec<u8>) {
        // A Vec takes everything; a result is there only because it is a writer.
        let _ = write!(
            out,
            r#"data: {{"id":"chatcmpl-{}","object":"chat.completion.chunk","created":{},"model":{},"#,
            self.seq,
            self.created,
            json!(self.model)
        );
    }

    fn end_event(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.crlf { b"\r\n\r\n" } else { b"\n\n" });
    }
}

/// The escapes of the `/v3/` events: one pass, so that one pass undoes it.
fn escape_event(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            other => out.push(*other),
        }
    }
}

/// JSON's escapes on bytes, which a fault may have made something else than UTF-8.
pub(super) fn escape_json(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            control @ 0..0x20 => {
                let _ = write!(out, "\\u{control:04x}");
            }
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dress(form: Form) -> Dress<'static> {
        Dress {
            form,
            model: "m\"1",
            seq: 7,
            created: 1,
            include_usage: true,
            prompt_tokens: 3,
            crlf: false,
            no_done: false,
        }
    }

    #[test]
    fn events_are_escaped_and_end_with_done() {
        let mut out = Vec::new();
        let dress = dress(Form::Events);
        dress.chunk(&mut out, b" a\n\\\"b\"", false, Escape::Whole);
        dress.chunk(&mut out, b"c", false, Escape::Opens);
        dress.chunk(&mut out, b"d", false, Escape::Closes);
        dress.closing(&mut out, 3);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "data:  a\\n\\\\\\\"b\\\"\n\ndata: c\\\n\ndata: nd\n\ndata: [DONE]\n\n"
        );
    }

    #[test]
    fn completion_events_are_json_with_usage_last() {
        let mut out = Vec::new();
        let dress = dress(Form::CompletionEvents);
        dress.opening(&mut out);
        dress.chunk(&mut out, "é\u{1}\"\n".as_bytes(), false, Escape::Whole);
        dress.chunk(&mut out, b"hm", true, Escape::Whole);
        dress.closing(&mut out, 2);
        let text = String::from_utf8(out).unwrap();
        let events: Vec<&str> =
            text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        let json = |index: usize| -> serde_json::Value {
            serde_json::from_str(events[index]).unwrap_or_else(|error| panic!("{error}"))
        };
        assert_eq!(json(0)["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(json(1)["choices"][0]["delta"]["content"], "é\u{1}\"\n");
        assert_eq!(json(1)["model"], "m\"1");
        assert_eq!(json(2)["choices"][0]["delta"]["reasoning_content"], "hm");
        assert_eq!(json(3)["choices"][0]["finish_reason"], "stop");
        assert_eq!(json(4)["usage"]["total_tokens"], 5);
        assert_eq!(events[5], "[DONE]");
    }

    #[test]
    fn documents_are_json() {
        for form in [Form::Document, Form::Completion] {
            let body = dress(form).document(b"a\"\n\t", b"", 4);
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let text = value
                .get("response")
                .or_else(|| value.pointer("/choices/0/message/content"))
                .and_then(serde_json::Value::as_str);
            assert_eq!(text, Some("a\"\n\t"));
        }
    }
}
