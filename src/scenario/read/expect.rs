//! `expect`: what an answer has to be.

use std::path::Path;
use std::time::Duration;

use regex::Regex;
use serde_json::Value as Json;

use super::super::checker::Checker;
use super::super::document::{Node, SyntaxProblem, Value, parse};
use super::super::fields::{EXPECT, EXPECT_JSON, names};
use super::super::problem::{Problem, Problems};
use super::super::surroundings::Imagined;
use super::Reading;
use crate::expect::{Demand, Expectation, Expectations, JsonPath};

const FIELDS: [&str; EXPECT.len()] = names(EXPECT);
const JSON_FIELDS: [&str; EXPECT_JSON.len()] = names(EXPECT_JSON);
const COUNT: std::ops::Range<u64> = 1..u64::MAX;

/// What a bound becomes.
type Made<T> = fn(T) -> Expectation;

/// Reads expectations from a text of their own, YAML or JSON: the `expect` of a row, say. `label` is
/// what problems call it.
///
/// # Errors
/// Everything that is wrong with them, in order of place.
pub fn expectations(label: &str, text: &str) -> Result<Expectations, Problems> {
    let mut checker = Checker::new();
    let source = checker.add_source(label, text, false);
    let root = match parse(source, text, 0) {
        Ok(root) => root,
        Err(SyntaxProblem { problem, place }) => {
            checker.note(&place, problem);
            return Err(checker.into_problems());
        }
    };
    let mut reading =
        Reading { checker, world: &Imagined::default(), base_dir: Path::new(""), recorded: false };
    match reading.expect(&root, "expect") {
        Some(expectations) if reading.checker.is_clean() => Ok(expectations),
        _ => Err(reading.checker.into_problems()),
    }
}

impl Reading<'_> {
    pub(super) fn expect(&mut self, node: &Node, path: &str) -> Option<Expectations> {
        let fields = self.checker.fields(node, path, &FIELDS)?;
        let at = |name: &str| format!("{path}.{name}");
        let mut all = Vec::new();
        let mut complete = true;
        for (part, path) in each(fields.get("contains"), &at("contains")) {
            let text = self.checker.text(part, &path);
            complete &= text.is_some();
            all.extend(text.map(Expectation::Contains));
        }
        for (part, path) in each(fields.get("matches"), &at("matches")) {
            let pattern = self.pattern(part, &path);
            complete &= pattern.is_some();
            all.extend(pattern.map(Expectation::Matches));
        }
        for (part, path) in each(fields.get("json"), &at("json")) {
            let demand = self.expect_json(part, &path);
            complete &= demand.is_some();
            all.extend(demand.map(|(place, demand)| Expectation::Json(place, demand)));
        }
        let counts: [(&str, Made<u64>); 4] = [
            ("min_chunks", Expectation::MinChunks),
            ("max_chunks", Expectation::MaxChunks),
            ("min_bytes", Expectation::MinBytes),
            ("max_bytes", Expectation::MaxBytes),
        ];
        for (name, make) in counts {
            if let Some(node) = fields.get(name) {
                let count = self.checker.number(node, &at(name), COUNT);
                complete &= count.is_some();
                all.extend(count.map(make));
            }
        }
        for (least, most) in [("min_chunks", "max_chunks"), ("min_bytes", "max_bytes")] {
            if let (Some(low), Some(high)) = (fields.get(least), fields.get(most))
                && let (Value::Word(low), Value::Word(text)) = (&low.value, &high.value)
                && let (Ok(low), Ok(bound)) = (low.parse::<u64>(), text.parse::<u64>())
                && low > bound
            {
                let problem = Problem::new(format!("`{most}` is below `{least}`"))
                    .with_help("no answer could have both");
                self.checker.note(&high.place, problem);
                complete = false;
            }
        }
        let spans: [(&str, Made<Duration>); 2] =
            [("max_ttfc", Expectation::MaxTtfc), ("max_total", Expectation::MaxTotal)];
        for (name, make) in spans {
            if let Some(node) = fields.get(name) {
                let span = self.positive(node, &at(name));
                complete &= span.is_some();
                all.extend(span.map(make));
            }
        }
        if let Some(node) = fields.get("not_empty") {
            let wanted: Option<bool> = self.checker.choice(node, &at("not_empty"));
            complete &= wanted.is_some();
            all.extend((wanted == Some(true)).then_some(Expectation::NotEmpty));
        }
        if let (Value::Map(entries), true) = (&node.value, complete)
            && entries.is_empty()
        {
            let problem = Problem::new(format!("`{path}` expects nothing"))
                .with_help("write what the answer has to be, as in `{ contains: refund }`");
            self.checker.note(node.head(), problem);
            return None;
        }
        complete.then(|| Expectations::new(all))
    }

    fn pattern(&mut self, node: &Node, path: &str) -> Option<Regex> {
        let text = self.checker.text(node, path)?;
        match Regex::new(&text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                // Its own lines draw the pattern once more; the last says what is wrong.
                let whole = error.to_string();
                let why = whole.lines().last().unwrap_or("").trim_start_matches("error: ");
                let problem = Problem::new(format!("`{path}` is not a regular expression: {why}"))
                    .with_help("put it in single quotes, so that YAML keeps its backslashes");
                self.checker.note(&node.place, problem);
                None
            }
        }
    }

    fn expect_json(&mut self, node: &Node, path: &str) -> Option<(JsonPath, Demand)> {
        let fields = self.checker.fields(node, path, &JSON_FIELDS)?;
        let Some(place) = fields.get("path") else {
            let problem = Problem::new(format!("`{path}` has no `path`"))
                .with_help("say where in the answer, as in `path: $.status`");
            self.checker.missing(fields, "path", problem);
            return None;
        };
        let place = self.checker.parsed(place, &format!("{path}.path"))?;
        let demand = match (fields.get("exists"), fields.get("equals")) {
            (Some(_), Some(equals)) => {
                let problem = Problem::new(format!("`{path}` has both `exists` and `equals`"))
                    .with_help("keep `equals`: what equals something exists");
                self.checker.note(equals.head(), problem);
                return None;
            }
            (Some(node), None) => {
                Demand::Exists(self.checker.choice(node, &format!("{path}.exists"))?)
            }
            (None, Some(node)) => Demand::Equals(self.json(node)),
            (None, None) => Demand::Exists(true),
        };
        Some((place, demand))
    }

    /// What stands there, as JSON: `5` is a number, `"5"` a text.
    fn json(&self, node: &Node) -> Json {
        match &node.value {
            Value::Empty => Json::Null,
            Value::Word(text) => {
                let quoted = self.checker.written(&node.place).starts_with(['"', '\'', '|', '>']);
                let plain = serde_json::from_str(text).ok().filter(|_| !quoted);
                plain.unwrap_or_else(|| Json::String(text.clone()))
            }
            Value::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(name, node)| (name.clone(), self.json(node))).collect()
            }
        }
    }
}

/// A list's items, or a single value as a list of one; each with its path.
fn each<'n>(node: Option<&'n Node>, path: &str) -> Vec<(&'n Node, String)> {
    match node.map(|node| (node, &node.value)) {
        None => Vec::new(),
        Some((_, Value::List(items))) if !items.is_empty() => {
            (0..).zip(items).map(|(at, item): (usize, _)| (item, format!("{path}[{at}]"))).collect()
        }
        Some((node, _)) => vec![(node, path.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::Answer;

    #[test]
    fn expectations_are_read_from_a_row_as_from_a_scenario() {
        let row = r#"{"contains": ["a", "b"], "json": {"path": "$.n", "equals": "5"}}"#;
        let expected = expectations("row 7", row).unwrap();
        let check = |text| {
            let answer = Answer::new(text, 1, 9, None, Duration::ZERO);
            expected.check(&answer).map_err(|broken| broken.to_string())
        };
        assert_eq!(check(r#"{"a": "b", "n": "5"}"#), Ok(()));
        let why = check(r#"{"a": "b", "n": 5}"#).unwrap_err();
        assert_eq!(why, r#"expect.json: what is at $.n is not "5""#);
        let problems = expectations("row 7", r#"{"contain": "a"}"#).unwrap_err().to_string();
        assert!(problems.contains("did you mean `contains`?"), "{problems}");
        assert!(problems.contains("row 7:1:2"), "{problems}");
        assert!(expectations("row 7", "[").is_err());
        assert!(expectations("row 7", "{}").is_err());
    }
}
