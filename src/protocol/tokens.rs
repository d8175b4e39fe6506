//! The events of a Lyzr stream: one token each, with escapes.

use super::event_stream::{Data, EndMark, EventStream};
use super::payload::{Payload, Unescape};
use super::{Breach, ErrorBody, Reply};
use crate::sample::Failure;
use crate::units::Offset;

/// Decodes one event stream of tokens.
#[derive(Debug)]
pub(super) struct TokenStream {
    events: EventStream,
    unescape: Unescape,
}

impl TokenStream {
    pub(super) fn new(mark: EndMark) -> Self {
        Self { events: EventStream::new(mark), unescape: Unescape::default() }
    }

    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: Offset,
        reply: &mut Reply,
    ) -> Result<(), Breach> {
        let Self { events, unescape } = self;
        events.feed(bytes, at, reply, |data, reply| token(unescape, reply, data))
    }

    pub(super) fn end(&mut self, at: Offset, reply: &mut Reply) -> Result<(), Breach> {
        let Self { events, unescape } = self;
        let ended = events.end(at, reply, |data, reply| token(unescape, reply, data));
        // A backslash that began no escape belongs to the token it came with.
        let left = self.unescape.end();
        if !left.is_empty() {
            reply.chunk(reply.last_chunk().unwrap_or(at), left);
        }
        ended
    }
}

fn token(unescape: &mut Unescape, reply: &mut Reply, data: Data<'_>) -> Result<(), Breach> {
    match Payload::read(data.text) {
        Payload::Token(piece) => reply.chunk(data.at, &unescape.feed(piece)),
        Payload::Text(text) => reply.chunk(data.at, &text),
        Payload::Trace => {}
        Payload::Error(message) => {
            return Err(Breach::new(Failure::Agent, ErrorBody::said(&message).0));
        }
    }
    Ok(())
}
