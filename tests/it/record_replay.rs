//! A production agent turned into an offline stand-in: record a run, replay it, run again.

use std::collections::BTreeMap;

use streamgauge::agent::Behaviour;

use crate::agent::agent;
use crate::run::agent_process;
use crate::support::{Ran, run, scenario};

const SCENARIO: &str = "
sessions:
  - { name: rows, from: rows.jsonl, turns: turns }
load: { once: { concurrency: 4 } }
";

/// Twenty sessions of two turns, every message once.
fn rows(changed: bool) -> String {
    (0..20)
        .map(|n| {
            let first = if changed && n == 7 { "something else".into() } else { format!("q{n}") };
            serde_json::json!({ "turns": [first, format!("and {n}?")] }).to_string() + "\n"
        })
        .collect()
}

fn asked(url: &str, rows: &str, more: &[&str]) -> Ran {
    let scenario = scenario(SCENARIO, &[("rows.jsonl", rows)]);
    let path = scenario.path.to_str().unwrap().to_owned();
    let ran = run(&[&[path.as_str(), "--target", url], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

/// The answers, by prompt.
fn answers(ran: &Ran) -> BTreeMap<String, (String, usize)> {
    let lines = std::fs::read_to_string(ran.directory().join("chunks.jsonl")).unwrap();
    lines
        .lines()
        .map(|line| {
            let said: serde_json::Value = serde_json::from_str(line).unwrap();
            let chunks = said["chunks"].as_array().unwrap();
            let text = chunks.iter().map(|chunk| chunk[1].as_str().unwrap()).collect();
            (said["message"].as_str().unwrap().to_owned(), (text, chunks.len()))
        })
        .collect()
}

#[test]
fn a_replayed_agent_answers_as_the_recorded_one_did_and_as_slowly() {
    let original = agent(|options| {
        let millis = std::time::Duration::from_millis;
        options.behaviour = Behaviour::fixed(millis(40), millis(3), 6);
    });
    let recorded = asked(&original.base_url(), &rows(false), &["--record", "chunks"]);
    let directory = recorded.directory();
    let replaying = agent_process(&["--replay", directory.to_str().unwrap()]);
    let replayed = asked(&replaying.url, &rows(false), &["--record", "chunks"]);
    assert_eq!(answers(&recorded), answers(&replayed), "the same answers in the same chunks");
    // Never faster than it was; how much slower is for a benchmark.
    let p50 = |ran: &Ran, metric: &str| {
        ran.summary()["metrics"][format!("{metric}_service")]["p50"].as_f64().unwrap()
    };
    for metric in ["ttfc", "total"] {
        let (was, is) = (p50(&recorded, metric), p50(&replayed, metric));
        assert!(is > was * 0.95, "{metric}: {was} ms recorded, {is} ms replayed");
    }
}

#[test]
fn a_message_that_was_not_recorded_is_told() {
    let original = agent(|_| {});
    let recorded = asked(&original.base_url(), &rows(false), &["--record", "chunks"]);
    let directory = recorded.directory();
    let mut replaying = agent_process(&["--replay", directory.to_str().unwrap()]);
    asked(&replaying.url, &rows(true), &[]);
    let told = replaying.interrupted();
    assert!(told.contains("39 turns by message, 1 by order"), "{told}");
}
