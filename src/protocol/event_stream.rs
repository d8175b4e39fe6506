//! An answer that comes as an event stream: what the dialects that have one share.

use super::{Breach, ErrorBody, Reply, SseDecoder, SseEvent};
use crate::sample::Failure;
use crate::units::Offset;

/// Most that is kept of a body that is no event stream, for what it says of an error.
const DOCUMENT_LIMIT: usize = 64 << 10;

/// What marks the end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndMark {
    /// Nothing: the end of the body is the end of the answer, and `[DONE]` is not text.
    None,
    /// `[DONE]`: nothing after it belongs to the answer, and a stream without it is cut.
    Done,
}

/// The data of one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'a> {
    /// What stands in it.
    pub(super) text: &'a str,
    /// The stamp of the read that completed it.
    pub(super) at: Offset,
    /// The body ended in the middle of the event.
    pub(super) unfinished: bool,
}

/// Reads the events of one reply and knows its end, and what is no event stream at all.
#[derive(Debug)]
pub(super) struct EventStream {
    sse: SseDecoder,
    state: State,
    /// Bytes have come.
    begun: bool,
    document: Document,
}

/// What is kept of a body as long as it may be one JSON document instead of a stream.
#[derive(Debug)]
enum Document {
    /// Nothing but white space has come.
    NotBegun,
    /// It is none.
    No,
    /// It began as one does.
    Kept(Vec<u8>),
}

#[derive(Debug)]
struct State {
    mark: EndMark,
    done: bool,
    events: u64,
    error: Option<Breach>,
}

impl EventStream {
    pub(super) fn new(mark: EndMark) -> Self {
        Self {
            sse: SseDecoder::new(SseDecoder::DEFAULT_LIMIT),
            state: State { mark, done: false, events: 0, error: None },
            begun: false,
            document: Document::NotBegun,
        }
    }

    /// Takes one read and hands the data of each event it completed to `take`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: Offset,
        reply: &mut Reply,
        mut take: impl FnMut(Data<'_>, &mut Reply) -> Result<(), Breach>,
    ) -> Result<(), Breach> {
        if self.state.events == 0 {
            self.keep_document(bytes);
        }
        let Self { sse, state, .. } = self;
        sse.feed(bytes, at, |event| state.event(event, reply, &mut take)).map_err(too_long)?;
        self.state.error.take().map_or(Ok(()), Err)
    }

    /// The body has ended.
    pub(super) fn end(
        &mut self,
        at: Offset,
        reply: &mut Reply,
        mut take: impl FnMut(Data<'_>, &mut Reply) -> Result<(), Breach>,
    ) -> Result<(), Breach> {
        let Self { sse, state, .. } = self;
        sse.end(at, |event| state.event(event, reply, &mut take)).map_err(too_long)?;
        if let Some(error) = self.state.error.take() {
            return Err(error);
        }
        if self.begun && self.state.events == 0 && self.sse.comments() == 0 {
            return Err(self.no_stream());
        }
        if self.begun && self.state.mark == EndMark::Done && !self.state.done {
            return Err(Breach::new(Failure::Truncated, "the stream ended without `[DONE]`"));
        }
        Ok(())
    }

    fn keep_document(&mut self, bytes: &[u8]) {
        self.begun |= !bytes.is_empty();
        if matches!(self.document, Document::NotBegun) {
            self.document = match bytes.trim_ascii_start().first() {
                None => Document::NotBegun,
                Some(b'{') => Document::Kept(Vec::new()),
                Some(_) => Document::No,
            };
        }
        if let Document::Kept(document) = &mut self.document {
            let room = DOCUMENT_LIMIT - document.len();
            document.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn no_stream(&self) -> Breach {
        let no_stream = || Breach::new(Failure::Protocol, "the reply is not an event stream");
        let Document::Kept(document) = &self.document else { return no_stream() };
        match serde_json::from_slice(document) {
            Ok(value) => match ErrorBody::detail(&value) {
                Some(detail) => Breach::new(Failure::Agent, detail),
                None => Breach::new(
                    Failure::Protocol,
                    "the reply is one JSON document, not an event stream",
                ),
            },
            Err(_) => no_stream(),
        }
    }
}

impl State {
    fn event(
        &mut self,
        event: SseEvent<'_>,
        reply: &mut Reply,
        take: &mut impl FnMut(Data<'_>, &mut Reply) -> Result<(), Breach>,
    ) {
        self.events += 1;
        if self.error.is_some() || self.done {
            return;
        }
        let Ok(text) = std::str::from_utf8(event.data) else {
            let number = self.events;
            self.error = Some(Breach::new(
                Failure::Protocol,
                format!("the reply is not UTF-8 (event {number} of the stream)"),
            ));
            return;
        };
        let done = text == "[DONE]";
        match self.mark {
            EndMark::None if done => return,
            EndMark::Done if done => {
                self.done = true;
                return;
            }
            // A cut in the middle of the mark left a piece that is no text.
            EndMark::Done if event.unfinished && "[DONE]".starts_with(text) => return,
            EndMark::None | EndMark::Done => {}
        }
        let taken = if event.kind == b"error" {
            Err(Breach::new(Failure::Agent, ErrorBody::read(event.data).0))
        } else {
            take(Data { text, at: event.at, unfinished: event.unfinished }, reply)
        };
        self.error = taken.err();
    }
}

fn too_long(error: super::SseError) -> Breach {
    Breach::new(Failure::Protocol, error.to_string())
}
