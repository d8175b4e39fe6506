//! `POST /v2/stream/` of the Lyzr Agent API: four strings asked, an answer of unpublished framing.
//!
//! Nobody has said how the reply is framed, and the content type does not tell. So every read is
//! stamped whatever it holds, and the framing is decided from the reply itself, as late as needed:
//! what came before the decision is kept with its stamps and then decoded as if it had been known.

use serde::Serialize;

use super::event_stream::EndMark;
use super::text::TextDecoder;
use super::tokens::TokenStream;
use super::{Asking, Breach, Reply};
use crate::sample::Failure;
use crate::scenario::Framing;
use crate::units::Offset;

/// Most that is kept of a reply whose framing is not decided yet: a JSON document can only be told
/// from text when it has ended. A longer one is text.
const UNDECIDED_LIMIT: usize = 16 << 20;

/// The body of a request.
pub(super) fn body(asking: &Asking<'_>, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    #[derive(Serialize)]
    struct Body<'a> {
        user_id: &'a str,
        agent_id: &'a str,
        session_id: &'a str,
        message: &'a str,
    }
    let Asking { user_id, agent_id, session_id, message, .. } = *asking;
    serde_json::to_writer(out, &Body { user_id, agent_id, session_id, message })
}

/// Where a bare base URL is asked.
pub(super) const PATH: &str = "/v2/stream/";

/// This endpoint publishes no end mark: one that comes is not text, and one that does not is not
/// missed. A cut shows in HTTP's own framing.
fn tokens() -> TokenStream {
    TokenStream::new(EndMark::None)
}

/// Decodes one reply.
#[derive(Debug)]
pub(super) struct LyzrV2Decoder(State);

#[derive(Debug)]
enum State {
    Undecided(Held),
    /// It begins as JSON does: only its end can tell, so that nothing is looked at before.
    PerhapsJson(Held),
    Text(TextDecoder),
    Sse(TokenStream),
    /// JSON by order, not by guess.
    Json(Held),
}

/// Reads whose meaning is not known yet.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// Where each read ends in `bytes`, and its stamp.
    reads: Vec<(usize, Offset)>,
}

impl LyzrV2Decoder {
    pub(super) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Auto => State::Undecided(Held::default()),
            Framing::Raw => State::Text(TextDecoder::default()),
            Framing::Sse => State::Sse(tokens()),
            Framing::Json => State::Json(Held::default()),
        })
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: Offset,
        reply: &mut Reply,
    ) -> Result<(), Breach> {
        match &mut self.0 {
            State::Text(text) => text.feed(bytes, at, reply),
            State::Sse(tokens) => tokens.feed(bytes, at, reply)?,
            State::Json(held) => held.add(bytes, at)?,
            State::PerhapsJson(held) => {
                if held.add(bytes, at).is_err() {
                    self.0 = State::Text(held.replay_text(reply));
                }
            }
            State::Undecided(held) => {
                // The usual case: the first read already says that this is text.
                if held.bytes.is_empty() && guess(bytes) == Guess::Text {
                    let mut text = TextDecoder::default();
                    text.feed(bytes, at, reply);
                    self.0 = State::Text(text);
                    return Ok(());
                }
                let fits = held.add(bytes, at).is_ok();
                let next = match guess(&held.bytes) {
                    Guess::Sse => State::Sse(
                        held.replay(tokens(), |stream, bytes, at| stream.feed(bytes, at, reply))?,
                    ),
                    Guess::Text => State::Text(held.replay_text(reply)),
                    _ if !fits => State::Text(held.replay_text(reply)),
                    Guess::PerhapsJson => State::PerhapsJson(std::mem::take(held)),
                    Guess::Open => return Ok(()),
                };
                self.0 = next;
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self, at: Offset, reply: &mut Reply) -> Result<(), Breach> {
        match &mut self.0 {
            State::Text(text) => text.end()?,
            State::Sse(tokens) => tokens.end(at, reply)?,
            State::Json(held) => {
                if !held.read_objects(reply) {
                    return Err(held.why_not_json());
                }
            }
            State::PerhapsJson(held) => {
                if !held.read_objects(reply) {
                    held.replay_text(reply).end()?;
                }
            }
            State::Undecided(held) => held.replay_text(reply).end()?,
        }
        Ok(())
    }

    /// Bytes of the answer have come although no chunk has been noted: the framing is still open.
    pub(super) fn holds_back(&self) -> bool {
        match &self.0 {
            State::Undecided(held) | State::PerhapsJson(held) | State::Json(held) => {
                !held.bytes.is_empty()
            }
            State::Text(_) | State::Sse(_) => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guess {
    /// Too little has come.
    Open,
    Text,
    Sse,
    /// Decided when the body has ended.
    PerhapsJson,
}

/// The framing of a body that begins so. The first line that is neither blank nor a comment
/// decides: an answer in plain text may well have a line `data:` further down.
fn guess(body: &[u8]) -> Guess {
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest,
        None if b"\xef\xbb\xbf".starts_with(body) => return Guess::Open,
        None => body,
    };
    let mut rest = body;
    let mut comment = false;
    loop {
        let end = memchr::memchr2(b'\n', b'\r', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        match line {
            [] if end.is_none() => return Guess::Open,
            // `: comment` and a blank line is an event stream; `:-)` and a blank line is not.
            [] if comment => return Guess::Sse,
            [] => {}
            [b':', ..] if end.is_none() => return Guess::Open,
            [b':', after @ ..] => comment = after.first().is_none_or(|&byte| byte == b' '),
            _ => {
                let fields: [&[u8]; 4] = [b"data:", b"event:", b"id:", b"retry:"];
                if fields.iter().any(|field| line.starts_with(field)) {
                    return Guess::Sse;
                }
                if end.is_none() && fields.iter().any(|field| field.starts_with(line)) {
                    return Guess::Open;
                }
                let blank = body.iter().position(|byte| !byte.is_ascii_whitespace());
                return match blank.map(|at| body[at]) {
                    Some(b'{') => Guess::PerhapsJson,
                    None => Guess::Open,
                    Some(_) => Guess::Text,
                };
            }
        }
        let end = end.unwrap_or(rest.len());
        // CRLF is one line end.
        let width = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[(end + width).min(rest.len())..];
    }
}

impl Held {
    fn add(&mut self, bytes: &[u8], at: Offset) -> Result<(), Breach> {
        self.bytes.extend_from_slice(bytes);
        self.reads.push((self.bytes.len(), at));
        if self.bytes.len() > UNDECIDED_LIMIT {
            return Err(Breach::new(
                Failure::Protocol,
                format!("a JSON reply is longer than {UNDECIDED_LIMIT} bytes"),
            ));
        }
        Ok(())
    }

    fn replay<D>(
        &mut self,
        mut decoder: D,
        mut feed: impl FnMut(&mut D, &[u8], Offset) -> Result<(), Breach>,
    ) -> Result<D, Breach> {
        let mut start = 0;
        for (end, at) in self.reads.drain(..) {
            feed(&mut decoder, &self.bytes[start..end], at)?;
            start = end;
        }
        Ok(decoder)
    }

    fn replay_text(&mut self, reply: &mut Reply) -> TextDecoder {
        let mut text = TextDecoder::default();
        let mut start = 0;
        for (end, at) in self.reads.drain(..) {
            text.feed(&self.bytes[start..end], at, reply);
            start = end;
        }
        text
    }

    /// One or several JSON objects with `response`, each a chunk stamped by the read that completed
    /// it. `false`, and nothing noted, if the body is anything else.
    fn read_objects(&self, reply: &mut Reply) -> bool {
        #[derive(serde::Deserialize)]
        struct Object {
            response: String,
        }
        let mut stream = serde_json::Deserializer::from_slice(&self.bytes).into_iter::<Object>();
        let mut chunks = Vec::new();
        while let Some(object) = stream.next() {
            let Ok(object) = object else { return false };
            chunks.push((stream.byte_offset(), object.response));
        }
        for (end, text) in &chunks {
            let read = self.reads.partition_point(|(read_end, _)| read_end < end);
            if let Some((_, at)) = self.reads.get(read) {
                reply.chunk(*at, text);
            }
        }
        !chunks.is_empty()
    }

    fn why_not_json(&self) -> Breach {
        if self.bytes.is_empty() {
            return Breach::new(Failure::Empty, "the reply is empty");
        }
        match serde_json::from_slice::<serde_json::Value>(&self.bytes) {
            Err(error) if error.is_eof() => {
                Breach::new(Failure::Truncated, "the JSON of the reply is cut")
            }
            Err(error) => Breach::new(
                Failure::Protocol,
                format!("the reply is not JSON (line {}, column {})", error.line(), error.column()),
            ),
            Ok(value) => match super::ErrorBody::detail(&value) {
                Some(detail) => Breach::new(Failure::Agent, detail),
                None => Breach::new(Failure::Protocol, "the JSON of the reply has no `response`"),
            },
        }
    }
}
