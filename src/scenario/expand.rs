//! `${VAR}` and `${VAR:-default}` in `target`: the only place that reads the environment.

use super::checker::Checker;
use super::document::{Node, Value};
use super::problem::Problem;
use super::surroundings::Surroundings;

/// A copy of the tree in which every `${…}` is replaced; what cannot be is noted.
pub(super) fn expanded(node: &Node, checker: &mut Checker, world: &dyn Surroundings) -> Node {
    let value = match &node.value {
        Value::Word(text) if text.contains("${") => Value::Word(expand(text, node, checker, world)),
        Value::List(items) => {
            Value::List(items.iter().map(|item| expanded(item, checker, world)).collect())
        }
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), expanded(value, checker, world)))
                .collect(),
        ),
        other => other.clone(),
    };
    Node { value, place: node.place.clone(), key_place: node.key_place.clone() }
}

fn expand(text: &str, node: &Node, checker: &mut Checker, world: &dyn Surroundings) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            let place = checker.narrowed(&node.place, "${");
            checker.note(&place, Problem::new("`${` has no closing `}`"));
            return out;
        };
        rest = after;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let place = checker.narrowed(&node.place, &format!("${{{inside}}}"));
        if !is_variable_name(name) {
            checker.note(
                &place,
                Problem::new(format!("`{name}` is not the name of an environment variable"))
                    .with_help("write `${NAME}` or `${NAME:-default}`"),
            );
            continue;
        }
        match (world.var(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => checker.note(
                &place,
                Problem::new(format!("the environment variable `{name}` is not set"))
                    .with_help(format!("set it, or give a default: `${{{name}:-default}}`")),
            ),
        }
    }
    out.push_str(rest);
    out
}

/// Whether a shell would take this as the name of a variable.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
