//! Reading scenarios: what is accepted, what is kept, and what is refused with its place.
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use streamgauge::scenario::{
    Arrivals, Content, Failures, Imagined, Load, Overrides, Pick, Problems, Scenario, TargetUrl,
    Until, from_message, load,
};

fn world() -> Imagined {
    Imagined::new()
        .with_file("dir/t.jsonl", "{\"timestamp\": 5}\n{\"timestamp\": 9}\n")
        .with_file("dir/orders.csv", "number,city\nA1,Ulm\nA2,\n")
        .with_file("dir/ragged.jsonl", "{\"a\": 1}\n{\"b\": 2}\n")
        .with_file("dir/prompts.jsonl", "{\"question\": \"x?\"}\n{\"question\": 5}\n")
        .with_file("dir/system.jsonl", "{\"messages\": [{\"role\": \"system\"}]}\n")
        .with_file("dir/good.jsonl", "{\"question\": \"x?\"}\n")
        .with_file("dir/bad.txt", b"one\ntwo\xff\n".as_slice())
        .with_file("dir/empty.csv", "message\n")
        .with_var("HOST", "agent.example")
        .with_var("API_TOKEN", "never told")
        .with_var("REGION", "eu")
}

fn read(text: &str, overrides: &Overrides) -> Result<Scenario, Problems> {
    load("dir/x.yaml", text, Path::new("dir"), overrides, &world())
}

fn good(text: &str) -> Scenario {
    read(text, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn set(set: &[&str]) -> Overrides {
    Overrides { set: set.iter().map(|one| (*one).to_owned()).collect(), ..Overrides::default() }
}

const SMALL: &str = "target: { url: embedded }\nsessions: [{ messages: [\"Hello!\"] }]\n";

/// The scenario of the design, as far as it is there today.
const FULL: &str = r#"
name: support-desk
target:
  url: https://${HOST}
  protocol: lyzr-v2
  framing: auto
  agent_id: 60d0e5
  api_key_env: MY_KEY
  headers: { X-Team: search, x-auth: "${TOKEN:-none}" }
  timeouts: { connect: 5s, first_chunk: 30s, idle: 30s, total: 5m }
users:
  count: 20
  id: "user-{{ user.index }}"
sessions:
  - name: refund
    weight: 3
    messages:
      - "I'd like a refund for order {{ data.order.number }}."
      - text: "And when will it arrive?"
        think: lognormal(2s, 0.5)
  - { name: questions, from: good.jsonl, message: question }
data: { order: { from: orders.csv, pick: shuffled } }
load:
  closed: { users: 20, duration: 1m }
warmup: 10s
drain: 5s
on_error: end_session
limits: { requests: 300/m, retries: 0, failures: 1% }
slo: { ttfc: 1s, total: 20s }
thresholds:
  ttfc: ["p(95)<800ms", "max<5s"]
  errors: "rate<1%"
  "ttfc{session=refund}": ["p(95)<1s"]
"#;

#[test]
fn a_whole_scenario_is_read() {
    let scenario = good(FULL);
    assert_eq!(scenario.name, "support-desk");
    assert_eq!(scenario.target.url, TargetUrl::Remote("https://agent.example".into()));
    assert_eq!(scenario.target.agent_id, "60d0e5", "not a number, though it looks like one");
    assert_eq!(scenario.target.headers[1], ("x-auth".into(), "none".into()));
    assert_eq!(scenario.users.ids.len(), 20);
    assert_eq!(&*scenario.users.ids[19], "user-19");
    assert_eq!(scenario.sessions[0].weight, 3);
    assert!(matches!(&scenario.sessions[1].content, Content::Rows { rows, .. } if rows.len() == 1));
    assert_eq!(scenario.data["order"].pick, Pick::Shuffled);
    let until = Until::Duration(Duration::from_secs(60));
    assert_eq!(scenario.load, Load::Closed { users: 20, until });
    assert!(matches!(scenario.limits.failures, Failures::Share(_)));
    assert_eq!(scenario.thresholds.len(), 4);
}

#[test]
fn what_is_not_said_has_its_default() {
    let scenario = good(SMALL);
    assert_eq!(scenario.name, "x", "the file's stem");
    assert_eq!(scenario.load, Load::Once { concurrency: 8 });
    assert_eq!(scenario.users.ids.len(), 8, "as many as are open at once");
    assert_eq!(scenario.drain, Duration::from_secs(30));
    assert_eq!(scenario.target.timeouts.connect, Duration::from_secs(5));
    assert_eq!(scenario.target.timeouts.total, Duration::from_secs(300));
    assert_eq!(scenario.limits.failures, Failures::Count(0));
    assert_eq!(scenario.sessions[0].name, "session-1");
}

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
    ("target: { url: embedded }\n^sessions: []", "empty list", ""),
    ("^target: { url: embedded }", "the scenario has no `sessions`", "sessions:"),
    ("target: { url: embedded }\nsessions: [{ ^messages: [] }]", "empty list", ""),
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
        "",
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
        "did you mean `data.order`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^data.order.nmber }}\"] }]\ndata: { order: { from: orders.csv } }",
        "names `data.order.nmber`",
        "did you mean `data.order.number`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ ^usr.index }}\"] }]",
        "names `usr.index`",
        "did you mean `user`?",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [\"{{ user.^index\"] }]",
        "not a template",
        "literal braces",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [^\"{{ turn | shout }}\"] }]",
        "cannot be rendered",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [^\"{{ data.r.a }}\"] }]\ndata: { r: { from: ragged.jsonl } }",
        "with row 2 of ragged.jsonl",
        "",
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
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { matches: ^'(a' }",
        "`expect.matches` is not a regular expression: unclosed group",
        "single quotes",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { min_chunks: ^0 }",
        "`expect.min_chunks` is out of range",
        "from 1 to",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a] }]\nexpect: { min_bytes: ^some }",
        "wants a whole number",
        "",
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
        "",
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
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], closing: [^{ think: 1s }] }]",
        "`sessions[0].closing[0]` has no `text`",
        "",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], on_error: ^stop }]",
        "`sessions[0].on_error` cannot be `stop`",
        "`end_session` or `continue`",
    ),
    (
        "target: { url: embedded }\nsessions: [{ messages: [a], user_id: ^\"\" }]",
        "`sessions[0].user_id` is an empty text",
        "",
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
        "",
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
        "",
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
        "",
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
        "",
        "",
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
        "",
    ),
    ("target: { url: embedded }\nsessions: ä^: b", "not YAML", ""),
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
        if text.contains("system.jsonl") {
            assert!(problem.message().contains(message), "expected `{message}` in\n{problems}");
            assert_eq!(problem.label(), Some("dir/system.jsonl"), "{problems}");
            continue;
        }
        if message.is_empty() {
            assert!(problem.to_string().contains("dir/empty.csv has no rows"), "{problem}");
            continue;
        }
        assert!(problem.message().contains(message), "expected `{message}` in\n{problems}");
        assert!(problem.help().unwrap_or("").contains(help), "expected `{help}` in\n{problems}");
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

#[test]
fn the_same_scenario_in_yaml_and_json_has_the_same_fingerprint() {
    let yaml = good(FULL);
    let json = serde_json::to_string_pretty(&yaml.resolved()).unwrap();
    let again = good(&json);
    assert_eq!(again.fingerprint(), yaml.fingerprint());
    let mut resolved = again.resolved();
    assert_eq!(resolved["target"]["headers"]["x-auth"], "***");
    resolved["target"]["headers"] = yaml.resolved()["target"]["headers"].clone();
    assert_eq!(resolved, yaml.resolved());
}

/// Everything that need not be there.
const RICH: &str = r#"
target: { url: embedded }
env: [REGION]
users: { count: 2, sessions_per_user: 3 }
on_error: continue
expect: { not_empty: true, max_ttfc: 90s }
sessions:
  - name: rich
    user_id: vip
    on_error: end_session
    expect: { contains: [a, "b: c"], matches: '^\w+"$', min_chunks: 1, max_chunks: 9 }
    setup: ["hello {{ env.REGION }}", { text: again, think: 1s }]
    messages:
      - text: "{{ data.order.number }}"
        expect:
          json:
            - { path: $.a, equals: "5" }
            - { path: "/b/0", equals: { x: [1, ~, true, text] } }
            - { path: "$['c d']", exists: false }
          min_bytes: 1
          max_bytes: 100
      - "{{ previous.text }} {{ random_uuid() }}"
    closing: [{ text: bye, expect: { max_total: 1m } }]
data: { order: { from: orders.csv, pick: unique, on_end: fail } }
load: { closed: { users: 2, duration: 1m } }
"#;

#[test]
fn a_rich_scenario_is_the_same_when_it_is_read_from_what_is_kept_of_it() {
    let rich = good(RICH);
    let kept = rich.resolved();
    let again = good(&serde_json::to_string_pretty(&kept).unwrap());
    assert_eq!(again.resolved(), kept);
    assert_eq!(again.fingerprint(), rich.fingerprint());
    assert_eq!(kept["sessions"][0]["messages"][0]["expect"]["json"][0]["equals"], "5");
    assert!(!kept.to_string().contains("\"eu\""), "variables are kept by name");
    for other in [
        "env=[HOST, REGION]",
        "users.sessions_per_user=4",
        "expect.max_ttfc=91s",
        "sessions[0].user_id=other",
        "sessions[0].on_error=continue",
        "sessions[0].expect.contains=a",
        "sessions[0].setup[0]=hi",
        "sessions[0].setup[1].think=2s",
        "sessions[0].closing[0].text=see you",
        "sessions[0].messages[0].expect.min_bytes=2",
        "data.order.on_end=stop",
    ] {
        assert_ne!(
            read(RICH, &set(&[other])).unwrap().fingerprint(),
            rich.fingerprint(),
            "{other}"
        );
    }
}

#[test]
fn the_fingerprint_is_of_what_is_asked_and_how() {
    let base = good(FULL).fingerprint();
    for same in [
        "name=other",
        "target.url=http://elsewhere.example",
        "target.agent_id=x",
        "target.headers.x-team=other",
        "slo.ttfc=9s",
        "thresholds.errors=rate<50%",
    ] {
        assert_eq!(read(FULL, &set(&[same])).unwrap().fingerprint(), base, "{same}");
    }
    for other in [
        "target.url=embedded",
        "target.timeouts.idle=31s",
        "users.count=21",
        "sessions[0].weight=4",
        "sessions[0].messages[1].text=Hm?",
        "data.order.pick=random",
        "load.closed.users=21",
        "warmup=11s",
        "limits.retries=1",
    ] {
        assert_ne!(read(FULL, &set(&[other])).unwrap().fingerprint(), base, "{other}");
    }
}

#[test]
fn the_resolved_scenario_keeps_variables_and_masks_keys() {
    let resolved = good(FULL).resolved();
    assert_eq!(resolved["target"]["url"], "https://${HOST}");
    assert_eq!(resolved["target"]["headers"]["x-auth"], "***");
    assert_eq!(resolved["load"]["closed"]["duration"], "1m");
    assert_eq!(resolved["sessions"][1]["from"], "good.jsonl");
    assert!(!resolved.to_string().contains("agent.example"));
}

#[test]
fn a_setting_changes_one_field() {
    let changed = read(
        SMALL,
        &set(&[
            "sessions[0].messages[0]=Bye!",
            "sessions.0.messages.1={text: Really?, think: 2s}",
            "load.once.concurrency=3",
            "thresholds.ttfc{session=session-1}=p(95)<1s",
        ]),
    )
    .unwrap();
    let Content::Inline(messages) = &changed.sessions[0].content else { panic!("inline") };
    assert_eq!((messages[0].text.as_str(), messages[1].text.as_str()), ("Bye!", "Really?"));
    assert_eq!(changed.load, Load::Once { concurrency: 3 });
    assert_eq!(changed.thresholds[0].metric, "ttfc{session=session-1}");
    for (setting, message) in [
        ("load.once.concurency=3", "unknown field `concurency`"),
        ("sessions[5].weight=3", "no item 5"),
        ("sessions.weight=3", "inside a list"),
        ("drain", "sets nothing"),
        ("drain=", "`drain` is empty"),
        ("a..b=1", "not the path"),
        ("drain=[", "not YAML"),
    ] {
        let problems = read(SMALL, &set(&[setting])).unwrap_err();
        assert!(problems.to_string().contains(message), "{setting}: {problems}");
        assert!(problems.to_string().contains("--> --set"), "{setting}: {problems}");
    }
}

fn flags(flags: &[(&str, &str)]) -> Overrides {
    let mut overrides = Overrides::default();
    for (flag, value) in flags {
        let value = (*value).to_owned();
        match *flag {
            "-c" => overrides.concurrency = Some(value),
            "-z" => overrides.duration = Some(value),
            "-n" => overrides.iterations = Some(value),
            "-r" => overrides.rate = Some(value),
            "-H" => overrides.headers.push(value),
            "--agent-id" => overrides.agent_id = Some(value),
            _ => overrides.target = Some(value),
        }
    }
    overrides
}

#[test]
fn flags_change_the_load_and_say_so_where_they_cannot() {
    let load_of = |text: &str, given: &[(&str, &str)]| read(text, &flags(given)).map(|s| s.load);
    let closed = |users, until| Load::Closed { users, until };
    let minute = || Until::Duration(Duration::from_secs(60));
    assert_eq!(load_of(SMALL, &[("-c", "3")]).unwrap(), Load::Once { concurrency: 3 });
    assert_eq!(load_of(FULL, &[("-c", "3")]).unwrap(), closed(3, minute()));
    assert_eq!(load_of(SMALL, &[("-z", "1m")]).unwrap(), closed(8, minute()));
    assert_eq!(load_of(FULL, &[("-n", "7")]).unwrap(), closed(20, Until::Iterations(7)));
    let Load::Open { rate, arrivals, duration, .. } = load_of(FULL, &[("-r", "5/s")]).unwrap()
    else {
        panic!("-r makes an open load")
    };
    assert_eq!((rate.to_string().as_str(), arrivals), ("5/s", Arrivals::Even));
    assert_eq!(duration, Duration::from_secs(60), "the closed load's own duration");
    let open = format!("{SMALL}load: {{ open: {{ rate: 5/s, duration: 1m, arrivals: poisson }} }}");
    assert!(matches!(
        load_of(&open, &[("-r", "9/s")]).unwrap(),
        Load::Open { arrivals: Arrivals::Poisson, .. }
    ));
    assert_eq!(load_of(&open, &[("-z", "1m"), ("-c", "2")]).unwrap(), closed(2, minute()));
    for (text, given, message) in [
        (open.as_str(), &[("-c", "3")][..], "-c sets the concurrency"),
        (&open, &[("-z", "3s")], "how many users is not said"),
        (SMALL, &[("-r", "5/s")], "how long it goes on is not said"),
        (SMALL, &[("-r", "5/s"), ("-z", "1s"), ("-c", "1")], "-c does not go with -r"),
        (SMALL, &[("-n", "5"), ("-z", "1s")], "cannot be given together"),
        (SMALL, &[("-z", "5")], "has no unit"),
        (SMALL, &[("-c", "many")], "wants a whole number"),
        (SMALL, &[("-H", "x-team")], "is not a header"),
    ] {
        let problems = load_of(text, given).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert!(problem.message().contains(message), "{given:?}: {problems}");
        assert!(problem.label().unwrap().starts_with('-'), "names the flag: {problems}");
    }
}

#[test]
fn a_message_alone_makes_a_scenario() {
    let target = ("--target", "http://127.0.0.1:1");
    let one = from_message("Hi!", &flags(&[target]), &world()).unwrap();
    assert_eq!(one.load, Load::Once { concurrency: 1 });
    assert_eq!(one.users.ids.len(), 1);
    let ten = from_message("Hi!", &flags(&[target, ("-n", "10"), ("-c", "2")]), &world()).unwrap();
    assert_eq!(ten.load, Load::Closed { users: 2, until: Until::Iterations(10) });
    let problems = from_message("Hi!", &Overrides::default(), &world()).unwrap_err();
    assert!(problems.to_string().contains("there is no --target"), "{problems}");
    let problems = from_message("{{ x }}", &flags(&[target]), &world()).unwrap_err().to_string();
    assert!(problems.contains("--> -m") && problems.contains("names `x`"), "{problems}");
    let problems =
        from_message("Hi!", &flags(&[("--target", "https://h.example")]), &world()).unwrap_err();
    assert!(problems.to_string().contains("--agent-id"), "{problems}");
}

#[test]
fn the_key_comes_from_the_environment_where_one_is_needed() {
    let remote = read(SMALL, &set(&["target.url=https://h.example", "target.agent_id=a"])).unwrap();
    let with = |key: &str| Imagined::new().with_var("LYZR_API_KEY", key);
    assert_eq!(remote.key(&with("sk-1")).unwrap().unwrap().expose(), "sk-1");
    for missing in [Imagined::new(), with("")] {
        let problem = remote.key(&missing).unwrap_err();
        assert!(problem.message().contains("LYZR_API_KEY"), "{problem}");
    }
    let problem = remote.key(&with("sk-1\n")).unwrap_err();
    assert!(problem.message().contains("line break"), "{problem}");
    assert!(!problem.to_string().contains("sk-1"));
    for local in ["http://127.0.0.1:8", "http://localhost:8", "http://[::1]:8/x"] {
        let scenario = read(SMALL, &flags(&[("--target", local)])).unwrap();
        assert_eq!(scenario.key(&Imagined::new()).unwrap(), None, "{local}");
        assert!(scenario.key(&with("sk-1")).unwrap().is_some(), "{local}");
    }
    let embedded = good(SMALL).key(&with("sk-1")).unwrap().unwrap();
    assert_ne!(embedded.expose(), "sk-1", "a real key is not sent where none is asked for");
}

#[test]
fn a_key_that_was_put_in_the_scenario_is_not_repeated() {
    let text = SMALL.replace("embedded", "embedded, api_key_env: sk-very-secret");
    let problems = read(&text, &Overrides::default()).unwrap_err().to_string();
    assert!(problems.contains("never the key"), "{problems}");
    assert!(!problems.contains("sk-very-secret"), "{problems}");
}

#[test]
fn users_come_from_a_file_with_their_fields() {
    let text = format!(
        "{SMALL}users: {{ from: orders.csv, id: \"{{{{ user.number }}}}-{{{{ user.index }}}}\" }}"
    );
    let users = good(&text).users;
    assert_eq!(users.ids.iter().map(|id| &**id).collect::<Vec<_>>(), ["A1-0", "A2-1"]);
}

#[test]
fn every_block_of_the_guides_is_a_good_scenario() {
    let guide = [include_str!("../../docs/scenario.md"), include_str!("../../docs/load-models.md")]
        .concat();
    let world = world()
        .with_file("dir/trace.jsonl", "{\"timestamp\": 0}\n{\"timestamp\": 400000}\n")
        .with_file("dir/users.csv", "email\na@b.example\n")
        .with_file("dir/prompts.jsonl", "{\"question\": \"x?\", \"uid\": 1}\n")
        .with_file(
            "dir/sharegpt.json",
            "[{\"id\": 1, \"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]}]",
        )
        .with_file(
            "dir/chats.jsonl",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n",
        )
        .with_file("dir/conversations.jsonl", "{\"turns\": [\"a\", \"b\"]}\n");
    let blocks: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(blocks.len() >= 28, "found {}", blocks.len());
    for block in blocks {
        let mut text = block.to_owned();
        for (key, line) in [
            ("target:", "target: { url: embedded }\n"),
            ("sessions:", "sessions: [{ name: refund, messages: [Hi] }]\n"),
        ] {
            if !block.lines().any(|line| line.starts_with(key)) {
                text.push_str(line);
            }
        }
        if let Err(problems) = streamgauge::scenario::read(
            "dir/guide.yaml",
            &text,
            Path::new("dir"),
            &Overrides::default(),
            &world,
        ) {
            panic!("{problems}\n\n{text}");
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_scenario_is_read_or_refused_and_nothing_else(
        cuts in prop::collection::vec((0usize..1200, 0usize..12, ".{0,4}"), 1..4),
        rich: bool,
    ) {
        let mut text = if rich { RICH } else { FULL }.to_owned();
        for (at, length, instead) in cuts {
            let letters: Vec<char> = text.chars().collect();
            let start = at.min(letters.len());
            let end = (start + length).min(letters.len());
            text = letters[..start].iter().collect::<String>()
                + &instead
                + &letters[end..].iter().collect::<String>();
        }
        if let Err(problems) = read(&text, &Overrides::default()) {
            prop_assert!(problems.iter().count() > 0);
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn any_setting_is_taken_or_refused(setting in "[a-z.\\[\\]0-9{}=: \"-]{0,40}") {
        let _ = read(FULL, &set(&[&setting])).map(|scenario| scenario.resolved());
    }
}
