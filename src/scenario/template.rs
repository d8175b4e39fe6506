//! Templates of messages and user ids: what they may name, and whether they can be rendered.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::model::Row;
use super::random;

/// Whether a text has anything to render; one that has not is sent as it stands.
pub fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// The one setting of the template language: an undefined name is an error, and no byte of the
/// text is lost (minijinja would take away the last line's end).
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The default delimiters are always a valid syntax.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    random::add(&mut environment);
    environment
}

/// The user as templates see them: `index` from 0, the fields of their row, and `id` where it is
/// known already (it is not while it is being made).
pub fn user_value(index: usize, row: Option<&Row>, id: Option<&str>) -> Value {
    let mut entries = row.map(row_entries).unwrap_or_default();
    entries.push(("index".into(), Value::from(index)));
    if let Some(id) = id {
        entries.push(("id".into(), Value::from(id)));
    }
    map(entries)
}

/// The session as templates see it.
pub fn session_value(number: u64, name: &str, id: &str) -> Value {
    map([("number", Value::from(number)), ("name", Value::from(name)), ("id", Value::from(id))])
}

/// All that a message's template may name.
#[derive(Debug)]
pub struct Names<'a> {
    /// From [`user_value`].
    pub user: Value,
    /// From [`session_value`].
    pub session: Value,
    /// Position of the message in its session, from 1.
    pub turn: u32,
    /// Rows by the names of their feeders.
    pub data: Value,
    /// Environment variables that the scenario names.
    pub env: &'a BTreeMap<String, String>,
    /// The answer to the turn before, where there is one.
    pub previous: Option<&'a str>,
    /// What random values follow from.
    pub chance: u64,
}

impl Names<'_> {
    /// The values as a context.
    pub fn context(self) -> Value {
        let env = self.env.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str())));
        let previous = self.previous.map(|text| ("text", Value::from(text)));
        map([
            ("user", self.user),
            ("session", self.session),
            ("turn", Value::from(self.turn)),
            ("data", self.data),
            ("env", map(env)),
            ("previous", map(previous)),
            (random::CHANCE, random::value(self.chance)),
        ])
    }
}

/// Whether a template names the answer to the turn before.
pub fn uses_previous(text: &str) -> bool {
    let names = names(text).unwrap_or_default();
    names.iter().any(|name| name.split('.').next() == Some("previous"))
        || mentions(text, "previous")
}

/// Whether a name stands in a text as a whole. minijinja's analysis passes over what is sliced, as
/// in `{{ previous.text[:20] }}`, so that its list of names alone is not enough.
fn mentions(text: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(|c| inside(c) || c == '.')
            && !text[at + name.len()..].starts_with(inside)
    })
}

/// One row as templates see it.
pub fn row_value(row: &Row) -> Value {
    map(row_entries(row))
}

/// Values by name.
pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    let entries = entries.into_iter().map(|(name, value)| (name.into(), value));
    Value::from(entries.collect::<BTreeMap<String, Value>>())
}

fn row_entries(row: &Row) -> Vec<(String, Value)> {
    row.iter().map(|(name, value)| (name.clone(), json_value(value))).collect()
}

fn json_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .unwrap_or_else(|| Value::from(number.as_f64())),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from_iter(items.iter().map(json_value)),
        Json::Object(row) => row_value(row),
    }
}

/// A template that could be compiled, and the names it takes from outside, with their dots.
pub(super) fn names(text: &str) -> Result<BTreeSet<String>, minijinja::Error> {
    let environment = environment();
    let template = environment.template_from_str(text)?;
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    Ok(template
        .undeclared_variables(true)
        .into_iter()
        .filter(|name| !globals.contains(&name.split('.').next().unwrap_or("")))
        .collect())
}

/// Why a template could not be read or rendered, without its text.
pub fn sentence(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// Whether a template takes a row of this feeder: it names `data.NAME`, or `data` as a whole.
pub fn uses_feeder(text: &str, feeder: &str) -> bool {
    names(text).unwrap_or_default().iter().any(|name| {
        let mut parts = name.split('.');
        parts.next() == Some("data") && parts.next().is_none_or(|part| part == feeder)
    }) || mentions(text, &format!("data.{feeder}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(turn: u32, data: Value) -> Value {
        let (user, session) = (Value::UNDEFINED, Value::UNDEFINED);
        let env = &BTreeMap::new();
        Names { user, session, turn, data, env, previous: None, chance: 0 }.context()
    }

    #[test]
    fn a_rendered_text_keeps_its_line_ends() {
        let rendered = environment().render_str("{{ turn }}\n\n", named(3, Value::UNDEFINED));
        assert_eq!(rendered.unwrap(), "3\n\n");
    }

    #[test]
    fn names_come_with_their_dots_and_without_what_the_language_brings() {
        let found = names("{{ data.order.number }}{% for i in range(3) %}{{ i }}{% endfor %}");
        assert_eq!(found.unwrap().into_iter().collect::<Vec<_>>(), ["data.order.number"]);
    }

    #[test]
    fn a_name_that_is_sliced_is_found_as_well() {
        assert!(uses_previous("{{ previous.text[:20] }}") && !uses_previous("{{ previously }}"));
        assert!(uses_feeder("{{ data.order.number[1:] }}", "order"));
        assert!(!uses_feeder("{{ data.orders.number[1:] }}", "order"));
        assert!(!uses_feeder("{{ x.data.order }}", "order"));
    }

    #[test]
    fn json_keeps_its_types_in_templates() {
        let row: Row = serde_json::from_str(r#"{"n": 5, "list": ["a"], "f": 1.5}"#).unwrap();
        let data = map([("x", row_value(&row))]);
        let context = named(1, data);
        let text = "{{ data.x.n + 1 }} {{ data.x.list[0] }} {{ data.x.f }}";
        assert_eq!(environment().render_str(text, context).unwrap(), "6 a 1.5");
    }
}
