//! What is refused: with its place, and a way out. `^` stands before the place.

use std::path::Path;

use serde_json::{Value, json};
use streamgauge::scenario::{self, Imagined, Overrides};

use super::read;

/// A scenario with one mistake; `^` before the place where it is reported.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "^tagret: { url: embedded }\nsessions: [{ messages: [a] }]",
        "unknown field `tagret`",
        "did you mean `target`?",
    ),
    (
        "target: { url: embedded, ^color: red }\nsessions: [{ messages: [a] }]",
        "unknown field `color` in `target`",
        "its fields are `url`",
    ),
    (
        "^target: { agent_id: x }\nsessions: [{ messages: [a] }]",
        "`target` has no `url`",
        "embedded",
    ),
    (
        "^target: { url: https://h.example }\nsessions: [{ messages: [a] }]",
        "`target` has no `agent_id`",
        "--agent-id",
    ),
    (
        "target: { agent_id: x, url: ^ftp://h }\nsessions: [{ messages: [a] }]",
        "`ftp` cannot be asked",
        "https://",
    ),
    (
        "target: { url: ^embeded }\nsessions: [{ messages: [a] }]",
        "not a URL",
        "did you mean `embedded`?",
    ),
    (
        "target: { agent_id: x, url: \"https://^${NOPE}/x\" }\nsessions: [{ messages: [a] }]",
        "`NOPE` is not set",
        "${NOPE:-default}",
    ),
    (
        "target: { url: embedded, protocol: ^lyzr-v4 }\nsessions: [{ messages: [a] }]",
        "cannot be `lyzr-v4`",
        "did you mean `lyzr-v2`?",
    ),
    (
        "target: { url: embedded, timeouts: { idle: ^30 } }\nsessions: [{ messages: [a] }]",
        "`target.timeouts.idle`: `30` has no unit",
        "",
    ),
    (
        "target: { url: embedded, headers: { ^\"a b\": c } }\nsessions: [{ messages: [a] }]",
        "not the name of a header",
        "letters",
    ),
    ("target: { url: embedded }\n^sessions: []", "empty list", "at least one"),
    ("^target: { url: embedded }", "the scenario has no `sessions`", "sessions:"),
    ("target: { url: embedded }\nsessions: [{ ^messages: [] }]", "empty list", "at least one item"),
    (
        "target: { url: embedded }\nsessions:\n  - ^name: a",
        "`sessions[0]` says nothing",
        "from: prompts.jsonl",
    ),
    (
        "target: { url: embedded }\nsessions:\n  - { messages: [a], ^from: good.jsonl }",
        "either `messages` or `from`",
        "two sessions",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], weight: ^0 }]",
        "out of range",
        "from 1 to",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], weight: ^lots }]",
        "wants a whole number",
        "in digits",
    ),
    (
        "target: { url: embedded }\nsessions:\n  - { name: a, messages: [a] }\n  - { name: ^a, messages: [b] }",
        "two sessions are named `a`",
        "its own",
    ),
    (
        "target: { url: embedded }\nsessions: [{ from: ^none.jsonl }]",
        "dir/none.jsonl cannot be read: there is no such file",
        "folder of the scenario",
    ),
    (
        "target: { url: embedded }\nsessions: [{ from: ^good.xlsx }]",
        "does not say what it is",
        ".jsonl",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^data.ordr.number }}\"] }]\ndata: { order: { from: orders.csv } }",
        "names `data.ordr.number`",
        "did you mean `data.order.number`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^data.order.nmber }}\"] }]\ndata: { order: { from: orders.csv } }",
        "names `data.order.nmber`",
        "did you mean `data.order.number`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^usr.index }}\"] }]",
        "names `usr.index`",
        "did you mean `user.index`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ user.^index\"] }]",
        "not a template",
        "literal braces",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [^\"{{ turn | shout }}\"] }]",
        "cannot be rendered",
        "`upper`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [^\"{{ data.r.a }}\"] }]\ndata: { r: { from: ragged.jsonl } }",
        "with row 2 of ragged.jsonl",
        "default(",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [{ text: a, ^expects: { contains: x } }] }]",
        "unknown field `expects`",
        "did you mean `expect`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [{ text: a, expect: { ^contain: x } }] }]",
        "unknown field `contain` in `sessions[0].messages[0].expect`",
        "did you mean `contains`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [{ text: a, ^expect: {} }] }]",
        "expects nothing",
        "contains: refund",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], ^expect: refund }]",
        "`sessions[0].expect` wants a map",
        "`contains`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], expect: { contains: [x, ^\"\"] } }]",
        "`sessions[0].expect.contains[1]` is an empty text",
        "take it away",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { matches: ^'(a' }",
        "`expect.matches` is not a regular expression: unclosed group",
        "single quotes",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { min_chunks: ^0 }",
        "`expect.min_chunks` is out of range",
        "at least 1",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { min_bytes: ^some }",
        "wants a whole number",
        "in digits",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { min_chunks: 5, max_chunks: ^4 }",
        "`max_chunks` is below `min_chunks`",
        "both",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { max_ttfc: ^2 }",
        "`expect.max_ttfc`: `2` has no unit",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { max_total: ^0s }",
        "`expect.max_total` has to be above zero",
        "as in `2s`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { not_empty: ^maybe }",
        "`expect.not_empty` cannot be `maybe`",
        "`true` or `false`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { ^json: { exists: true } }",
        "`expect.json` has no `path`",
        "path: $.status",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { json: { path: ^a.b } }",
        "is not a path",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { json: { path: $.a, exists: true, ^equals: 5 } }",
        "has both `exists` and `equals`",
        "keep `equals`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { json: [{ path: $.a, ^equal: 5 }] }",
        "unknown field `equal` in `expect.json[0]`",
        "did you mean `equals`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], ^setup: [] }]",
        "`sessions[0].setup` is an empty list",
        "at least one item",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], closing: [^{ think: 1s }] }]",
        "`sessions[0].closing[0]` has no `text`",
        "write what is said",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], on_error: ^stop }]",
        "`sessions[0].on_error` cannot be `stop`",
        "`end_session` or `continue`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], user_id: ^\"\" }]",
        "`sessions[0].user_id` is an empty text",
        "take it away",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], ^think: 2s }]",
        "`think` does not go with `messages`",
        "with its message",
    ),
    (
        "target: { url: embedded }\nsessions: [{ from: good.jsonl, message: question, ^turns: question }]",
        "either `message` or `turns`",
        "a list",
    ),
    (
        "target: { url: embedded }\nsessions: [{ from: ^system.jsonl }]",
        "this row has no messages of a user",
        "role: user",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nusers: { sessions_per_user: ^0 }",
        "out of range",
        "from 1 to",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nusers: { ^sessions_per_user: 5 }\nload: { once: {} }",
        "does not go with a load of `once`",
        "once",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\n^env: REGION",
        "`env` wants a list",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nenv: [^NOPE]",
        "`NOPE` is not set",
        "export",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nenv: [^API_TOKEN]",
        "looks like the name of a key",
        "api_key_env",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nenv: [^\"a b\"]",
        "not the name of an environment variable",
        "env: [REGION]",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^env.HOST }}\"] }]",
        "which the scenario does not ask for",
        "env: [HOST]",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^previous.text }}\"] }]",
        "no answer before it",
        "previous.text",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a, \"{{ ^previous.txt }}\"] }]",
        "names `previous.txt`",
        "did you mean `previous.text`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [^\"{{ random_int(5, 1) }}\"] }]",
        "lower number first",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^random_integer(1, 5) }}\"] }]",
        "names `random_integer`",
        "`random_int`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\ndata: { o: { from: orders.csv, ^on_end: fail } }",
        "`on_end` has no effect without `pick: unique`",
        "never run out",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\ndata: { o: { from: orders.csv, pick: unique, on_end: ^halt } }",
        "cannot be `halt`",
        "`stop` or `fail`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\ndata: { ^o: { pick: unique } }",
        "`data.o` has no `from`",
        "file",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\ndata: { ^9o: { from: orders.csv } }",
        "cannot be named in a template",
        "letters",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\non_error: ^retry",
        "`on_error` cannot be `retry`",
        "`end_session` or `continue`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nlimits: { retries: ^500 }",
        "out of range",
        "from 0 to 100",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nlimits: { requests: ^300 }",
        "is not a rate",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [{ text: a, think: ^normal(1s) }] }]",
        "is not a delay",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { once: {}, ^open: { rate: 5/s, duration: 1s } }",
        "two models: `once` and `open`",
        "keep one",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { ^closed: { users: 5 } }",
        "does not say when it ends",
        "duration: 1m",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { closed: { users: 5, duration: 1s, ^iterations: 5 } }",
        "both `duration` and `iterations`",
        "keep one",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { rate: ^5, duration: 1s } }",
        "is not a rate",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { rate: 5/s, duration: 1s, arrivals: ^poison } }",
        "`poison` is not a way to arrive: write `even`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { stages: [{ for: 5s, to: ^5/d }] } }",
        "`load.open.stages[0].to`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { ^rate: 5/s, stages: [{ for: 5s, to: 5/s }] } }",
        "both `stages` and `rate`",
        "for: 0s",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { closed: { stages: [^{ for: 5s }] } }",
        "has no `to`",
        "where it goes",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { closed: { ^stages: [{ for: 5s, to: 0 }] } }",
        "asks for nothing",
        "goes somewhere",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { replay: { from: t.jsonl, speed: ^0 } }",
        "`load.replay.speed` cannot be `0`",
        "how many times faster",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { replay: { from: t.jsonl, ^window: { from: 5s, to: 5s } } }",
        "is empty",
        "ends after it begins",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nstop_when: { errors: ^rate>x, for: 5s }",
        "`rate>x`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nstop_when: { errors: rate>5%, for: ^1500ms }",
        "`stop_when.for` cannot be 1s500ms",
        "whole seconds",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nstop_when: { errors: rate>5%, ^ttfc: max>1s }",
        "two metrics: `errors` and `ttfc`",
        "of its own",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nstop_when: [{ ^in_flight: value>5 }]",
        "cannot be stopped by `in_flight`",
        "have ended",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nwarmup: { ^turn: 5 }",
        "unknown field `turn`",
        "`turns`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { rate: 5/s, duration: 1s, ^on_overload: drop } }",
        "no effect without `max_in_flight`",
        "max_in_flight: 500",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { closed: { users: 1, duration: 5s } }\nwarmup: ^5s",
        "leaves nothing of a load of 5s",
        "inside",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nlimits: { failures: ^some }",
        "neither a count nor a share",
        "1%",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nslo: { ttfc: ^0s }",
        "above zero",
        "as in `2s`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nusers: { ^count: 5, from: orders.csv }",
        "either `count` or `from`",
        "as many users as rows",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nusers: { id: ^\"{{ user.mail }}\" }",
        "`users.id` cannot be rendered",
        "user.index",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\ndata: { order: { from: ^empty.csv } }",
        "dir/empty.csv has no rows",
        "at least one row",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\n^name:",
        "`name` is empty",
        "take the line away",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nname: ^a/b",
        "folder's name",
        "no slash",
    ),
    (
        "target: { url: embedded }\n^target: { url: embedded }\nsessions: [{ messages: [a] }]",
        "stands twice",
        "keep one",
    ),
    ("target: { url: embedded }\nsessions: ä^: b", "not YAML", "goes in quotes"),
    ("^target: embedded\nsessions: [{ messages: [a] }]", "`target` wants a map", "`url`"),
    ("target: { url: embedded }\nsessions: [{ ^messages: a }]", "wants a list of messages", "`- `"),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nthresholds: { ^tftc: [\"p(95)<1s\"] }",
        "there is no metric `tftc`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nthresholds: { ttfc: [max<1s, ^p(95)~1s] }",
        "`p(95)~1s`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ name: b, messages: [a] }]\nthresholds: { ^\"ttfc{session=c}\": max<1s }",
        "`c`",
        "",
    ),
];

/// Files that are themselves the mistake.
const ELSEWHERE: [&str; 2] = ["system.jsonl", "empty.csv"];

#[test]
fn every_mistake_is_shown_with_its_place_and_a_way_out() {
    for (marked, message, help) in MISTAKES {
        let at = marked.find('^').unwrap();
        let text = marked.replacen('^', "", 1);
        let line = marked[..at].matches('\n').count() + 1;
        let column = marked[..at].rsplit('\n').next().unwrap().chars().count() + 1;
        let problems = match read(&text, &Overrides::default()) {
            Ok(_) => panic!("accepted: {text}"),
            Err(problems) => problems,
        };
        let problem = problems.iter().next().unwrap();
        assert!(problem.message().contains(message), "expected `{message}` in\n{problems}");
        let way_out = problem.help().unwrap_or_else(|| problem.message());
        assert!(way_out.contains(help), "expected `{help}` in\n{problems}");
        let says_how = ["write", "use ", "did you mean"].iter().any(|how| way_out.contains(how));
        assert!(problem.help().is_some() || says_how, "no way out:\n{problems}");
        if ELSEWHERE.iter().any(|file| text.contains(file)) {
            // The mistake is in another file; where the scenario names it is in a note.
            let named = format!("the file is named at dir/x.yaml:{line}:{column}");
            assert!(problems.to_string().contains(&named), "{problems}");
            continue;
        }
        assert_eq!(problem.line_and_column(), Some((line, column)), "{problems}");
        assert_eq!(problems.iter().count(), 1, "one mistake, one problem:\n{problems}");
        for shown in problems.to_string().lines() {
            assert!(shown.chars().count() <= 80, "{problems}");
        }
    }
}

#[test]
fn several_mistakes_are_told_together_in_order_of_place() {
    let text = "target: { url: embedded, framing: xml }\nsessions: [{ messages: [a], weight: -1 }]\ndrain: soon\n";
    let problems = read(text, &Overrides::default()).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|one| one.line_and_column().unwrap().0).collect();
    assert_eq!(lines, [1, 2, 3], "{problems}");
}

#[test]
fn a_bad_row_names_its_file_its_line_and_where_the_file_is_named() {
    let text =
        "target: { url: embedded }\nsessions: [{ from: prompts.jsonl, message: question }]\n";
    let problems = read(text, &Overrides::default()).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "error: `question` holds a number, not a text\n \
          --> dir/prompts.jsonl:2:1\n   \
            |\n \
          2 | {\"question\": 5}\n   \
            | ^\n   \
            = note: the file is named at dir/x.yaml:2:20\n   \
            = help: a message is sent byte for byte, so it has to be a text"
            .replacen(" -->", "  -->", 1)
    );
    let text = "target: { url: embedded }\nsessions: [{ from: bad.txt }]\n";
    let problems = read(text, &Overrides::default()).unwrap_err();
    assert!(problems.to_string().contains("dir/bad.txt is not UTF-8: a stray byte in line 2"));
}

/// Places of all single values, as JSON pointers.
fn single_values(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| single_values(value, &format!("{place}/{name}"), found)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, value)| single_values(value, &format!("{place}/{at}"), found));
        }
        _ => found.push(place.to_owned()),
    }
}

#[test]
fn nonsense_in_any_field_is_refused_at_its_line_by_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/every-feature");
    let mut world = Imagined::new().with_var("REGION", "north").with_var("EXAMPLE_KEY", "k");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        world = world.with_file(name, std::fs::read(&path).unwrap());
    }
    let good = std::fs::read_to_string(folder.join("scenario.json")).unwrap();
    let good: Value = serde_json::from_str(&good).unwrap();
    let mut places = Vec::new();
    single_values(&good, "", &mut places);
    // What an answer equals may be anything.
    places.retain(|place| !place.ends_with("/equals"));
    assert!(places.len() > 100, "{places:?}");
    for place in places {
        let mut bad = good.clone();
        *bad.pointer_mut(&place).unwrap() = json!({ "nonsense": [1] });
        let text = serde_json::to_string_pretty(&bad).unwrap();
        // The value begins on the line before.
        let line = text.lines().position(|line| line.contains("nonsense")).unwrap();
        let refused = scenario::read("x.json", &text, Path::new(""), &Overrides::default(), &world);
        let problems = refused.err().unwrap_or_else(|| panic!("{place} is taken"));
        let name = place.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
        let found = problems.iter().find(|one| {
            let at = one.line_and_column().map(|(line, _)| line);
            one.label() == Some("x.json") && (at == Some(line) || at == Some(line + 1))
        });
        let problem = found.unwrap_or_else(|| panic!("{place}, line {line}:\n{problems}"));
        assert!(problem.message().contains(name), "{place}: {problem}");
        assert!(problem.help().is_some(), "{place}: {problem}");
    }
}
