//! Reading scenarios: what is accepted, what is kept, and what is refused with its place.
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use streamgauge::scenario::{
    Content, Failures, Imagined, Load, Overrides, Pick, Problems, Scenario, TargetUrl, Until, load,
};

mod kept;
mod mistakes;
mod overrides;

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
