//! The embedded agent over real sockets on loopback: what it sends, what it refuses, what it logs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use streamgauge::agent::{self, Agent, Behaviour, End, Options};
use streamgauge::clock::Clock;

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

#[test]
fn the_documented_request_is_answered_chunk_by_chunk() {
    let agent = agent(|_| {});
    for path in ["/v2/stream/", "/v2/stream"] {
        let answer = ask_at(&agent, path, &body("s1", "Can you stream your response?"));
        assert_eq!((answer.status, answer.whole, answer.chunks.len()), (200, true, 20));
        assert!(answer.text().contains("\"Can you stream your response?\""), "{}", answer.text());
    }
    let chat = ask_at(&agent, "/v2/chat/", &body("s2", "hello"));
    assert!(chat.json()["response"].as_str().unwrap().contains("\"hello\""));
}

#[test]
fn a_session_is_remembered_and_no_other() {
    let agent = agent(|_| {});
    ask_at(&agent, "/v2/stream/", &body("one", "My name is Ada."));
    let second = ask_at(&agent, "/v2/stream/", &body("one", "What is my name?")).text();
    assert!(second.contains("message 2 of our session") && second.contains("Ada"), "{second}");
    let other = ask_at(&agent, "/v2/stream/", &body("two", "What is my name?")).text();
    assert!(!other.contains("Ada"), "{other}");
    let none = r#"{"user_id":"u","agent_id":"a","session_id":null,"message":"Who?"}"#;
    for _ in 0..2 {
        assert!(!ask_at(&agent, "/v2/stream/", none).text().contains("our session"));
    }
    let history = get(&agent, "/v1/sessions/one/history").json();
    let said: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["role"].as_str().unwrap(), entry["content"].as_str().unwrap()))
        .collect();
    assert_eq!(said.len(), 4);
    assert_eq!(said[0], ("user", "My name is Ada."));
    assert_eq!(said[3], ("assistant", second.as_str()));
    assert_eq!(get(&agent, "/v1/sessions/none/history").status, 404);
}

#[test]
fn what_is_not_a_good_request_gets_the_service_s_own_refusal() {
    let agent = agent(|options| options.api_key = Some(streamgauge::secret::Secret::new("k")));
    let send = |request: &str| {
        let mut stream = connect(&agent);
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    };
    let post = "POST /v2/stream/ HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n";
    for (request, status, detail) in [
        (format!("{post}\r\n{{}}"), 401, "Missing API key"),
        (format!("{post}x-api-key: other\r\n\r\n{{}}"), 403, "Invalid API key"),
        (format!("{post}x-api-key: k\r\n\r\n{{}}"), 422, ""),
        ("GET /v2/stream/ HTTP/1.1\r\nconnection: close\r\n\r\n".into(), 405, "Method Not Allowed"),
        ("DELETE /health HTTP/1.1\r\nconnection: close\r\n\r\n".into(), 405, "Method Not Allowed"),
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n".into(), 404, "Not Found"),
        ("GET /v3/agents/../../etc/passwd HTTP/1.0\r\n\r\n".into(), 404, "Not Found"),
    ] {
        let answer = send(&request);
        assert_eq!(answer.status, status, "{request}");
        let body = answer.json();
        assert!(body["detail"].as_str().unwrap_or("") == detail, "{body}");
    }
    let missing = send(&format!("{post}x-api-key: k\r\n\r\n{{}}")).json();
    assert_eq!(missing["detail"].as_array().unwrap().len(), 4);
    assert_eq!(missing["detail"][0]["msg"], "field required");
    let statuses: Vec<u16> = agent.stop().requests.iter().map(|record| record.status).collect();
    assert_eq!(statuses, [401, 403, 422, 405, 405, 404, 404, 422]);
}

#[test]
fn one_connection_serves_many_requests_even_when_they_are_sent_ahead() {
    let agent = agent(|_| {});
    let mut stream = connect(&agent);
    let message = body("s", "x");
    let one = |more: &str| {
        format!(
            "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\n{more}content-length: {}\r\n\r\n{message}",
            message.len()
        )
    };
    let all = one("") + &one("") + &one("connection: close\r\n");
    stream.write_all(all.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
    let truth = agent.stop();
    let places: Vec<_> =
        truth.requests.iter().map(|record| (record.connection, record.on_connection)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (1, 3)]);
}

#[test]
fn a_chunked_request_with_expectation_is_read() {
    let agent = agent(|_| {});
    let mut stream = connect(&agent);
    stream
        .write_all(
            b"POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\nexpect: 100-continue\r\n\
              connection: close\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    for piece in body("s", "in pieces").as_bytes().chunks(7) {
        write!(stream, "{:x}\r\n", piece.len()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert!(read_all(&mut stream).text().contains("in pieces"));
}

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

#[test]
fn events_carry_tokens_escaped_and_end_with_done() {
    let agent = agent(|options| {
        options.behaviour.answer = Some("To improve:\n- \"this\" \\ that".into());
        options.behaviour.framing = agent::Framing::Sse;
    });
    for path in ["/v2/stream/", "/v3/inference/stream/"] {
        let answer = ask_at(&agent, path, &body("s", "x"));
        assert!(answer.head.contains("content-type: text/event-stream"));
        let text = answer.text();
        let events = events(&text);
        assert_eq!(events, ["To", " improve:\\n-", " \\\"this\\\"", " \\\\", " that", "[DONE]"]);
    }
}

#[test]
fn completions_speak_openai_streamed_and_not() {
    let agent = agent(|options| options.behaviour.reasoning = "3".parse().unwrap());
    let request = |stream: bool| {
        serde_json::json!({"model": "m", "stream": stream,
            "stream_options": {"include_usage": stream},
            "messages": [{"role": "user", "content": "My name is Ada."},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "And now?"}]})
        .to_string()
    };
    for path in ["/v1/chat/completions", "/v4/chat/completions/"] {
        let text = ask_at(&agent, path, &request(true)).text();
        let events = events(&text);
        assert_eq!(events.last(), Some(&"[DONE]"));
        let chunks: Vec<serde_json::Value> = events[..events.len() - 1]
            .iter()
            .map(|event| serde_json::from_str(event).unwrap())
            .collect();
        let join = |field: &str| -> String {
            let delta = |chunk: &serde_json::Value| {
                Some(chunk["choices"].get(0)?["delta"].get(field)?.as_str()?.to_owned())
            };
            chunks.iter().filter_map(delta).collect()
        };
        assert!(join("content").contains("Ada") && join("reasoning_content").contains("think"));
        assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], 23);
        let whole = ask_at(&agent, path, &request(false)).json();
        let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(content.contains("Ada"), "{content}");
    }
    let refusal = ask_at(&agent, "/v1/chat/completions", "{}").json();
    assert_eq!(refusal["error"]["type"], "invalid_request_error");
    assert_eq!(get(&agent, "/v1/models").json()["data"][0]["object"], "model");
    assert_eq!(get(&agent, "/v3/agents/abc").json()["_id"], "abc");
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
    let mut stream = connect(&agent);
    let message = body("s", "x");
    write!(
        stream,
        "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\ncontent-length: {}\r\n\r\n{message}",
        message.len()
    )
    .unwrap();
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
    let mut stream = connect(&agent);
    let message = body("s", "x");
    write!(
        stream,
        "POST /v2/stream/ HTTP/1.1\r\nx-api-key: k\r\ncontent-length: {}\r\n\r\n{message}",
        message.len()
    )
    .unwrap();
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

#[test]
fn a_full_agent_queues_or_refuses() {
    let slow = Behaviour::fixed(Duration::from_millis(500), Duration::ZERO, 1);
    for (reject, expected) in [(false, [200, 200]), (true, [200, 429])] {
        let agent = agent(|options| {
            options.behaviour = slow.clone();
            options.capacity.max_concurrent = Some(1);
            if reject {
                options.capacity.when_full = agent::WhenFull::Reject;
            }
        });
        let statuses = std::thread::scope(|scope| {
            let first = scope.spawn(|| ask(&agent, "1").status);
            std::thread::sleep(Duration::from_millis(150));
            let second = scope.spawn(|| ask(&agent, "2").status);
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert_eq!(statuses, expected);
        let truth = agent.stop();
        let second = &truth.requests.iter().find(|record| record.seq == 2).unwrap();
        if !reject {
            let waited = second.admitted.unwrap().since(second.complete);
            assert!(waited >= Duration::from_millis(50), "{waited:?}");
        } else {
            assert_eq!(&*second.fault, "full");
        }
    }
}

#[test]
fn a_freeze_holds_everything_and_is_logged() {
    let agent = agent(|options| {
        options.behaviour = Behaviour::fixed(Duration::ZERO, Duration::from_millis(10), 40);
        options.freezes = vec!["100ms+300ms".parse().unwrap()];
        options.threads = 2;
        options.limits.truth_writes = true;
    });
    assert!(ask(&agent, "x").whole);
    let truth = agent.stop();
    assert_eq!(truth.freezes.len(), 2, "one for each thread");
    let from = truth.freezes.iter().map(|freeze| freeze.0).max().unwrap();
    let until = truth.freezes.iter().map(|freeze| freeze.1).min().unwrap();
    assert!(until.since(from) >= Duration::from_millis(250), "{from} {until}");
    let writes = &truth.requests[0].write_times;
    assert!(writes.iter().all(|at| *at <= from || *at >= until));
    assert!(truth.requests[0].late_us > 200_000);
}

#[test]
fn connections_are_refused_for_a_while_and_then_welcome_again() {
    let agent = agent(|options| options.refusals = vec!["100ms+1500ms".parse().unwrap()]);
    assert_eq!(ask(&agent, "x").status, 200);
    std::thread::sleep(Duration::from_millis(600));
    let error = TcpStream::connect(agent.address()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    while TcpStream::connect(agent.address()).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ask(&agent, "x").status, 200);
}

#[test]
fn the_same_seed_gives_the_same_replies_and_faults() {
    let play = |seed: u64| {
        let agent = agent(|options| {
            options.seed = seed;
            options.behaviour.chunks = "uniform(1, 50)".parse().unwrap();
            options.faults = vec!["status=500@30%".parse().unwrap()];
        });
        (0..20).map(|_| (ask(&agent, "x").status, ask(&agent, "x").body.len())).collect::<Vec<_>>()
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn rules_decide_by_agent_and_message_and_writes_group_or_split() {
    let agent = agent(|options| {
        let with = |when: &str, change: &dyn Fn(&mut Behaviour)| {
            let mut behaviour = options.behaviour.clone();
            behaviour.gap = agent::Draw::fixed(Duration::from_millis(1));
            change(&mut behaviour);
            agent::Rule { when: when.parse().unwrap(), behaviour }
        };
        options.rules = vec![
            with("message:group*", &|behaviour| behaviour.per_write = "5".parse().unwrap()),
            with("message:split*", &|behaviour| behaviour.split_writes = true),
            with("message:json*", &|behaviour| behaviour.framing = agent::Framing::Json),
            with("agent:a&message:sized*", &|behaviour| {
                behaviour.chunk_bytes = Some("7".parse().unwrap());
            }),
        ];
    });
    let chunks = |message: &str| ask(&agent, message).chunks;
    assert_eq!(chunks("as it is").len(), 20);
    assert_eq!(chunks("group").len(), 4);
    assert_eq!(chunks("split").len(), 40);
    assert!(chunks("sized").iter().all(|chunk| chunk.len() == 7));
    let json = ask(&agent, "json");
    assert!(json.head.contains("application/json") && json.json()["response"].is_string());
    let truth = agent.stop();
    let counts: Vec<_> =
        truth.requests.iter().map(|record| (record.chunks, record.bytes)).collect();
    // Halves of a chunk are one chunk; a document has one.
    let chunks: Vec<u32> = counts.iter().map(|count| count.0).collect();
    assert_eq!(chunks, [20, 20, 20, 20, 1]);
    assert_eq!(counts[3].1, 140);
}

#[test]
fn a_rate_and_credits_are_kept_to() {
    let limited = agent(|options| {
        options.capacity.rate = Some("2/m".parse().unwrap());
        options.capacity.retry_after = agent::RetryAfter::Seconds;
    });
    assert_eq!(ask(&limited, "x").status, 200);
    let refused = ask(&limited, "x");
    assert_eq!(refused.status, 429);
    let after = refused.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    let after: u64 = after.unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    assert_eq!(&*limited.stop().requests[1].fault, "rate");
    let poor = agent(|options| options.capacity.credits = Some(1));
    assert_eq!(ask(&poor, "x").status, 200);
    let refused = ask(&poor, "x");
    assert_eq!(
        (refused.status, refused.json()["detail"].as_str()),
        (429, Some("Insufficient credits"))
    );
    assert!(!refused.head.contains("retry-after"));
}
