//! The JSON Schema of the scenario file, made from the table of its fields.

use serde_json::{Map, Value, json};

use super::fields::{Field, Kind, SCENARIO};

/// `${NAME}` or `${NAME:-default}`: what may stand for any value inside `target`.
const VARIABLE: &str = r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}";

/// The schema (draft 7, which editors know best). It accepts every scenario that is read; what
/// only makes sense together is checked by `streamgauge plan` alone.
pub fn schema() -> Value {
    let mut schema = map(SCENARIO, false);
    let head = [
        ("$schema", json!("http://json-schema.org/draft-07/schema#")),
        ("title", json!("Streamgauge scenario")),
        ("description", json!("Who is asked, by whom, what, and how much at once")),
        ("anyOf", json!([{ "required": ["sessions"] }, { "required": ["scenarios"] }])),
    ];
    for (name, value) in head {
        schema.insert(name.into(), value);
    }
    Value::Object(schema)
}

/// A map with these fields and no other.
fn map(fields: &[Field], variables: bool) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in fields {
        let variables = variables || field.name == "target";
        let mut schema = kind(&field.kind, variables);
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".into(), json!(field.doc));
            if let Some(default) = field.default {
                schema.insert("default".into(), written(default, &field.kind));
            }
        }
        properties.insert(field.name.into(), schema);
    }
    let required: Vec<&str> =
        fields.iter().filter(|one| one.required).map(|one| one.name).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("additionalProperties".into(), json!(false));
    schema.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    schema
}

/// A default as a value of its kind.
fn written(default: &str, kind: &Kind) -> Value {
    match kind {
        Kind::Whole(..) | Kind::CountOrShare | Kind::Truth => {
            serde_json::from_str(default).unwrap_or_else(|_| json!(default))
        }
        _ => json!(default),
    }
}

fn kind(of: &Kind, variables: bool) -> Value {
    match of {
        Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Whole(least, most) => {
            let mut number = json!({ "type": "integer", "minimum": least });
            if *most < u64::MAX {
                number["maximum"] = json!(most);
            }
            // Digits may be grouped: 1_000_000.
            json!({ "anyOf": [number, { "type": "string", "pattern": "^[0-9][0-9_]*$" }] })
        }
        // Nothing needs no unit.
        Kind::Span => json!({ "anyOf": [pattern(SPAN, variables), { "const": 0 }] }),
        Kind::Delay => {
            let delay = format!(r"({SPAN}|\s*(uniform|exp|lognormal)\s*\(.+\)\s*)");
            json!({ "anyOf": [pattern(&delay, variables), { "const": 0 }] })
        }
        Kind::Rate => pattern(r"\s*[0-9.]+\s*/\s*(s|sec|second|m|min|minute|h|hour)\s*", variables),
        Kind::Arrivals => pattern(r"\s*(even|poisson|gamma\s*\(.+\))\s*", variables),
        Kind::CountOrShare => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%?\s*$" },
        ]}),
        Kind::Truth => json!({ "type": "boolean" }),
        Kind::Word(words) => {
            let words = json!({ "enum": words() });
            match variables {
                true => json!({ "anyOf": [words, pattern("", true)] }),
                false => words,
            }
        }
        Kind::Any => json!({}),
        Kind::Map(fields) => Value::Object(map(fields, variables)),
        Kind::OneOf(fields) => {
            let mut schema = map(fields, variables);
            schema.insert("minProperties".into(), json!(1));
            schema.insert("maxProperties".into(), json!(1));
            Value::Object(schema)
        }
        Kind::Named(inner) => {
            json!({ "type": "object", "additionalProperties": kind(inner, variables) })
        }
        Kind::List(inner) => json!({ "type": "array", "items": kind(inner, variables) }),
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|one| kind(one, variables)).collect();
            json!({ "anyOf": kinds })
        }
        Kind::Nothing => json!({ "type": "null" }),
    }
}

const SPAN: &str = r"\s*(0|([0-9.]+(ns|us|µs|ms|s|m|h)\s*)+)\s*";

fn pattern(pattern: &str, variables: bool) -> Value {
    let whole = match variables {
        true if pattern.is_empty() => format!("^.*{VARIABLE}.*$"),
        true => format!("^({pattern}|.*{VARIABLE}.*)$"),
        false => format!("^{pattern}$"),
    };
    json!({ "type": "string", "pattern": whole })
}
