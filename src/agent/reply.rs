//! A reply as HTTP has it: status line, headers, framing, and when each stretch of it is due.

use std::io::Write;
use std::time::Duration;

use super::fault::RetryAfter;
use super::refusal::{Refusal, reason};

/// A reply, ready to be played.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Head and body, as they go over the wire.
    pub(super) wire: Vec<u8>,
    /// Where the head ends (with what follows it at once, if that is not a part).
    pub(super) head_end: usize,
    /// The head comes byte by byte over this time.
    pub(super) slow_head: Option<Duration>,
    /// What follows, in order of due times.
    pub(super) parts: Vec<Part>,
    pub(super) finish: Finish,
    /// Whether the connection can take another request afterwards.
    pub(super) keep_alive: bool,
    /// What was said, for the session's history.
    pub(super) answer: String,
}

/// A stretch of the body that is due at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Counted from the moment the request was admitted.
    pub(super) due: Duration,
    /// Where it ends in [`Reply::wire`].
    pub(super) end: usize,
    /// Bytes of body in it, without the framing of HTTP.
    pub(super) payload: usize,
    /// Chunks with text that it completes.
    pub(super) chunks: u32,
}

/// What happens to the connection after the last part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Finish {
    /// The reply is complete.
    #[default]
    Done,
    /// It is complete, and closing the connection says so.
    DoneByClose,
    /// It is not, and the connection is closed.
    Cut,
    /// It is not, and the connection is reset.
    Reset,
    /// Nothing more happens until the client goes.
    Hold,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimited {
    Chunked,
    Length(usize),
    Close,
}

/// One HTTP chunk, or as much of it as is left after `torn` bytes went missing.
pub(super) fn chunk(out: &mut Vec<u8>, payload: &[u8], torn: usize) {
    // A Vec takes everything; a result is there only because it is a writer.
    let _ = write!(out, "{:x}\r\n", payload.len() + torn);
    out.extend_from_slice(payload);
    if torn == 0 {
        out.extend_from_slice(b"\r\n");
    }
}

/// Status line and headers, without the empty line that ends them.
pub(super) fn head(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    delimited: Delimited,
    keep_alive: bool,
    date: &str,
) {
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nserver: streamgauge-agent\r\ndate: {date}\r\n\
         content-type: {content_type}\r\n",
        reason(status)
    );
    match delimited {
        Delimited::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Delimited::Length(length) => {
            let _ = write!(out, "content-length: {length}\r\n");
        }
        Delimited::Close => {}
    }
    if content_type.starts_with("text/event-stream") {
        out.extend_from_slice(b"cache-control: no-cache\r\n");
    }
    if !keep_alive || delimited == Delimited::Close {
        out.extend_from_slice(b"connection: close\r\n");
    }
}

/// A reply with a body that is there at once.
pub(super) fn document_reply(
    status: u16,
    content_type: &str,
    body: &[u8],
    keep_alive: bool,
    date: &str,
    extra: &str,
) -> Reply {
    let mut wire = Vec::with_capacity(256 + body.len());
    head(&mut wire, status, content_type, Delimited::Length(body.len()), keep_alive, date);
    wire.extend_from_slice(extra.as_bytes());
    wire.extend_from_slice(b"\r\n");
    let head_end = wire.len();
    wire.extend_from_slice(body);
    let part = Part { due: Duration::ZERO, end: wire.len(), payload: body.len(), chunks: 0 };
    let parts = if body.is_empty() { Vec::new() } else { vec![part] };
    Reply { status, wire, head_end, parts, keep_alive, ..Reply::default() }
}

/// A refusal as a reply. `http_date` writes a moment so far ahead in HTTP's form.
pub(super) fn refusal_reply(
    refusal: &Refusal,
    openai: bool,
    keep_alive: bool,
    date: &str,
    http_date: impl FnOnce(Duration) -> String,
) -> Reply {
    let mut extra = String::new();
    match refusal.retry_after {
        Some((form @ (RetryAfter::Seconds | RetryAfter::Ms), after)) => {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            extra = format!("retry-after: {seconds}\r\n");
            if form == RetryAfter::Ms {
                let millis = after.as_nanos().div_ceil(1_000_000);
                extra.push_str(&format!("retry-after-ms: {millis}\r\n"));
            }
        }
        Some((RetryAfter::Date, after)) => extra = format!("retry-after: {}\r\n", http_date(after)),
        Some((RetryAfter::Absent, _)) | None => {}
    }
    if let Some(allow) = refusal.allow {
        extra.push_str(&format!("allow: {allow}\r\n"));
    }
    let keep_alive = keep_alive && !refusal.closes;
    let body = refusal.body(openai);
    let mut reply = document_reply(
        refusal.status,
        "application/json",
        body.as_bytes(),
        keep_alive,
        date,
        &extra,
    );
    if !keep_alive {
        reply.finish = Finish::DoneByClose;
    }
    reply
}
