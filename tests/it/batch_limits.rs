//! `streamgauge batch` against an agent that limits, refuses or breaks.

use std::time::Duration;

use crate::batch::{Batch, Served, rows};

#[test]
fn a_rate_limit_is_kept_to_without_losing_rows() {
    let agent = Served::start(&[
        "--first-chunk",
        "1ms",
        "--gap",
        "0ms",
        "--chunks",
        "2",
        "--rate",
        "20/s",
        "--retry-after",
        "seconds",
    ]);
    let batch = Batch::new(&agent.url, &rows(100));
    let ended = batch.run(&["-o", "a.jsonl", "-c", "4"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let truth = agent.truth();
    assert!(truth.len() <= 140, "{} requests for 100 rows", truth.len());
    // Nobody comes before the time the agent has named: a second after a refusal was told.
    let refused: Vec<u64> = truth
        .iter()
        .filter(|one| one["status"] == 429)
        .map(|one| one["ended_us"].as_u64().unwrap())
        .collect();
    assert!(!refused.is_empty(), "the limit was met");
    let complete = |one: &serde_json::Value| one["complete_us"].as_u64().unwrap();
    for at in refused {
        let early = truth.iter().filter(|one| {
            // What was on its way when the refusal came could not know.
            complete(one) > at + 300_000 && complete(one) < at + 950_000
        });
        assert_eq!(early.count(), 0, "a request within the second after a refusal");
    }
    batch.verify();
}

#[test]
fn a_wrong_key_stops_at_once_and_burns_no_row() {
    let agent = Served::start(&["--api-key-env", "PATH"]);
    let batch = Batch::new(&agent.url, &rows(50));
    let ended = batch.run(&["-o", "a.jsonl"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("refuses") && ended.err.contains("403"), "{}", ended.err);
    assert!(agent.truth().len() <= 4);
    assert_eq!(batch.lines("a.jsonl").len(), 0);
}

#[test]
fn credits_that_run_out_pause_the_batch() {
    let quick = ["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "2"];
    let agent = Served::start(&[&quick[..], &["--credits", "20"]].concat());
    let mut batch = Batch::new(&agent.url, &rows(50));
    let ended = batch.run(&["-o", "a.jsonl"]);
    assert_eq!(ended.code, 75, "{}", ended.err);
    assert!(ended.err.contains("credits"), "{}", ended.err);
    assert_eq!(batch.lines("a.jsonl").len(), 20);
    // The same address is another target: that is told, not guessed.
    let richer = Served::start(&quick);
    batch.url.clone_from(&richer.url);
    let elsewhere = batch.run(&["-o", "a.jsonl"]);
    assert_eq!(elsewhere.code, 2);
    assert!(elsewhere.err.contains("target url: was"), "{}", elsewhere.err);
}

#[test]
fn what_breaks_is_asked_again_in_a_new_session_or_reported() {
    let faults = ["--fault", "cut=1@every 5", "--fault", "status=500@every 7"];
    let quick = ["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "3"];
    let agent = Served::start(&[&quick[..], &faults].concat());
    let batch = Batch::new(&agent.url, &rows(60));
    let ended = batch.run(&["-o", "a.jsonl"]);
    assert!(matches!(ended.code, 0 | 3), "{}", ended.err);
    let lines = batch.lines("a.jsonl");
    let attempts = |line: &serde_json::Value| line["attempts"].as_array().unwrap().len();
    assert!(lines.iter().any(|line| attempts(line) > 1));
    for line in &lines {
        // Only who has met the same fault again and again is given up.
        assert!(line["status"] == "completed" || attempts(line) >= 3, "{line}");
    }
    let truth = agent.truth();
    let sessions: std::collections::BTreeSet<_> =
        truth.iter().map(|one| one["session_id"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), truth.len());
    let careful = Batch::new(&agent.url, &rows(60));
    let ended = careful.run(&["-o", "a.jsonl", "--effects", "at-most-once"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    let lines = careful.lines("a.jsonl");
    assert_eq!(lines.len(), 60);
    for line in &lines {
        assert_eq!(line["attempts"].as_array().unwrap().len(), 1);
        assert_eq!(line["text"].is_null(), line["status"] != "completed", "{line}");
    }
    let stopped = Batch::new(&agent.url, &rows(60));
    let ended = stopped.run(&["-o", "a.jsonl", "--effects", "at-most-once", "--max-failures", "2"]);
    assert_eq!(ended.code, 75, "{}", ended.err);
    assert!(ended.err.contains("--max-failures"), "{}", ended.err);
}

#[test]
#[cfg(unix)]
fn an_interrupted_batch_says_how_to_go_on_and_does() {
    let agent = Served::start(&["--first-chunk", "30ms", "--gap", "1ms", "--chunks", "3"]);
    let batch = Batch::new(&agent.url, &rows(60));
    let child = batch.command(&["-o", "a.jsonl", "-c", "2"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("rows are left") && said.contains("batch prompts.jsonl"), "{said}");
    let before = batch.lines("a.jsonl").len();
    assert_eq!(batch.run(&["-o", "a.jsonl", "-c", "2"]).code, 0);
    assert_eq!(batch.lines("a.jsonl").len(), 60);
    assert_eq!(agent.truth().len(), 60, "drained: nothing was sent twice ({before} before)");
    batch.verify();
}
