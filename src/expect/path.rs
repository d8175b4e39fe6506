//! Where in a JSON document a value stands: `$.a.b[0]` or the JSON Pointer `/a/b/0`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A path to one value. It reads itself from either notation and keeps the one it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    written: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A field, or (in a pointer, which does not tell) an item by its number.
    Name(String),
    Item(usize),
}

/// Why a text is not a path: one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(String);

impl JsonPath {
    /// The value that stands there.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(document, |value, step| match (step, value) {
            (Step::Name(name), Value::Object(fields)) => fields.get(name),
            (Step::Name(name), Value::Array(items)) if is_number(name) => {
                items.get(name.parse::<usize>().ok()?)
            }
            (Step::Item(item), Value::Array(items)) => items.get(*item),
            _ => None,
        })
    }
}

/// A number as a JSON Pointer writes one: without leading zeros.
fn is_number(name: &str) -> bool {
    name == "0" || !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for JsonPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let steps = match text.strip_prefix('$') {
            Some(rest) => dotted(text, rest)?,
            None if text.is_empty() || text.starts_with('/') => text
                .split('/')
                .skip(1)
                .map(|part| Step::Name(part.replace("~1", "/").replace("~0", "~")))
                .collect(),
            None => {
                return Err(PathError(format!(
                    "`{text}` is not a path: write `$.name.other[0]` or `/name/other/0`"
                )));
            }
        };
        Ok(Self { written: text.to_owned(), steps })
    }
}

/// The steps after `$`: `.name`, `['any name']`, `[0]`.
fn dotted(whole: &str, mut rest: &str) -> Result<Vec<Step>, PathError> {
    let wrong = |what: &str| PathError(format!("`{whole}` is not a path: {what}"));
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() || name.contains(['*', '?']) {
                return Err(wrong("a name stands after each dot; there are no wildcards"));
            }
            steps.push(Step::Name(name.to_owned()));
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix('[') {
            let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let (step, after) = match quote {
                Some(quote) => {
                    let end = after[1..].find(quote).ok_or_else(|| wrong("a quote is missing"))?;
                    let (name, after) = (&after[1..=end], &after[end + 2..]);
                    (Step::Name(name.to_owned()), after)
                }
                None => {
                    let end = after.find(']').ok_or_else(|| wrong("a `]` is missing"))?;
                    let item = after[..end].parse();
                    let item = item.map_err(|_| wrong("between brackets stands a number"))?;
                    (Step::Item(item), &after[end..])
                }
            };
            steps.push(step);
            rest = after.strip_prefix(']').ok_or_else(|| wrong("a `]` is missing"))?;
        } else {
            return Err(wrong("a dot or a bracket stands between names"));
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_notations_find_the_same_value() {
        let document = json!({"a": {"b": [1, {"c d": 2}]}, "x/y": 3, "": 4});
        for (path, found) in [
            ("$", Some(&document)),
            ("", Some(&document)),
            ("$.a.b[0]", Some(&json!(1))),
            ("/a/b/0", Some(&json!(1))),
            ("$.a.b[1]['c d']", Some(&json!(2))),
            ("$['x/y']", Some(&json!(3))),
            ("/x~1y", Some(&json!(3))),
            ("/", Some(&json!(4))),
            ("/a/b/00", None),
            ("$.a.c", None),
            ("$.a[0]", None),
        ] {
            assert_eq!(path.parse::<JsonPath>().unwrap().find(&document), found, "{path}");
        }
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for text in ["a.b", "$a", "$.", "$..a", "$.a[", "$.a[x]", "$['a", "$.*", "$['a'x"] {
            assert!(text.parse::<JsonPath>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_path_or_refused(text in "[$./\\[\\]'\"a-z0é*]{0,12}") {
            let _ = text.parse::<JsonPath>();
        }
    }
}
