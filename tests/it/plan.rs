//! The plan: what is decided from a scenario and a seed, before anything is sent.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use streamgauge::plan::{Plan, Shard};
use streamgauge::scenario::{Imagined, Overrides, Scenario, load};

fn scenario(text: &str, world: &Imagined) -> Scenario {
    load("x.yaml", text, Path::new(""), &Overrides::default(), world)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn plan(text: &str, seed: u64) -> Plan {
    let orders = "number\nA1\nA2\nA3\nA4\nA5\n";
    let prompts = "{\"turns\": [\"{{ x }}\", \" two \"]}\n{\"turns\": [\"three\"]}\n";
    let world = Imagined::new().with_file("orders.csv", orders).with_file("p.jsonl", prompts);
    Plan::new(scenario(text, &world), seed)
}

/// Everything about the first `count` sessions, as text.
fn told(plan: &Plan, count: u64) -> Vec<String> {
    (0..count)
        .map_while(|number| plan.session(number, number as u32))
        .map(|session| {
            let turns: Vec<_> = (1..=session.turn_count())
                .map(|turn| {
                    (session.think(turn), session.text(turn, "s", None).unwrap().into_owned())
                })
                .collect();
            format!("{} {} {} {turns:?}", session.number, session.kind, session.user_id)
        })
        .collect()
}

const MIXED: &str = r#"
target: { url: embedded }
users: { count: 3 }
sessions:
  - name: refund
    weight: 3
    messages:
      - "order {{ data.order.number }} of {{ user.id }}, session {{ session.number }}"
      - { text: "turn {{ turn }}", think: "lognormal(2s, 0.5)" }
  - { name: rows, weight: 2, from: p.jsonl, think: "exp(1s)" }
data: { order: { from: orders.csv, pick: PICK } }
load: LOAD
"#;

fn mixed(pick: &str, load: &str) -> String {
    MIXED.replace("PICK", pick).replace("LOAD", load)
}

const CLOSED: &str = "{ closed: { users: 2, iterations: 50 } }";

#[test]
fn the_same_scenario_and_seed_make_the_same_plan() {
    let text = mixed("shuffled", CLOSED);
    assert_eq!(told(&plan(&text, 7), 50), told(&plan(&text, 7), 50));
    assert_ne!(told(&plan(&text, 7), 50), told(&plan(&text, 8), 50));
}

#[test]
fn a_session_can_be_asked_for_in_any_order() {
    let plan = plan(&mixed("random", CLOSED), 1);
    let forward = told(&plan, 50);
    let late = plan.session(33, 33).unwrap();
    let turns: Vec<_> = (1..=late.turn_count())
        .map(|turn| (late.think(turn), late.text(turn, "s", None).unwrap().into_owned()))
        .collect();
    assert!(forward[33].ends_with(&format!("{turns:?}")));
}

#[test]
fn rows_are_sent_byte_for_byte_and_in_file_order() {
    let plan = plan(
        "target: { url: embedded }\nsessions: [{ from: p.jsonl }]\nload: { closed: { users: 1, iterations: 5 } }",
        0,
    );
    let first: Vec<String> = (0..5)
        .map(|n| plan.session(n, 0).unwrap().text(1, "s", None).unwrap().into_owned())
        .collect();
    assert_eq!(first, ["{{ x }}", "three", "{{ x }}", "three", "{{ x }}"]);
    assert_eq!(plan.session(0, 0).unwrap().text(2, "s", None).unwrap(), " two ");
    assert_eq!(plan.session_count(), Some(5));
    assert_eq!(plan.turn_count(), Some(2 + 1 + 2 + 1 + 2));
    assert!(plan.session(5, 0).is_none());
}

#[test]
fn once_is_every_row_once_and_every_inline_session_once_a_user() {
    let plan = plan(&mixed("sequential", "{ once: { concurrency: 2 } }"), 0);
    assert_eq!(plan.session_count(), Some(3 + 2));
    assert_eq!(plan.turn_count(), Some(3 * 2 + 3));
    let users: Vec<String> =
        (0..5).map(|n| plan.session(n, 1).unwrap().user_id.to_string()).collect();
    assert_eq!(users, ["user-0", "user-1", "user-2", "user-1", "user-1"]);
    assert!(plan.session(5, 0).is_none());
}

#[test]
fn feeders_give_a_row_to_each_session_that_takes_one() {
    let numbers = |pick: &str, seed| -> Vec<String> {
        let plan = plan(&mixed(pick, CLOSED), seed);
        (0..50)
            .map_while(|n| plan.session(n, 0))
            .filter(|session| session.kind == 0)
            .map(|session| session.text(1, "s", None).unwrap()[6..8].to_owned())
            .collect()
    };
    let sequential = numbers("sequential", 3);
    assert_eq!(sequential.len(), 30);
    assert_eq!(sequential[..6], ["A1", "A2", "A3", "A4", "A5", "A1"]);
    let shuffled = numbers("shuffled", 3);
    for pass in shuffled.chunks(5) {
        let mut pass = pass.to_vec();
        pass.sort();
        assert_eq!(pass, ["A1", "A2", "A3", "A4", "A5"], "every row once a pass");
    }
    assert_ne!(shuffled[..5], shuffled[5..10], "each pass in an order of its own");
    assert_ne!(numbers("random", 3), numbers("random", 4));
}

#[test]
fn a_unique_feeder_ends_the_load_when_its_rows_run_out() {
    let plan = plan(&mixed("unique", CLOSED), 5);
    let end = plan.session_count().unwrap();
    let taken = (0..end).filter(|n| plan.session(*n, 0).unwrap().kind == 0).count();
    assert_eq!(taken, 5);
    assert!(plan.session(end, 0).is_none());
    assert_eq!(told(&plan, 50).len() as u64, end);
}

#[test]
fn a_time_bounded_load_has_no_count() {
    let plan = plan(&mixed("random", "{ closed: { users: 2, duration: 1m } }"), 0);
    assert_eq!((plan.session_count(), plan.turn_count()), (None, None));
    assert!(plan.session(1_000_000_007, 0).is_some());
}

#[test]
fn a_template_sees_user_session_turn_and_data() {
    let plan = plan(
        r#"
target: { url: embedded }
users: { count: 2, id: "u{{ user.index }}@x" }
sessions:
  - name: a
    session_id: fixed
    messages: ["{{ user.index }} {{ user.id }} {{ session.id }} {{ session.name }} {{ turn }}\n"]
"#,
        0,
    );
    let session = plan.session(1, 0).unwrap();
    assert_eq!(session.fixed_session_id.as_deref(), Some("fixed"));
    assert_eq!(session.text(1, "fixed", None).unwrap(), "1 u1@x fixed a 1\n");
    assert!(session.text(2, "fixed", None).is_err());
}

fn open(rate: u32, arrivals: &str, seconds: u32, seed: u64) -> Plan {
    let load =
        format!("{{ open: {{ rate: {rate}/s, arrivals: {arrivals}, duration: {seconds}s }} }}");
    plan(&mixed("random", &load), seed)
}

#[test]
fn even_arrivals_are_evenly_spaced_and_end_with_the_duration() {
    let due: Vec<_> = open(4, "even", 2, 0).arrivals(Shard::WHOLE).collect();
    let expected: Vec<_> = (0..8).map(|n| (n, n * 250_000)).collect();
    assert_eq!(due.iter().map(|(n, at)| (*n, at.micros())).collect::<Vec<_>>(), expected);
}

#[test]
fn poisson_arrivals_have_the_rate_and_the_spread_they_promise() {
    let due: Vec<f64> = open(100, "poisson", 200, 1)
        .arrivals(Shard::WHOLE)
        .map(|(_, at)| at.as_secs_f64())
        .collect();
    let n = due.len() as f64;
    assert!((n - 20_000.0).abs() < 5.0 * 20_000f64.sqrt(), "{n}");
    let gaps: Vec<f64> = due.windows(2).map(|two| two[1] - two[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let spread = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    assert!((spread.sqrt() / mean - 1.0).abs() < 0.05, "exponential: spread = mean");
}

proptest! {
    #[test]
    fn shards_together_are_the_plan(
        rate in 1u32..200,
        seconds in 1u32..10,
        ramps: bool,
        arrivals in prop::sample::select(vec!["even", "poisson", "gamma(0.4)", "gamma(7)"]),
        seed: u64,
        count in 1u64..8,
    ) {
        let plan = match ramps {
            false => open(rate, arrivals, seconds, seed),
            true => ramp(
                &format!("{{ for: {seconds}s, to: {rate}/s }}, {{ for: {seconds}s, to: 0 }}"),
                arrivals,
                seed,
            ),
        };
        let lasts = f64::from(if ramps { 2 * seconds } else { seconds });
        let whole: Vec<_> = plan.arrivals(Shard::WHOLE).collect();
        prop_assert!(whole.windows(2).all(|two| two[0].1 <= two[1].1), "never goes back");
        prop_assert!(whole.iter().all(|(_, at)| at.as_secs_f64() < lasts));
        prop_assert!(whole.iter().enumerate().all(|(index, (n, _))| index as u64 == *n));
        let mut parts = BTreeMap::new();
        for index in 0..count {
            for (n, at) in plan.arrivals(Shard { index, count }) {
                prop_assert!(parts.insert(n, at).is_none(), "in two shards");
            }
        }
        prop_assert_eq!(parts.into_iter().collect::<Vec<_>>(), whole);
    }
}

fn ramp(stages: &str, arrivals: &str, seed: u64) -> Plan {
    let load = format!("{{ open: {{ stages: [{stages}], arrivals: {arrivals} }} }}");
    plan(&mixed("random", &load), seed)
}

#[test]
fn gamma_arrivals_have_the_rate_and_the_spread_of_their_shape() {
    for shape in [0.25f64, 4.0] {
        let due: Vec<f64> = open(100, &format!("gamma({shape})"), 200, 1)
            .arrivals(Shard::WHOLE)
            .map(|(_, at)| at.as_secs_f64())
            .collect();
        let n = due.len() as f64;
        assert!((n - 20_000.0).abs() < 5.0 * (20_000.0 / shape).sqrt(), "{n}");
        let gaps: Vec<f64> = due.windows(2).map(|two| two[1] - two[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let spread = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let expected = 1.0 / shape.sqrt();
        assert!((spread.sqrt() / mean / expected - 1.0).abs() < 0.05, "{shape}");
    }
}
