//! What the embedded agent takes for a request, and what it refuses.

use std::io::{Read, Write};

use super::{agent, body, connect, read_all};

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
