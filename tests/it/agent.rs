//! The embedded agent over real sockets on loopback: what it sends, what it refuses, what it logs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use streamgauge::agent::{self, Agent, Behaviour, Options};
use streamgauge::clock::Clock;

mod limits;
mod misbehaviour;
mod replies;
mod requests;
mod truth;

/// An agent on a free port that answers at once unless told otherwise.
pub(crate) fn agent(change: impl FnOnce(&mut Options)) -> Agent {
    let mut options = Options {
        behaviour: Behaviour::fixed(Duration::ZERO, Duration::ZERO, 20),
        ..Options::default()
    };
    change(&mut options);
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    agent::start(any, options, Clock::start()).unwrap()
}

pub(crate) fn faults(rules: &[&str]) -> impl FnOnce(&mut Options) {
    let faults = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    move |options| options.faults = faults
}

pub(crate) fn connect(agent: &Agent) -> TcpStream {
    let stream = TcpStream::connect(agent.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What came back: status, head, and body with HTTP's framing undone.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The HTTP chunks the body came in.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// Whether the framing of HTTP says that this is all of it.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Reads until the connection is closed (or reset) and takes the bytes apart.
pub(crate) fn read_all(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Answer {
            status: 0,
            head: String::from_utf8_lossy(&bytes).into(),
            body: Vec::new(),
            chunks: Vec::new(),
            whole: false,
        };
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut rest = &bytes[end + 4..];
    let (mut chunks, mut whole) = (Vec::new(), false);
    if head.contains("transfer-encoding: chunked") {
        while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&rest[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            rest = &rest[line + 2..];
            if size == 0 {
                whole = rest == b"\r\n";
                break;
            }
            chunks.push(rest[..size.min(rest.len())].to_vec());
            rest = rest.get(size + 2..).unwrap_or_default();
        }
    } else {
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        whole = length == Some(rest.len());
        chunks.push(rest.to_vec());
    }
    Answer { status, head, body: chunks.concat(), chunks, whole }
}

pub(crate) fn ask_at(agent: &Agent, path: &str, body: &str) -> Answer {
    let mut stream = connect(agent);
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    read_all(&mut stream)
}

pub(crate) fn body(session: &str, message: &str) -> String {
    serde_json::json!({"user_id": "u", "agent_id": "a", "session_id": session, "message": message})
        .to_string()
}

pub(crate) fn ask(agent: &Agent, message: &str) -> Answer {
    ask_at(agent, "/v2/stream/", &body("s", message))
}

pub(crate) fn get(agent: &Agent, path: &str) -> Answer {
    let mut stream = connect(agent);
    write!(stream, "GET {path} HTTP/1.1\r\nx-api-key: k\r\nconnection: close\r\n\r\n").unwrap();
    read_all(&mut stream)
}

/// The data of events that end in LF LF.
pub(crate) fn events(text: &str) -> Vec<&str> {
    text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}
