//! Where messages get their values: files, the environment, chance; and what happens at their end.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use streamgauge::plan::Plan;
use streamgauge::sample::Part;
use streamgauge::scenario::{Imagined, Overrides, load};

use crate::support::{run, scenario};

fn plan(text: &str, seed: u64) -> Plan {
    let world = Imagined::new()
        .with_var("REGION", "eu-west")
        .with_file("orders.csv", "number\nA1\nA2\nA3\n")
        .with_file("rows.jsonl", "{\"turns\": [\"a\", \"b\"]}\n{\"turns\": [\"c\"]}\n")
        .with_file(
            "share.json",
            "[{\"conversations\": [{\"from\": \"human\", \"value\": \"{{ hi }}\"}, \
             {\"from\": \"gpt\", \"value\": \"x\"}]}]",
        );
    let text = format!("target: {{ url: embedded }}\n{text}");
    let loaded = load("x.yaml", &text, Path::new(""), &Overrides::default(), &world);
    Plan::new(loaded.unwrap_or_else(|problems| panic!("{problems}")), seed)
}

fn texts(plan: &Plan, number: u64) -> Vec<String> {
    let session = plan.session(number, 0).unwrap();
    (1..=session.turn_count())
        .map(|turn| session.text(turn, "s", Some("before")).unwrap().into_owned())
        .collect()
}

const RANDOM: &str = "sessions:
  - messages:
      - '{{ random_int(1, 1000000000) }} {{ random_uuid() }} {{ random_text(5) }}'
      - '{{ random_int(1, 1000000000) }} {{ random_choice([1, 2, 3]) }}'
load: { closed: { users: 2, duration: 1m } }
";

#[test]
fn random_values_follow_from_seed_session_and_turn() {
    let one = plan(RANDOM, 7);
    let first = texts(&one, 3);
    assert_eq!(first, texts(&plan(RANDOM, 7), 3), "the same each time it is planned");
    assert_eq!(first, texts(&one, 3), "and each time it is rendered");
    let all: BTreeSet<String> = (0..200).flat_map(|number| texts(&one, number)).collect();
    assert_eq!(all.len(), 400, "no two turns share their values");
    assert_ne!(first, texts(&plan(RANDOM, 8), 3));
}

#[test]
fn the_environment_is_seen_where_the_scenario_asks_for_it() {
    let text = "env: [REGION]\nsessions: [{ messages: ['in {{ env.REGION }}'] }]";
    let plan = plan(text, 0);
    assert_eq!(texts(&plan, 0), ["in eu-west"]);
    let kept = plan.scenario().resolved();
    assert_eq!(kept["env"][0], "REGION");
    assert!(!kept.to_string().contains("eu-west"), "kept by name alone");
}

#[test]
fn a_conversation_from_a_file_is_asked_literally() {
    let plan = plan("sessions: [{ from: share.json }]", 0);
    assert_eq!(texts(&plan, 0), ["{{ hi }}"]);
}

#[test]
fn setup_and_closing_go_round_the_rows_of_a_file() {
    let plan = plan(
        "sessions:
  - from: rows.jsonl
    think: 2s
    setup: ['hello {{ turn }}']
    closing: ['bye {{ turn }}', 'after {{ previous.text }}']",
        0,
    );
    assert_eq!(texts(&plan, 0), ["hello 1", "a", "b", "bye 4", "after before"]);
    assert_eq!(texts(&plan, 1), ["hello 1", "c", "bye 3", "after before"]);
    assert_eq!(plan.turn_count(), Some(9));
    assert_eq!(plan.kinds()[0].turns, (4, 5));
    let session = plan.session(0, 0).unwrap();
    let parts: Vec<Part> = (1..=5).map(|turn| session.part(turn)).collect();
    let expected = [Part::Setup, Part::Main, Part::Main, Part::Closing, Part::Closing];
    assert_eq!(parts, expected);
    let thinks: Vec<u64> = (1..=5).map(|turn| session.think(turn).as_secs()).collect();
    assert_eq!(thinks, [0, 0, 2, 0, 0], "think is before every message of a row but its first");
    assert!(session.next_names_answer(4) && !session.next_names_answer(3));
    assert!(session.needs_text(4) && !session.needs_text(2));
}

#[test]
fn rows_that_run_out_end_the_load_or_fail_as_told() {
    let text = |on_end: &str| {
        format!(
            "sessions: [{{ messages: ['{{{{ data.order.number }}}}'] }}]
data: {{ order: {{ from: orders.csv, pick: unique, on_end: {on_end} }} }}
load: {{ closed: {{ users: 1, duration: 1m }} }}"
        )
    };
    assert_eq!(plan(&text("stop"), 0).session_count(), Some(3));
    let failing = plan(&text("fail"), 0);
    assert_eq!(failing.session_count(), Some(4), "one more, that fails");
    assert_eq!(texts(&failing, 2), ["A3"]);
    let why = failing.session(3, 0).unwrap().text(1, "s", None).unwrap_err().to_string();
    assert!(why.contains("`data.order` has no unused row left"), "{why}");
    let enough = text("fail").replace("duration: 1m", "iterations: 3");
    assert_eq!(plan(&enough, 0).session_count(), Some(3), "rows that suffice do not fail");
}

#[test]
fn a_run_that_runs_out_of_rows_says_so_and_exits_with_3() {
    let written = scenario(
        "target: { url: embedded }
sessions: [{ messages: ['{{ data.order.number }}'] }]
data: { order: { from: orders.csv, pick: unique, on_end: fail } }
load: { closed: { users: 1, duration: 1m } }
",
        &[("orders.csv", "number\nA1\nA2\n")],
    );
    let ran = run(&[written.path.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(ran.outcomes()["completed/"], 2);
    assert_eq!(ran.outcomes()["failed/local"], 1);
    assert!(ran.samples()[2]["message"].contains("no unused row left"));
}

proptest! {
    #[test]
    fn each_user_opens_exactly_so_many_sessions_of_an_open_load(
        users in 1u64..40,
        each in 1u64..9,
    ) {
        let plan = plan(
            &format!(
                "sessions: [{{ messages: [a] }}]
users: {{ count: {users}, sessions_per_user: {each} }}
load: {{ open: {{ rate: 1000/s, duration: 1h }} }}"
            ),
            0,
        );
        prop_assert_eq!(plan.session_count(), Some(users * each));
        let mut opened = vec![0; users as usize];
        for (number, _) in plan.arrivals(streamgauge::plan::Shard::WHOLE) {
            opened[(number % users) as usize] += 1;
        }
        prop_assert!(opened.iter().all(|count| *count == each));
    }
}
