//! What the agent does with clients that mean ill, or are broken: it answers or closes, stays within
//! its memory, and serves everybody else meanwhile.

use std::io::{Read, Write};
use std::time::Duration;

use crate::agent::{agent, ask, connect, read_all};

#[test]
fn garbage_is_refused() {
    let agent = agent(|_| {});
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v2/stream/ HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0",
        b"POST /v2/stream/ HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v2/stream/ HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v2/stream/ HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        let mut stream = connect(&agent);
        stream.write_all(bytes).unwrap();
        let answer = read_all(&mut stream);
        assert_eq!(answer.status, 400, "{}", bytes.escape_ascii());
    }
    assert_eq!(ask(&agent, "x").status, 200);
}

#[test]
fn heads_and_bodies_have_limits() {
    let agent = agent(|options| options.limits.body_bytes = 10_000);
    let post = "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\n";
    for (start, filler, status) in [
        // One header line without end, very many lines, a path without end.
        (format!("{post}x: "), "y".repeat(100_000), 431),
        (post.to_owned(), "a: b\r\n".repeat(20_000), 431),
        ("GET /".to_owned(), "../".repeat(30_000), 431),
        // A body that is announced too long, and one that becomes too long as it comes.
        (format!("{post}content-length: 99999999999\r\n\r\n"), "z".repeat(50_000), 413),
        (
            format!("{post}transfer-encoding: chunked\r\n\r\n"),
            format!("1000\r\n{}\r\n", "z".repeat(0x1000)).repeat(5),
            413,
        ),
    ] {
        let mut stream = connect(&agent);
        stream.write_all(start.as_bytes()).unwrap();
        // The agent may have had enough before it has read everything.
        let _ = stream.write_all(filler.as_bytes());
        let answer = read_all(&mut stream);
        assert_eq!(answer.status, status, "{start}");
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(ask(&agent, "x").status, 200);
}

#[test]
fn who_is_slow_to_ask_is_sent_away() {
    let agent = agent(|options| {
        options.limits.request_time = Duration::from_millis(200);
        options.limits.idle_time = Duration::from_millis(200);
    });
    for start in ["POST /v2/str", "POST /v2/stream/ HTTP/1.1\r\ncontent-length: 500\r\n\r\n{"] {
        let mut stream = connect(&agent);
        stream.write_all(start.as_bytes()).unwrap();
        assert_eq!(read_all(&mut stream).status, 408, "{start}");
    }
    let mut idle = connect(&agent);
    assert_eq!(idle.read(&mut [0; 10]).unwrap(), 0, "closed without a word");
}

#[test]
fn who_does_not_read_holds_nobody_up() {
    let agent = agent(|options| {
        options.behaviour.chunk_bytes = Some("100000".parse().unwrap());
        options.behaviour.chunks = "200".parse().unwrap();
        options.limits.write_time = Duration::from_millis(300);
    });
    let message = crate::agent::body("s", "x");
    let mut deaf = connect(&agent);
    write!(
        deaf,
        "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\ncontent-length: {}\r\n\r\n{message}",
        message.len()
    )
    .unwrap();
    assert_eq!(ask(&agent, "x").body.len(), 20_000_000);
    // The deaf one is given up; its record says so.
    while agent.truth().requests.len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let truth = agent.stop();
    let ends: Vec<_> = truth.requests.iter().map(|record| record.end).collect();
    assert!(ends.contains(&streamgauge::agent::End::ClientGone), "{ends:?}");
}

#[test]
fn many_connections_at_once_are_served_and_those_beyond_a_limit_wait() {
    let agent = agent(|options| options.limits.connections = Some(50));
    let idle: Vec<_> = (0..50).map(|_| connect(&agent)).collect();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| ask(&agent, "x").status);
        std::thread::sleep(Duration::from_millis(100));
        assert!(!late.is_finished(), "there was no place");
        drop(idle);
        assert_eq!(late.join().unwrap(), 200);
    });
}

#[test]
fn the_budget_of_all_bodies_holds() {
    let agent = agent(|options| options.limits.buffered_bytes = 100_000);
    let head = "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\ncontent-length: 90000\r\n\r\n";
    let mut first = connect(&agent);
    first.write_all(head.as_bytes()).unwrap();
    first.write_all(&[b' '; 80_000]).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let mut second = connect(&agent);
    second.write_all(head.as_bytes()).unwrap();
    let _ = second.write_all(&[b' '; 80_000]);
    assert_eq!(read_all(&mut second).status, 503);
    // What the refused one held is free again.
    first.write_all(&[b' '; 10_000]).unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 422");
}

#[test]
fn an_address_that_is_taken_is_an_error_with_a_sentence() {
    let agent = agent(|_| {});
    let again = streamgauge::agent::start(
        agent.address(),
        streamgauge::agent::Options::default(),
        streamgauge::clock::Clock::start(),
    );
    let error = again.err().unwrap().to_string();
    assert!(error.contains("cannot listen on 127.0.0.1:"), "{error}");
}
