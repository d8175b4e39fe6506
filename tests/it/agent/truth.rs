//! The embedded agent's own log of what came and what went, and when.

use std::io::Write;
use std::time::Duration;

use streamgauge::agent::Behaviour;

use super::{agent, ask, connect, get, read_all};

#[test]
fn the_truth_says_what_came_and_when_what_went() {
    let agent = agent(|options| {
        let ten = Duration::from_millis(10);
        options.behaviour = Behaviour::fixed(Duration::from_millis(50), ten, 6);
        options.limits.truth_writes = true;
    });
    let message = "héllo \"you\"\n\u{2028} and back\\slash";
    let answer = ask(&agent, message);
    let long = "x".repeat(3_000);
    ask(&agent, &long);
    let document = get(&agent, "/_truth").json();
    let record = &document["requests"][0];
    assert_eq!(record["message"], message);
    assert_eq!(record["bytes"], answer.body.len());
    assert_eq!((record["chunks"].as_u64(), record["status"].as_u64()), (Some(6), Some(200)));
    let at = |name: &str| record[name].as_u64().unwrap();
    assert!(at("accepted_us") <= at("complete_us"));
    // It may have come before it was accepted, and before somebody looked; not long before.
    assert!(at("arrived_us") <= at("complete_us"));
    assert!(at("first_chunk_us") >= at("arrived_us") + 50_000);
    assert!(at("first_chunk_us") >= at("complete_us") + 50_000);
    assert!(at("last_chunk_us") >= at("complete_us") + 100_000);
    assert!(at("ended_us") >= at("last_chunk_us"));
    assert!(at("head_us") < at("first_chunk_us"), "the head does not wait for the text");
    assert_eq!(record["writes_us"].as_array().unwrap().len(), 6);
    let second = &document["requests"][1];
    assert_eq!(
        (second["message"].is_null(), second["message_bytes"].as_u64()),
        (true, Some(3_000))
    );
    let csv = get(&agent, "/_truth?format=csv&since=1").text();
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.starts_with("seq,number,"));
    let mut stream = connect(&agent);
    stream.write_all(b"POST /_truth HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    assert_eq!(read_all(&mut stream).status, 200);
    assert!(agent.truth().requests.is_empty());
}

#[test]
fn two_at_once_in_one_session_are_told_from_two_in_turn() {
    let agent = agent(|options| {
        options.behaviour = Behaviour::fixed(Duration::from_millis(600), Duration::ZERO, 1);
    });
    std::thread::scope(|scope| {
        scope.spawn(|| ask(&agent, "first"));
        std::thread::sleep(Duration::from_millis(150));
        scope.spawn(|| ask(&agent, "second"));
    });
    ask(&agent, "third");
    let overlaps: Vec<u32> = agent.stop().requests.iter().map(|record| record.in_session).collect();
    assert_eq!(overlaps, [0, 1, 0]);
}
