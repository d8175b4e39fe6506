//! What an error reply says about itself.

use serde_json::Value;

/// The longest message that is kept of an error reply, in characters.
const LONGEST: usize = 300;

/// The explanation inside an error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody(pub String);

impl ErrorBody {
    /// Reads the body of a reply with an error status: FastAPI's `detail`, or an `error` object.
    /// Of anything else only its size is kept: it may hold what was asked, or an answer.
    pub fn read(body: &[u8]) -> Self {
        let document = serde_json::from_slice::<Value>(body).ok();
        let text = document.and_then(|document| Self::detail(&document));
        Self(shorten(text.unwrap_or_else(|| match body.len() {
            0 => String::new(),
            length => format!("a body of {length} bytes that says no `detail`"),
        })))
    }

    /// The same for an explanation that is no document.
    pub(super) fn said(text: &str) -> Self {
        Self(shorten(one_line(text)))
    }

    /// The explanation in a JSON document, where it has one.
    pub(super) fn detail(value: &Value) -> Option<String> {
        let said = ["detail", "error", "message"]
            .iter()
            .find_map(|key| value.get(key).filter(|said| !said.is_null()))?;
        Some(match said {
            Value::String(text) => one_line(text),
            Value::Array(problems) => {
                problems.iter().map(validation_problem).collect::<Vec<_>>().join("; ")
            }
            Value::Object(error) => match error.get("message") {
                Some(Value::String(text)) => one_line(text),
                _ => said.to_string(),
            },
            other => other.to_string(),
        })
    }

    /// Whether a 429 says that credits have run out: not worth a further attempt.
    pub fn says_no_credits(&self) -> bool {
        let text = self.0.to_lowercase();
        text.contains("credit") && (text.contains("insufficient") || text.contains("exhaust"))
    }
}

/// `{"loc": ["body", "message"], "msg": "field required"}` as `body.message: field required`.
fn validation_problem(problem: &Value) -> String {
    let place: Vec<String> = problem
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        .collect();
    match (place.is_empty(), problem.get("msg").and_then(Value::as_str)) {
        (false, Some(message)) => format!("{}: {}", place.join("."), one_line(message)),
        (true, Some(message)) => one_line(message),
        (_, None) => problem.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_explanation_is_found_in_every_shape() {
        for (body, message) in [
            (&br#"{"detail": "Invalid API key"}"#[..], "Invalid API key"),
            (
                br#"{"detail": [{"loc": ["body", "message"], "msg": "field required", "type": "x"}]}"#,
                "body.message: field required",
            ),
            (br#"{"error": {"message": "overloaded", "code": 7}}"#, "overloaded"),
            (br#"{"message": "no"}"#, "no"),
            (b"<html>Bad gateway</html>", "a body of 24 bytes that says no `detail`"),
            (b"\xff", "a body of 1 bytes that says no `detail`"),
            (b"", ""),
        ] {
            assert_eq!(ErrorBody::read(body).0, message);
        }
        let long = format!("{{\"detail\": \"{}\"}}", "x".repeat(1000));
        assert_eq!(ErrorBody::read(long.as_bytes()).0.chars().count(), LONGEST + 1);
    }

    #[test]
    fn credits_that_ran_out_are_known() {
        for said in ["Insufficient credits", "Credits exhausted"] {
            assert!(ErrorBody(said.into()).says_no_credits());
        }
        assert!(!ErrorBody("Too many requests".into()).says_no_credits());
    }
}
