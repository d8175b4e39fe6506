//! What the answers to a row have to be, as the row says it.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::expect::Expectations;
use crate::scenario::{Problem, expectations};

/// Reads a row's `expect` for its `turns` answers: an object holds for each of them, a list has one
/// entry a turn (`null` for none). In a csv cell stands the same as a text. Empty where nothing is
/// expected.
///
/// # Errors
/// One sentence on what is wrong with it.
pub(super) fn expected(value: &RawValue, turns: usize) -> Result<Arc<[Expectations]>, String> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let inner: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
            written(inner.trim(), turns)
        }
        _ => written(text, turns),
    }
}

fn written(text: &str, turns: usize) -> Result<Arc<[Expectations]>, String> {
    if text.is_empty() || text == "null" {
        return Ok(Arc::default());
    }
    if !text.starts_with('[') {
        let one = read(text)?;
        return Ok(std::iter::repeat_n(one, turns).collect());
    }
    let entries: Vec<Option<&RawValue>> =
        serde_json::from_str(text).map_err(|_| "its `expect` is not a list".to_owned())?;
    if entries.len() != turns {
        return Err(format!(
            "its `expect` is a list of {}, and it has {turns} turns: write one entry a turn, null where \
             nothing is expected",
            entries.len()
        ));
    }
    let read =
        |entry: Option<&RawValue>| entry.map_or(Ok(Expectations::default()), |one| read(one.get()));
    entries.into_iter().map(read).collect()
}

/// The places in a text of its own would say nothing of the row's line.
fn read(text: &str) -> Result<Expectations, String> {
    expectations("expect", text).map_err(|problems| {
        let sentence = |problem: &Problem| match problem.help() {
            Some(help) => format!("{} ({help})", problem.message()),
            None => problem.message().to_owned(),
        };
        let all: Vec<String> = problems.iter().map(sentence).collect();
        format!("its `expect`: {}", all.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, turns: usize) -> Result<Vec<bool>, String> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        Ok(expected(&raw, turns)?.iter().map(|one| !one.is_empty()).collect())
    }

    #[test]
    fn an_object_is_for_every_turn_and_a_list_for_one_each() {
        assert_eq!(of(r#"{"contains": "x"}"#, 2).unwrap(), [true, true]);
        assert_eq!(of(r#"[null, {"min_chunks": 2}]"#, 2).unwrap(), [false, true]);
        assert_eq!(of(r#""contains: x""#, 1).unwrap(), [true], "as in a csv cell");
        for none in ["null", "\"\"", "\" \""] {
            assert!(of(none, 2).unwrap().is_empty(), "{none}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (text, why) in [
            (r#"{"contans": "x"}"#, "contans"),
            (r#"[null]"#, "one entry a turn"),
            (r#"{}"#, "expects nothing"),
            (r#"5"#, "its `expect`"),
            (r#"{"matches": "("}"#, "its `expect`"),
        ] {
            let error = of(text, 2).unwrap_err();
            assert!(error.contains(why) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
