//! The wire transport against servers that answer in every way HTTP/1.1 allows, and in some it does
//! not: what a run makes of each, beside what it makes of it over reqwest.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::{Ran, run};

/// Answers the n-th request of the n-th connection by `answer`, until that says to close.
fn server(answer: impl Fn(&mut TcpStream, usize, usize) -> bool + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let answer = std::sync::Arc::new(answer);
        for (connection, socket) in listener.incoming().enumerate() {
            let answer = std::sync::Arc::clone(&answer);
            thread::spawn(move || {
                let mut socket = socket.unwrap();
                socket.set_nodelay(true).unwrap();
                let mut request = 0;
                while read_request(&mut socket) && answer(&mut socket, connection, request) {
                    request += 1;
                }
            });
        }
    });
    url
}

/// Reads a head and its body; `false` at the end.
fn read_request(socket: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    let text = String::from_utf8(head).unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    socket.read_exact(&mut body).is_ok()
}

fn ask(url: &str, transport: &str, more: &[&str]) -> Ran {
    let via = format!("target.transport={transport}");
    let start = ["-m", "hi", "--target", url, "-c", "1", "--workers", "1", "--set", &via];
    run(&[&start[..], more].concat())
}

/// A response in parts, each its own write; then the outcome, the error, and the bytes of body.
type Case = (&'static [&'static str], &'static str, &'static str, &'static str);

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CASES: [Case; 20] = [
    // Framings.
    (&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"], "completed", "", "5"),
    (&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", "llo"], "completed", "", "5"),
    (&["HTTP/1.1 200 OK\r\n\r\nhello", " there"], "completed", "", "11"),
    (&["HTTP/1.0 200 OK\r\n\r\nhello"], "completed", "", "5"),
    (
        &[OK, "transfer-encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nt: u\r\n\r\n"],
        "completed",
        "",
        "5",
    ),
    (
        &[OK, "transfer-encoding: chunked\r\n\r", "\n3\r", "\nhe", "l\r\n0\r\n", "\r\n"],
        "completed",
        "",
        "3",
    ),
    // Interim heads come before the final one, together with it or apart.
    (
        &["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"],
        "completed",
        "",
        "2",
    ),
    (
        &[
            "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
            "HTTP/1.1 20",
            "0 OK\r\ncontent-length: 2\r\n\r\nhi",
        ],
        "completed",
        "",
        "2",
    ),
    // No text in it.
    (&["HTTP/1.1 204 No Content\r\n\r\n"], "failed", "empty", "0"),
    (&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], "failed", "empty", "0"),
    (&["HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"], "failed", "status", "0"),
    // Cut.
    (&[""], "failed", "closed", "0"),
    (&["HTTP/1.1 200 OK\r\ncontent-le"], "failed", "closed", "0"),
    (&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"], "failed", "truncated", "5"),
    (&[OK, "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"], "failed", "truncated", "5"),
    (&[OK, "transfer-encoding: chunked\r\n\r\n5\r\nhel"], "failed", "truncated", "3"),
    // Not HTTP/1.1.
    (&["SSH-2.0-OpenSSH_9.2\r\n\r\n"], "failed", "protocol", "0"),
    (&[OK, "transfer-encoding: chunked\r\n\r\nxyz\r\nhello"], "failed", "protocol", "0"),
    (
        &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"],
        "failed",
        "protocol",
        "0",
    ),
    (&["HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello"], "failed", "protocol", "0"),
];

#[test]
fn both_transports_make_the_same_of_every_response() {
    for (parts, outcome, error, bytes) in CASES {
        let url = server(move |socket, _, _| {
            for part in parts {
                socket.write_all(part.as_bytes()).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            false
        });
        for transport in ["wire", "reqwest"] {
            let ran = ask(&url, transport, &["-n", "1"]);
            let row = &ran.samples()[0];
            let made = (row["outcome"].as_str(), row["error"].as_str(), row["bytes"].as_str());
            assert_eq!(made, (outcome, error, bytes), "{transport} {parts:?}: {}", row["message"]);
        }
    }
}

#[test]
fn chunks_of_one_read_are_told_as_such_and_warned_of() {
    let url = server(|socket, _, _| {
        let chunks = "6\r\nchunk \r\n".repeat(40);
        let whole =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        socket.write_all(whole.as_bytes()).is_ok()
    });
    let ran = ask(&url, "wire", &["-n", "30"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for row in ran.samples() {
        assert_eq!((row["chunks"].as_str(), row["reads"].as_str()), ("40", "1"), "{row:?}");
        assert_eq!(row["connection"], "1", "one after the other, all on one connection");
    }
    let caveats = ran.summary()["caveats"].to_string();
    assert!(caveats.contains("coalesced_chunks"), "{caveats}");
    // Forty chunks are thirty-nine gaps, whatever they came in.
    assert_eq!(ran.summary()["metrics"]["gap"]["count"], 30 * 39);
}

#[test]
fn an_idle_connection_that_has_ended_is_replaced_before_anything_is_sent_and_counted() {
    // The server says that it keeps connections, and closes each soon after its first response.
    let url = server(|socket, _, _| {
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        thread::sleep(Duration::from_millis(20));
        false
    });
    let text = format!(
        "target: {{ url: \"{url}\", agent_id: a }}\nusers: {{ count: 1 }}\n\
         sessions: [{{ messages: [a, {{ text: b, think: 150ms }}, {{ text: c, think: 150ms }}] }}]\n"
    );
    let scenario = crate::support::scenario(&text, &[]);
    let ran = run(&[scenario.path.to_str().unwrap(), "--workers", "1"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let connections: Vec<_> = ran.samples().iter().map(|row| row["connection"].clone()).collect();
    assert_eq!(connections, ["1", "2", "3"]);
    let health = ran.json("run.json")["health"].clone();
    assert_eq!(health["connections_opened"], 3);
    assert_eq!(health["connections_replaced_idle"], 2);
}

#[test]
fn what_has_been_sent_is_never_sent_again_over_another_connection() {
    // It takes the second request and closes without a byte: whether it was carried out is unknown.
    let url = server(|socket, _, request| {
        if request == 1 {
            return false;
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").is_ok()
    });
    let ran = ask(&url, "wire", &["-n", "2"]);
    let samples = ran.samples();
    assert_eq!(samples[0]["outcome"], "completed");
    assert_eq!(
        (samples[1]["outcome"].as_str(), samples[1]["error"].as_str()),
        ("failed", "closed")
    );
    assert!(samples[1]["message"].contains("not sent again"), "{}", samples[1]["message"]);
    assert_eq!(ran.json("run.json")["health"]["connections_opened"], 1);
}

#[test]
fn a_long_request_that_is_refused_early_shows_the_refusal() {
    // This one answers after the head and reads no more, as a gateway with a size limit does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut some = [0; 1024];
            let _ = socket.read(&mut some);
            let body = "{\"detail\": \"too long\"}";
            let head =
                format!("HTTP/1.1 413 Too Large\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            socket.write_all(head.as_bytes()).unwrap();
            // What it has not read would reset the connection if it closed at once.
            thread::sleep(Duration::from_millis(500));
        }
    });
    let message = "x".repeat(16 << 20);
    let text =
        format!("target: {{ url: \"{url}\", agent_id: a }}\nsessions: [{{ from: long.txt }}]\n");
    let scenario = crate::support::scenario(&text, &[("long.txt", &message)]);
    let ran = run(&[scenario.path.to_str().unwrap(), "--workers", "1"]);
    let row = &ran.samples()[0];
    assert_eq!((row["status"].as_str(), row["error"].as_str()), ("413", "status"), "{row:?}");
    assert_eq!(row["message"], "too long");
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_says_how_long_bytes_lay_there() {
    // The kernel begins to stamp a moment after the first socket of the machine has asked for it, and
    // ends with the last one: this one asks throughout.
    let held = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    nix::sys::socket::setsockopt(&held, nix::sys::socket::sockopt::ReceiveTimestampns, &true)
        .unwrap();
    thread::sleep(Duration::from_millis(300));
    let agent = crate::agent::agent(|_| {});
    let url = agent.base_url();
    let ran = ask(&url, "wire", &["-n", "20"]);
    let lag = ran.summary()["metrics"]["client_lag"].clone();
    // Of every read that brought a response or a part of it: at least one a turn.
    assert!(lag["count"].as_u64().unwrap() >= 20, "{lag}");
    for row in ran.samples() {
        let longest: f64 = row["client_lag_ms"].parse().unwrap();
        let total: f64 = row["total_service_ms"].parse().unwrap();
        assert!(longest <= total, "what lay there was sent after the request: {row:?}");
        let connect = |column: &str| row[column].parse::<f64>().unwrap_or(0.0);
        let parts = connect("dns_ms") + connect("tcp_ms") + connect("tls_ms");
        assert!(parts <= connect("connect_ms") + 0.002, "{row:?}");
    }
    let over_reqwest = ask(&url, "reqwest", &["-n", "2"]);
    assert_eq!(over_reqwest.summary()["metrics"]["client_lag"]["count"], 0);
    assert_eq!(over_reqwest.samples()[0]["client_lag_ms"], "");
}

#[test]
fn connections_come_from_the_addresses_that_are_named() {
    let agent = crate::agent::agent(|_| {});
    let url = agent.base_url();
    let sources = "target.source_addresses=[127.0.0.2, 127.0.0.3]";
    let ran = ask(&url, "wire", &["-n", "2", "--set", sources]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let none = "target.source_addresses=[192.0.2.1]";
    let ran = ask(&url, "wire", &["-n", "1", "--set", none]);
    assert_eq!(ran.samples()[0]["error"], "local", "an address that is not ours: {}", ran.out);
}
