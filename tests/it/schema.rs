//! The schema of the scenario: editors see what the readers take, and nothing else. And the two
//! other commands that only write: a first scenario, and completions.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};
use streamgauge::cli::init::FIRST;
use streamgauge::scenario::{Imagined, Overrides, load, schema};

use crate::support::command;

/// What is wrong with `value`, by as much of JSON Schema as the schema uses.
fn wrong(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let rules = schema.as_object().unwrap();
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "$schema" | "title" | "description" | "default" => true,
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|one| is_of(value, one)),
                one => is_of(value, one),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "const" => wanted == value,
            "pattern" => value
                .as_str()
                .is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
            "minimum" => value.as_u64().is_none_or(|number| number >= wanted.as_u64().unwrap()),
            "maximum" => value.as_u64().is_none_or(|number| number <= wanted.as_u64().unwrap()),
            "minProperties" => {
                value.as_object().is_none_or(|map| map.len() as u64 >= wanted.as_u64().unwrap())
            }
            "maxProperties" => {
                value.as_object().is_none_or(|map| map.len() as u64 <= wanted.as_u64().unwrap())
            }
            "required" => value.as_object().is_none_or(|map| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|name| map.contains_key(name.as_str().unwrap()))
            }),
            "anyOf" => {
                wanted.as_array().unwrap().iter().any(|one| wrong(one, value, path).is_empty())
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(wrong(wanted, item, &format!("{path}[{at}]")));
                }
                true
            }
            "properties" | "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    let at = format!("{path}.{name}");
                    match known.and_then(|known| known.get(name)) {
                        Some(one) if rule == "properties" => found.extend(wrong(one, value, &at)),
                        Some(_) => {}
                        None if rule == "properties" => {}
                        None if *wanted == json!(false) => found.push(format!("{at} is unknown")),
                        None => found.extend(wrong(wanted, value, &at)),
                    }
                }
                true
            }
            other => panic!("the schema uses {other}, which this test does not know"),
        };
        if !holds {
            found.push(format!("{path}: {value} breaks {rule}"));
        }
    }
    found
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema names the type {other}"),
    }
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn every_scenario_of_the_repository_is_good_by_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = schema();
    let mut texts = vec![("init".to_owned(), FIRST.to_owned())];
    for entry in std::fs::read_dir(root.join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            texts.push((path.display().to_string(), std::fs::read_to_string(path).unwrap()));
        }
    }
    for document in ["README.md", "docs/scenario.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            // Blocks that show a part are completed as they are where they are read.
            let mut block = block.to_owned();
            for (key, line) in [
                ("target:", "target: { url: embedded }\n"),
                ("sessions:", "sessions: [{ messages: [Hi] }]\n"),
            ] {
                if !block.lines().any(|line| line.starts_with(key)) {
                    block.push_str(line);
                }
            }
            texts.push((document.to_owned(), block));
        }
    }
    assert!(texts.len() > 15, "found {}", texts.len());
    for (name, text) in texts {
        let found = wrong(&schema, &yaml(&text), "");
        assert!(found.is_empty(), "{name}: {found:#?}\n{text}");
    }
}

#[test]
fn what_an_editor_should_mark_is_wrong_by_the_schema() {
    let schema = schema();
    let small = "target: { url: embedded }\nsessions: [{ messages: [a] }]\n";
    assert!(wrong(&schema, &yaml(small), "").is_empty());
    for more in [
        "tagret: x",
        "drain: 5",
        "drain: soon",
        "warmup: [1s]",
        "on_error: stop",
        "load: { once: {}, closed: { users: 1, duration: 1s } }",
        "load: {}",
        "load: { closed: { users: 0, duration: 1s } }",
        "load: { open: { rate: 5, duration: 1s } }",
        "expect: { contain: x }",
        "expect: { json: { exists: true } }",
        "users: { count: many }",
        "data: { o: { pick: random } }",
        "limits: { retries: 101 }",
    ] {
        let found = wrong(&schema, &yaml(&format!("{small}{more}\n")), "");
        assert!(!found.is_empty(), "{more}");
    }
    assert!(!wrong(&schema, &yaml("sessions: [{ messages: [a] }]"), "").is_empty(), "no target");
}

/// Every map of the schema whose fields are known, with its path.
fn maps(schema: &Value, path: &str, found: &mut Vec<(String, BTreeSet<String>)>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        found.push((path.to_owned(), fields.keys().cloned().collect()));
        for (name, schema) in fields {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            maps(schema, &at, found);
        }
    }
    if let Some(items) = schema.get("items") {
        maps(items, &format!("{path}[0]"), found);
    }
    if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
        maps(inner, &format!("{path}.any"), found);
    }
    for one in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        maps(one, path, found);
    }
}

#[test]
fn the_readers_know_the_fields_of_the_schema_and_no_others() {
    let mut all = Vec::new();
    maps(&schema(), "", &mut all);
    assert!(all.len() > 20, "found {}", all.len());
    let sessions = "sessions: [{ setup: [{ text: a }], messages: [{ text: a }], \
                    closing: [{ text: a }] }]";
    let alone = format!("target: {{ url: embedded }}\n{sessions}\n");
    let listed = format!("target: {{ url: embedded }}\nscenarios: [{{ {sessions} }}]\n");
    for (path, fields) in all {
        let text = if path.starts_with("scenarios[0].") { &listed } else { &alone };
        let set = vec![match path.strip_suffix("[0]") {
            Some(list) => format!("{list}=[{{ qqqqqqqqqqqq: 1 }}]"),
            None if path.is_empty() => "qqqqqqqqqqqq=1".to_owned(),
            None => format!("{path}.qqqqqqqqqqqq=1"),
        }];
        let overrides = Overrides { set, ..Overrides::default() };
        let world = Imagined::new();
        let problems = load("x.yaml", text, Path::new(""), &overrides, &world).unwrap_err();
        let problem = problems.iter().find(|one| one.message().contains("qqqqqqqqqqqq"));
        let help = problem.unwrap_or_else(|| panic!("{path}: {problems}")).help().unwrap();
        let known: BTreeSet<String> =
            help.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(known, fields, "`{path}`");
    }
}

#[test]
fn the_commands_that_only_write_write() {
    let schema_out = command(&["schema"]).output().unwrap();
    assert_eq!(schema_out.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<Value>(&schema_out.stdout).unwrap(), schema());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = command(&["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("agent") && script.contains("duration"), "{shell}");
    }
    assert_eq!(command(&["completions", "cmd"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_first_scenario_is_written_once_and_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first.yaml");
    let path = path.to_str().unwrap();
    let written = command(&["init", path]).output().unwrap();
    assert_eq!(written.status.code(), Some(0));
    assert!(written.stdout.is_empty(), "standard output is for data");
    assert_eq!(std::fs::read_to_string(path).unwrap(), FIRST);
    let again = command(&["init", path]).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8(again.stderr).unwrap().contains("is there already"));
    assert_eq!(std::fs::read_to_string(path).unwrap(), FIRST, "as it was");
    assert_eq!(command(&["init", "-"]).output().unwrap().stdout, FIRST.as_bytes());
    assert_eq!(command(&["plan", path]).output().unwrap().status.code(), Some(0));
    let nowhere = folder.path().join("none/x.yaml");
    let nowhere = command(&["init", nowhere.to_str().unwrap()]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
}
