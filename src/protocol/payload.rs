//! What one event of a Lyzr stream says.

use std::borrow::Cow;

use serde_json::Value;

/// The meaning of an event's data.
#[derive(Debug, PartialEq)]
pub(super) enum Payload<'a> {
    /// A piece of the answer, escapes still in it.
    Token(&'a str),
    /// A piece of the answer that came inside a JSON object: no escapes left to undo.
    Text(String),
    /// Something about the answer, not of it.
    Trace,
    /// The agent failed after it had said 200.
    Error(String),
}

impl<'a> Payload<'a> {
    pub(super) fn read(data: &'a str) -> Self {
        if let Some(message) = data.strip_prefix("[ERROR]") {
            return Self::Error(message.trim().to_owned());
        }
        // Bare JSON values (`36`, `true`, `[]`) are ordinary tokens: only objects are looked into.
        if data.starts_with('{')
            && data.ends_with('}')
            && let Ok(Value::Object(object)) = serde_json::from_str(data)
        {
            for key in ["content", "delta", "response"] {
                if let Some(Value::String(text)) = object.get(key) {
                    return Self::Text(text.clone());
                }
            }
            if object.contains_key("trace_id") {
                return Self::Trace;
            }
            if let Some(error) = object.get("error") {
                let message = error.as_str().or_else(|| error.get("message")?.as_str());
                return Self::Error(message.map_or_else(|| error.to_string(), str::to_owned));
            }
        }
        Self::Token(data)
    }
}

/// Undoes `\n`, `\"`, `\\`, `\t`, `\r` and `\'` in one left-to-right pass over the whole answer: an
/// escape may straddle two events, and replacing one kind after the other would corrupt `\\n`.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    /// The last piece ended in a backslash whose meaning the next piece decides.
    pending: bool,
}

impl Unescape {
    pub(super) fn feed<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        if !self.pending && !piece.contains('\\') {
            return Cow::Borrowed(piece);
        }
        let mut out = String::with_capacity(piece.len());
        for letter in piece.chars() {
            if !self.pending {
                if letter == '\\' {
                    self.pending = true;
                } else {
                    out.push(letter);
                }
                continue;
            }
            self.pending = false;
            match letter {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '"' | '\'' | '\\' => out.push(letter),
                // Not an escape we know: it stays as it came.
                other => {
                    out.push('\\');
                    out.push(other);
                }
            }
        }
        Cow::Owned(out)
    }

    /// What is left when the answer ends.
    pub(super) fn end(&mut self) -> &'static str {
        if std::mem::take(&mut self.pending) { "\\" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_are_told_apart() {
        for (data, payload) in [
            ("[ERROR] out of memory", Payload::Error("out of memory".into())),
            (r#"{"error": {"message": "no"}}"#, Payload::Error("no".into())),
            (r#"{"trace_id": "t1", "latency": 3}"#, Payload::Trace),
            (r#"{"content": "a\nb"}"#, Payload::Text("a\nb".into())),
            (r#"{"delta": "x"}"#, Payload::Text("x".into())),
            (r#"{"total": 3}"#, Payload::Token(r#"{"total": 3}"#)),
            ("36", Payload::Token("36")),
            ("true", Payload::Token("true")),
            ("[]", Payload::Token("[]")),
            ("", Payload::Token("")),
        ] {
            assert_eq!(Payload::read(data), payload, "{data}");
        }
    }

    fn unescape(pieces: &[&str]) -> String {
        let mut state = Unescape::default();
        let mut out: String = pieces.iter().map(|piece| state.feed(piece).into_owned()).collect();
        out.push_str(state.end());
        out
    }

    #[test]
    fn escapes_are_undone_once_and_across_events() {
        assert_eq!(unescape(&[r"a\nb"]), "a\nb");
        assert_eq!(unescape(&[r"a\\nb"]), r"a\nb");
        assert_eq!(unescape(&[r"a\", r"nb"]), "a\nb");
        assert_eq!(unescape(&[r"a\", r"\nb"]), r"a\nb");
        assert_eq!(unescape(&[r#"\"\'\t\r"#]), "\"'\t\r");
        assert_eq!(unescape(&[r"C:\dir\"]), r"C:\dir\");
    }

    proptest! {
        #[test]
        fn every_split_unescapes_to_the_same_text(text in r#"[an\\"'é]{0,20}"#, cut in 0usize..20) {
            let cut = (0..=cut.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            prop_assert_eq!(unescape(&[&text]), unescape(&[&text[..cut], &text[cut..]]));
        }
    }
}
