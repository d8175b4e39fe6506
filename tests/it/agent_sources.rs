//! Answers that come from elsewhere: a recorded run, or another server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use streamgauge::agent::{Behaviour, End, Recording, Source, Upstream};

use crate::agent::{agent, ask, ask_at, body, events, faults, get};

fn recording(lines: &[serde_json::Value], speed: f64) -> Source {
    let folder = tempfile::tempdir().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("chunks.jsonl"), text).unwrap();
    Source::Replay(Arc::new(Recording::read(folder.path(), speed).unwrap()))
}

#[test]
fn a_recorded_run_is_told_again_with_its_timing() {
    let turn = |message: &str, status: Option<u16>, outcome: &str| {
        serde_json::json!({"session": "s", "session_name": "n", "turn": 1, "attempt": 1,
            "message": message, "status": status, "outcome": outcome,
            "chunks": [[100_000, "Hé"], [150_000, "llo"]], "total_us": 400_000})
    };
    let lines = [
        turn("one", Some(200), "completed"),
        turn("two", Some(429), "failed"),
        turn("three", None, "failed"),
        turn("four", Some(200), "failed"),
    ];
    let agent = agent(|options| options.source = recording(&lines, 2.0));
    let one = ask(&agent, "one");
    assert_eq!((one.text().as_str(), one.whole), ("Héllo", true));
    assert_eq!(one.chunks, ["Hé".as_bytes(), b"llo"]);
    assert_eq!(ask(&agent, "two").status, 429);
    assert_eq!(ask(&agent, "three").status, 0, "the connection broke");
    let four = ask(&agent, "four");
    assert_eq!((four.text().as_str(), four.whole), ("Héllo", false));
    ask(&agent, "never heard of");
    let account = agent.replay_account().unwrap();
    assert!(account.contains("4 turns by message") && account.contains("0 of 4"), "{account}");
    let truth = agent.stop();
    let first = &truth.requests[0];
    let after = |at: Option<streamgauge::units::Offset>| at.unwrap().since(first.complete);
    assert!(after(first.first_chunk) >= Duration::from_millis(50));
    assert!(after(first.last_chunk) >= Duration::from_millis(75));
    assert!(after(first.ended) >= Duration::from_millis(200));
    assert_eq!((first.chunks, first.writes), (2, 2));
    assert_eq!(truth.requests[3].end, End::Cut);
    assert_eq!(&*truth.requests[4].fault, "replay-again");
}

#[test]
fn an_upstream_server_answers_and_the_sessions_are_ours() {
    let upstream = agent(|options| {
        options.behaviour = Behaviour::fixed(Duration::from_millis(5), Duration::from_millis(2), 9);
        options.behaviour.reasoning = "2".parse().unwrap();
    });
    let agent = agent(|options| {
        let key = Some(streamgauge::secret::Secret::new("k"));
        let upstream = Upstream::new(&upstream.base_url(), "some-model", key).unwrap();
        options.source = Source::Upstream(Arc::new(upstream));
    });
    let first = ask_at(&agent, "/v2/stream/", &body("s", "My name is Ada."));
    assert_eq!((first.status, first.whole, first.chunks.len()), (200, true, 9));
    let second = ask_at(&agent, "/v2/stream/", &body("s", "Who am I?")).text();
    assert!(second.contains("Ada"), "{second}");
    assert!(!ask_at(&agent, "/v2/stream/", &body("t", "Who am I?")).text().contains("Ada"));
    let chat = ask_at(&agent, "/v2/chat/", &body("s", "And now?")).json();
    assert!(chat["response"].as_str().unwrap().contains("message 3"), "{chat}");
    let sse = ask_at(&agent, "/v3/inference/stream/", &body("s", "x")).text();
    assert_eq!(events(&sse).last(), Some(&"[DONE]"));
    let history = get(&agent, "/v1/sessions/s/history").json();
    assert_eq!(history.as_array().unwrap().len(), 8);
    let truth = upstream.stop();
    assert!(truth.requests.iter().all(|record| &*record.agent_id == "some-model"));
    // Nobody is there any more.
    let gone = ask_at(&agent, "/v2/stream/", &body("u", "x"));
    assert_eq!((gone.status, gone.json()["detail"].as_str()), (502, Some("Bad Gateway")));
}

#[test]
fn errors_upstream_become_the_documented_ones() {
    let upstream = agent(faults(&["status=429@1", "status=401@2", "error-event=3@3", "cut=3@4"]));
    let agent = agent(|options| {
        let upstream = Upstream::new(&upstream.base_url(), "m", None).unwrap();
        options.source = Source::Upstream(Arc::new(upstream));
    });
    // Without a key the upstream server refuses before it counts.
    assert_eq!(ask(&agent, "x").status, 502);
    drop(agent);
    let agent = self::agent(|options| {
        let key = Some(streamgauge::secret::Secret::new("k"));
        let upstream = Upstream::new(&upstream.base_url(), "m", key).unwrap();
        options.source = Source::Upstream(Arc::new(upstream));
    });
    let limited = ask(&agent, "x");
    assert_eq!(
        (limited.status, limited.json()["detail"].as_str()),
        (429, Some("Rate limit exceeded"))
    );
    assert_eq!(ask(&agent, "x").status, 502, "a key of ours that was refused");
    for _ in 0..2 {
        let broken = ask_at(&agent, "/v3/inference/stream/", &body("s", "x")).text();
        let events = events(&broken);
        assert_eq!(events.len(), 4);
        assert!(events[3].starts_with("[ERROR] "), "{broken}");
    }
}
