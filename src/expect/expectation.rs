//! One thing that is expected, and all of them together.

use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::answer::Answer;
use super::broken::Broken;
use super::path::JsonPath;
use crate::units::Span;

/// One thing that is expected of an answer.
#[derive(Debug, Clone)]
pub enum Expectation {
    /// The text holds this, letter for letter.
    Contains(String),
    /// The text holds a match.
    Matches(Regex),
    /// The text is a JSON document that holds what is demanded at a place.
    Json(JsonPath, Demand),
    /// At least so many chunks.
    MinChunks(u64),
    /// At most so many chunks.
    MaxChunks(u64),
    /// At least so many bytes of body.
    MinBytes(u64),
    /// At most so many bytes of body.
    MaxBytes(u64),
    /// Time to first chunk is at most this, from when the turn was due.
    MaxTtfc(Duration),
    /// The answer ends within this, from when the turn was due.
    MaxTotal(Duration),
    /// The text is more than white space.
    NotEmpty,
}

/// What is demanded of a place in a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// A value stands there (`true`), `null` included, or none does.
    Exists(bool),
    /// This value stands there; numbers are compared as numbers.
    Equals(Value),
}

/// What is expected of an answer: all of it has to hold.
#[derive(Debug, Clone, Default)]
pub struct Expectations(Vec<Expectation>);

impl Expectations {
    /// All of these.
    pub fn new(all: Vec<Expectation>) -> Self {
        Self(all)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Expectation> {
        self.0.iter()
    }

    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the text of the answer has to be kept.
    pub fn needs_text(&self) -> bool {
        self.0.iter().any(Expectation::needs_text)
    }

    /// Checks a whole answer.
    ///
    /// # Errors
    /// The first expectation that it does not meet.
    pub fn check(&self, answer: &Answer<'_>) -> Result<(), Broken> {
        self.0.iter().try_for_each(|one| one.check(answer))
    }
}

impl Expectation {
    fn needs_text(&self) -> bool {
        matches!(self, Self::Contains(_) | Self::Matches(_) | Self::Json(..) | Self::NotEmpty)
    }

    fn check(&self, answer: &Answer<'_>) -> Result<(), Broken> {
        let broken = |why: String| Err(Broken(why));
        match self {
            Self::Contains(part) if !answer.text.contains(part) => {
                broken(format!("expect.contains: the answer does not contain {}", quoted(part)))
            }
            Self::Matches(pattern) if !pattern.is_match(answer.text) => broken(format!(
                "expect.matches: the answer has no match of {}",
                quoted(pattern.as_str())
            )),
            Self::Json(path, demand) => demand.check(path, answer),
            Self::MinChunks(least) if answer.chunks < *least => {
                broken(format!("expect.min_chunks: fewer chunks than {least}"))
            }
            Self::MaxChunks(most) if answer.chunks > *most => {
                broken(format!("expect.max_chunks: more chunks than {most}"))
            }
            Self::MinBytes(least) if answer.bytes < *least => {
                broken(format!("expect.min_bytes: fewer bytes than {least}"))
            }
            Self::MaxBytes(most) if answer.bytes > *most => {
                broken(format!("expect.max_bytes: more bytes than {most}"))
            }
            Self::MaxTtfc(most) if answer.ttfc.is_none_or(|ttfc| ttfc > *most) => {
                broken(format!("expect.max_ttfc: the first chunk took more than {}", Span(*most)))
            }
            Self::MaxTotal(most) if answer.total > *most => {
                broken(format!("expect.max_total: the answer took more than {}", Span(*most)))
            }
            Self::NotEmpty if answer.text.trim().is_empty() => {
                broken("expect.not_empty: the answer is white space only".into())
            }
            _ => Ok(()),
        }
    }
}

impl Demand {
    fn check(&self, path: &JsonPath, answer: &Answer<'_>) -> Result<(), Broken> {
        let broken = |why: String| Err(Broken(format!("expect.json: {why}")));
        let Some(document) = answer.json() else { return broken("the answer is not JSON".into()) };
        match (self, path.find(document)) {
            (Self::Exists(true), None) => broken(format!("there is nothing at {path}")),
            (Self::Exists(false), Some(_)) => broken(format!("there is something at {path}")),
            (Self::Equals(_), None) => broken(format!("there is nothing at {path}")),
            (Self::Equals(wanted), Some(found)) if !equal(wanted, found) => {
                broken(format!("what is at {path} is not {}", cut(&wanted.to_string())))
            }
            _ => Ok(()),
        }
    }
}

/// 1 and 1.0 are the same number, also inside lists and objects.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// An expectation's own text, as short as a message should be.
fn quoted(text: &str) -> String {
    format!("`{}`", cut(text))
}

fn cut(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(one: Expectation, text: &str) -> Result<(), String> {
        let answer = Answer::new(text, 3, 100, Some(SECOND), 2 * SECOND);
        Expectations::new(vec![one]).check(&answer).map_err(|broken| broken.to_string())
    }

    fn json(path: &str, demand: Demand) -> Expectation {
        Expectation::Json(path.parse().unwrap(), demand)
    }

    #[test]
    fn what_holds_is_let_through_and_what_does_not_is_named_without_the_answer() {
        use Expectation::*;
        let secret = r#"{"refund": {"id": 7, "note": "SECRET"}, "list": [1, 2.0]}"#;
        let good = [
            Contains("refund".into()),
            Matches(Regex::new(r#""id":\s*\d"#).unwrap()),
            json("$.refund.id", Demand::Equals(json!(7.0))),
            json("/list", Demand::Equals(json!([1.0, 2]))),
            json("$.refund.note", Demand::Exists(true)),
            json("$.refund.other", Demand::Exists(false)),
            MinChunks(3),
            MaxChunks(3),
            MinBytes(100),
            MaxBytes(100),
            MaxTtfc(SECOND),
            MaxTotal(2 * SECOND),
            NotEmpty,
        ];
        for one in good {
            assert_eq!(check(one.clone(), secret), Ok(()), "{one:?}");
        }
        for (one, why) in [
            (Contains("Refund".into()), "expect.contains: the answer does not contain `Refund`"),
            (Matches(Regex::new("^x").unwrap()), "expect.matches: the answer has no match of `^x`"),
            (
                json("$.refund.id", Demand::Equals(json!("7"))),
                "expect.json: what is at $.refund.id is not \"7\"",
            ),
            (json("$.x", Demand::Equals(json!(1))), "expect.json: there is nothing at $.x"),
            (json("/list", Demand::Exists(false)), "expect.json: there is something at /list"),
            (MinChunks(4), "expect.min_chunks: fewer chunks than 4"),
            (MaxChunks(2), "expect.max_chunks: more chunks than 2"),
            (MinBytes(101), "expect.min_bytes: fewer bytes than 101"),
            (MaxBytes(99), "expect.max_bytes: more bytes than 99"),
            (MaxTtfc(SECOND / 2), "expect.max_ttfc: the first chunk took more than 500ms"),
            (MaxTotal(SECOND), "expect.max_total: the answer took more than 1s"),
        ] {
            assert_eq!(check(one, secret), Err(why.to_owned()));
        }
        assert!(check(NotEmpty, " \n ").unwrap_err().contains("white space"));
        assert_eq!(
            check(json("$", Demand::Exists(true)), "Sorry!").unwrap_err(),
            "expect.json: the answer is not JSON"
        );
    }

    #[test]
    fn text_is_only_asked_for_where_it_is_looked_at() {
        let needs = |one| Expectations::new(vec![one]).needs_text();
        assert!(!needs(Expectation::MinChunks(1)) && !needs(Expectation::MaxTtfc(SECOND)));
        assert!(needs(Expectation::NotEmpty) && needs(Expectation::Contains("x".into())));
        assert!(!Expectations::default().needs_text());
    }
}
