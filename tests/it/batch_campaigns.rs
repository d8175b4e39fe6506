//! Long campaigns against a batch, run by hand: `cargo test --test it -- --ignored batch_campaigns`. Their
//! short forms are in `batch.rs`.
#![expect(clippy::print_stdout, reason = "what a campaign came to is its result")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::batch::{Batch, Served, rows};
use crate::support::command;

const QUICK: [&str; 6] = ["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "2"];
const ROWS: usize = 500;
const KILLS: u32 = 200;

/// Kills a batch that often while it is at work, each time at a random instant, and lets it end.
fn kill_often(effects: &str, seed: u64) -> (Batch, Served) {
    let agent = Served::start(&["--first-chunk", "35ms", "--gap", "1ms", "--chunks", "4"]);
    let batch = Batch::new(&agent.url, &rows(ROWS));
    let arguments = ["-o", "answers.jsonl", "-c", "3", "--effects", effects];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut kills = 0;
    while kills < KILLS {
        let mut child = batch.command(&arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(rng.random_range(0..140_000)));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the rows ran out after {kills} kills: {ended:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let directory = batch.directory();
    let half = command(&["batch", "status", directory.to_str().unwrap()]).output().unwrap();
    println!("after {kills} kills: {}", String::from_utf8_lossy(&half.stdout).trim());
    let ended = batch.run(&arguments);
    assert!(matches!(ended.code, 0 | 3), "{}", ended.err);
    batch.verify();
    (batch, agent)
}

#[test]
#[ignore = "takes a minute; the short form is in batch.rs"]
fn two_hundred_kills_lose_nothing_and_repeat_only_what_is_in_doubt() {
    let (batch, agent) = kill_often("at-least-once", 1);
    let lines = batch.lines("answers.jsonl");
    let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (ROWS, ROWS), "each id exactly once");
    assert!(lines.iter().all(|line| line["status"] == "completed"));
    let doubts = lines
        .iter()
        .flat_map(|line| line["attempts"].as_array().unwrap())
        .filter(|attempt| attempt["outcome"] == "in_doubt")
        .count();
    let truth = agent.truth();
    println!("{} requests for {ROWS} rows, {doubts} in doubt", truth.len());
    assert!(truth.len() <= ROWS + doubts);
    let sessions: BTreeSet<&str> =
        truth.iter().map(|one| one["session_id"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), truth.len(), "never again into the same session");
}

#[test]
#[ignore = "takes a minute; the short form is in batch.rs"]
fn two_hundred_kills_send_no_row_twice_under_at_most_once() {
    let (batch, agent) = kill_often("at-most-once", 2);
    let lines = batch.lines("answers.jsonl");
    let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (ROWS, ROWS), "each id exactly once");
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    for one in agent.truth() {
        *sent.entry(one["message"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(sent.values().all(|count| *count == 1), "{sent:?}");
    let doubts = lines.iter().filter(|line| line["status"] == "in_doubt").count();
    println!("{} messages sent, each once; {doubts} of {ROWS} rows in doubt", sent.len());
    for line in &lines {
        assert!(line["status"] == "completed" || line["status"] == "in_doubt", "{line}");
    }
}

/// Where the records of a journal begin: a mark, the payload's length, a checksum, the payload.
fn places(journal: &[u8]) -> Vec<usize> {
    let mut at = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut found = Vec::new();
    while at < journal.len() {
        found.push(at);
        let length = u32::from_le_bytes(journal[at + 4..at + 8].try_into().unwrap());
        at += 12 + length as usize;
    }
    assert_eq!(at, journal.len());
    found
}

/// A batch of six rows that has ended: its journal's path, content, and where the records are.
fn six_rows() -> (Batch, PathBuf, Vec<u8>, Vec<usize>, Served) {
    let agent = Served::start(&QUICK);
    let batch = Batch::new(&agent.url, &rows(6));
    assert_eq!(batch.run(&["-o", "a.jsonl", "-c", "1"]).code, 0);
    let path = batch.directory().join("journal");
    let whole = fs::read(&path).unwrap();
    let places = places(&whole);
    (batch, path, whole, places, agent)
}

#[test]
#[ignore = "takes some minutes; the short form is in batch.rs"]
fn a_journal_cut_at_every_byte_of_its_last_three_records_is_gone_on_with() {
    let (batch, path, whole, places, _agent) = six_rows();
    let first = places[places.len() - 3];
    for cut in first..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let ended = batch.run(&["-o", "a.jsonl", "-c", "1", "-q"]);
        assert_eq!(ended.code, 0, "cut at {cut}: {}", ended.err);
        let lines = batch.lines("a.jsonl");
        let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
        assert_eq!((lines.len(), ids.len()), (6, 6), "cut at {cut}");
        batch.verify();
    }
    println!("{} cuts", whole.len() - first);
}

#[test]
#[ignore = "takes a minute; the short form is in batch.rs"]
fn a_byte_flipped_anywhere_but_in_the_last_record_is_refused_with_its_place() {
    let (batch, path, whole, places, _agent) = six_rows();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    for _ in 0..200 {
        let at = rng.random_range(places[0]..places[places.len() - 1]);
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << rng.random_range(0..8);
        fs::write(&path, &damaged).unwrap();
        let ended = batch.run(&["-o", "a.jsonl", "-c", "1"]);
        let record = places.iter().rev().find(|place| **place <= at).unwrap();
        let said = format!("is damaged at byte {record}");
        assert!(ended.code == 2 && ended.err.contains(&said), "byte {at}: {}", ended.err);
        assert_eq!(fs::read(&path).unwrap(), damaged, "nothing has been changed");
    }
}
