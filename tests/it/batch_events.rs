//! `streamgauge batch --events`: what is told while it goes, and what is not.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::batch::{Batch, Served, rows};
use crate::support::KEY;

const QUICK: [&str; 6] = ["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "2"];

fn events(batch: &Batch) -> Vec<Value> {
    batch.lines("events.jsonl")
}

fn count(events: &[Value], name: &str) -> usize {
    events.iter().filter(|one| one["event"] == name).count()
}

#[test]
fn every_row_is_told_from_intent_to_result_and_no_text_is() {
    let limit = ["--rate", "10/s", "--retry-after", "ms"];
    let agent = Served::start(&[&QUICK[..], &limit, &["--answer", "SECRET ANSWER"]].concat());
    let batch = Batch::new(&agent.url, &rows(15));
    let arguments = ["-o", "a.jsonl", "--events", "events.jsonl", "-c", "auto"];
    let ended = batch.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let told = events(&batch);
    assert_eq!(told[0]["event"], "begun");
    assert_eq!((told[0]["rows"].as_u64(), told[0]["left"].as_u64()), (Some(15), Some(15)));
    let last = told.last().unwrap();
    assert_eq!((&last["event"], &last["counts"]["completed"]), (&"ended".into(), &15.into()));
    let attempts = agent.truth().len();
    assert_eq!((count(&told, "intent"), count(&told, "attempt")), (attempts, attempts));
    assert_eq!(count(&told, "row"), 15);
    assert!(count(&told, "gate_closed") > 0 && count(&told, "gate_opened") > 0, "{told:?}");
    assert!(count(&told, "limit") > 0);
    let mut state: BTreeMap<&str, &str> = BTreeMap::new();
    for one in told.iter().filter(|one| one["id"].is_string()) {
        let event = one["event"].as_str().unwrap();
        let before = state.insert(one["id"].as_str().unwrap(), event);
        let fits = match event {
            "intent" => matches!(before, None | Some("attempt")),
            "attempt" => before == Some("intent"),
            _ => before == Some("attempt"),
        };
        assert!(fits, "{event} after {before:?}");
    }
    let text = fs::read_to_string(batch.path("events.jsonl")).unwrap();
    for secret in ["say 3", "SECRET", KEY] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Another leg goes on with the file.
    let again = batch.run(&[&arguments[..], &["--fresh"]].concat());
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(count(&events(&batch), "ended"), 2);
    let out = batch.run(&["-o", "b.jsonl", "--events", "-", "--head", "1"]);
    assert!(out.out.lines().all(|line| line.starts_with("{\"at\":")), "{}", out.out);
}

#[test]
fn why_it_stops_is_told_and_a_file_that_cannot_be_written_stops_it() {
    let agent = Served::start(&[&QUICK[..], &["--credits", "3"]].concat());
    let batch = Batch::new(&agent.url, &rows(9));
    let ended = batch.run(&["-o", "a.jsonl", "--events", "events.jsonl"]);
    assert_eq!(ended.code, 75, "{}", ended.err);
    let told = events(&batch);
    let paused = told.iter().find(|one| one["event"] == "paused").unwrap();
    assert_eq!(paused["because"], "credits");
    let nowhere = batch.run(&["-o", "b.jsonl", "--events", "no/such/folder"]);
    assert!(nowhere.code == 1 && nowhere.err.contains("the events"), "{}", nowhere.err);
    if cfg!(target_os = "linux") {
        let full = batch.run(&["-o", "c.jsonl", "--events", "/dev/full"]);
        assert!(full.code == 1 && full.err.contains("the events"), "{}", full.err);
    }
}
