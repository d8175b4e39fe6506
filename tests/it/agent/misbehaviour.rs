//! What the embedded agent does wrong where it is told to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use streamgauge::agent::{Agent, End};

use super::{agent, ask, ask_at, body, connect, events, faults};

/// A request whose reply is read piece by piece.
fn begin(agent: &Agent) -> TcpStream {
    let mut stream = connect(agent);
    let message = body("s", "x");
    write!(
        stream,
        "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\ncontent-length: {}\r\n\r\n{message}",
        message.len()
    )
    .unwrap();
    stream
}

#[test]
fn statuses_and_their_ways_of_saying_when_to_come_again() {
    let agent = agent(faults(&[
        "status=503@1",
        "tool-not-found@2",
        "retry-after=1500ms@3",
        "retry-after-date=2s@4",
        "credits@5",
        "status=422@message:*bad*",
    ]));
    assert_eq!(ask(&agent, "x").status, 503);
    assert_eq!(ask(&agent, "x").json()["detail"], "Tool not found");
    let limited = ask(&agent, "x");
    assert!(limited.head.contains("retry-after: 2") && limited.status == 429);
    let dated = ask(&agent, "x");
    assert!(dated.head.contains("retry-after: ") && dated.head.contains(" GMT"));
    assert_eq!(ask(&agent, "x").json()["detail"], "Insufficient credits");
    assert_eq!(ask(&agent, "this is bad").status, 422);
    assert_eq!(ask(&agent, "x").status, 200);
    let truth = agent.stop();
    let faults: Vec<&str> = truth.requests.iter().map(|record| &*record.fault).collect();
    let expected =
        ["status", "tool-not-found", "retry-after", "retry-after-date", "credits", "status", ""];
    assert_eq!(faults, expected);
}

#[test]
fn replies_break_in_the_ways_that_are_asked_for() {
    let agent = agent(faults(&[
        "reset@1",
        "reset-after=3@2",
        "cut=3@3",
        "cut-inside=3@4",
        "close-delimited@5",
        "cut-unframed=3@6",
        "empty@7",
    ]));
    // A reset before the head.
    let mut stream = begin(&agent);
    let error = stream.read(&mut [0; 100]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let reset = ask(&agent, "x");
    assert!(!reset.whole && reset.chunks.len() <= 3);
    let cut = ask(&agent, "x");
    assert_eq!((cut.whole, cut.chunks.len()), (false, 3));
    let inside = ask(&agent, "x");
    assert_eq!((inside.whole, inside.chunks.len()), (false, 4));
    let delimited = ask(&agent, "x");
    assert!(!delimited.head.contains("chunked") && !delimited.head.contains("content-length"));
    let all = ask(&agent, "x");
    assert!(delimited.body.len() > 2 * all.body.len(), "the second was cut after 3 of 20");
    let empty = ask(&agent, "x");
    assert_eq!((empty.status, empty.whole, empty.body.len()), (200, true, 0));
    let truth = agent.stop();
    let ends: Vec<(End, u32)> =
        truth.requests.iter().map(|record| (record.end, record.chunks)).collect();
    assert_eq!(
        ends,
        [
            (End::Reset, 0),
            (End::Reset, 3),
            (End::Cut, 3),
            (End::Cut, 3),
            (End::Complete, 20),
            (End::Cut, 3),
            (End::Complete, 0)
        ]
    );
}

#[test]
fn streams_are_odd_in_the_ways_that_are_asked_for() {
    let agent = agent(faults(&[
        "error-event=2@1",
        "no-done@2",
        "invalid-utf8@3",
        "split-utf8@4",
        "numeric@5",
        "split-escape@6",
        "line-separators@7",
        "crlf@8",
        "comments@9",
        "big-event@10",
    ]));
    let stream = || ask_at(&agent, "/v3/inference/stream/", &body("s", "x"));
    let error = stream().text();
    assert!(events(&error)[2].starts_with("[ERROR] ") && !error.contains("[DONE]"));
    let no_done = stream();
    assert!(no_done.whole && !no_done.text().contains("[DONE]"));
    assert!(std::str::from_utf8(&stream().body).is_err());
    let split = stream();
    assert!(split.text().contains("é€😀") && split.chunks.len() == 23);
    assert!(split.chunks.iter().any(|chunk| std::str::from_utf8(chunk).is_err()));
    let numeric = stream().text();
    for word in ["36", "true", "[]"] {
        assert!(events(&numeric).contains(&word), "{numeric}");
    }
    let escape = stream().text();
    let opens = events(&escape).iter().position(|event| event.ends_with('\\')).unwrap();
    assert!(events(&escape)[opens + 1].starts_with('n'));
    assert!(stream().text().contains("a\u{2028}b\u{85}c\u{c}d"));
    let crlf = stream().text();
    assert!(crlf.contains("data: [DONE]\r\n\r\n") && !crlf.replace("\r\n", "").contains('\n'));
    let comments = stream().text();
    assert!(comments.starts_with(": keep-alive\n\ndata: "));
    let big = stream().text();
    assert!(events(&big).iter().any(|event| event.len() >= 1024 * 1024));
}

#[test]
fn a_stalled_reply_ends_when_the_client_goes() {
    let agent = agent(faults(&["stall=3"]));
    let mut stream = begin(&agent);
    let mut some = [0; 4096];
    assert!(stream.read(&mut some).unwrap() > 0);
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while let Ok(1..) = stream.read(&mut some) {}
    assert!(agent.truth().requests.is_empty(), "it is still under way");
    drop(stream);
    while agent.truth().requests.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let truth = agent.stop();
    assert_eq!((truth.requests[0].end, truth.requests[0].chunks), (End::ClientGone, 3));
}

#[test]
fn slow_heads_silences_and_passing_stalls_take_their_time() {
    let agent = agent(faults(&["slow-head=500ms@1", "silence=500ms@2", "stall=3/500ms@3"]));
    for _ in 0..3 {
        assert!(ask(&agent, "x").whole);
    }
    let truth = agent.stop();
    let after = |index: usize, at: Option<streamgauge::units::Offset>| {
        at.unwrap().since(truth.requests[index].complete)
    };
    let quick = Duration::from_millis(500);
    assert!(after(0, truth.requests[0].head) >= quick * 9 / 10);
    assert!(after(1, truth.requests[1].head) < quick);
    assert!(after(1, truth.requests[1].first_chunk) >= quick);
    assert!(after(2, truth.requests[2].first_chunk) < quick);
    assert!(after(2, truth.requests[2].last_chunk) >= quick);
}
