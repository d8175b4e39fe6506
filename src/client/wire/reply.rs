//! The body of a response, piece by piece as the reads bring it.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::buffers::Buffer;
use super::chunked::Piece;
use super::framing::Framing;
use super::head::header;
use super::pool::{Connection, Pool};
use crate::client::failure::TransportFailure;
use crate::client::{Read, ReplyReader};
use crate::sample::{Failure, Outcome};
use crate::units::Offset;

/// The body of a reply that the wire transport reads.
#[derive(Debug)]
pub struct WireReply {
    pub(super) pool: Rc<Pool>,
    /// `None` once it has gone back to the pool, or is of no more use.
    pub(super) connection: Option<Box<Connection>>,
    pub(super) keep_alive: bool,
    pub(super) framing: Framing,
    /// The head, where somebody may ask for its headers.
    pub(super) head: Box<[u8]>,
    /// Bytes read and not yet handed out: held only while there are any.
    pub(super) held: Option<Held>,
    /// The stamp of the last read, and what is still to be told of its lag.
    pub(super) at: Offset,
    pub(super) lag: Option<Duration>,
}

/// Bytes of a read, and how far they have been handed out.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) buffer: Buffer,
    pub(super) next: usize,
    pub(super) end: usize,
}

/// A piece that lies ready.
enum Ready {
    /// In the held bytes.
    At(std::ops::Range<usize>),
    /// The body has ended.
    End,
    /// There is none: a read is needed.
    None,
}

impl WireReply {
    /// The next piece of what has been read.
    fn next_ready(&mut self) -> Result<Ready, TransportFailure> {
        let (bytes, from) = match &self.held {
            Some(held) => (&held.buffer[held.next..held.end], held.next),
            None => (&[][..], 0),
        };
        let (taken, piece) = self.framing.next(bytes).map_err(|malformed| {
            // What follows cannot be understood either.
            self.connection = None;
            TransportFailure::new(Outcome::Failed(Failure::Protocol), malformed.to_string())
        })?;
        if let Some(held) = &mut self.held {
            held.next += taken;
        }
        Ok(match piece {
            Piece::Data(place) => Ready::At(from + place.start..from + place.end),
            Piece::More => Ready::None,
            Piece::End => {
                self.finish();
                Ready::End
            }
        })
    }

    /// The body has been read to its end.
    fn finish(&mut self) {
        let rest = self.held.take().is_some_and(|held| held.next < held.end);
        if let Some(connection) = self.connection.take()
            && self.keep_alive
            // Bytes that nobody asked for: whatever comes next would be misread.
            && !rest
        {
            self.pool.give_back(connection, self.at);
        }
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, TransportFailure>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(false)) };
        // The buffer of the last read is used again, or given back while there is nothing to read.
        let mut buffer = match self.held.take() {
            Some(held) => held.buffer,
            None => self.pool.buffers().take(),
        };
        let read = ready!(connection.stream.poll_read(context, &mut buffer));
        let count = match read {
            Ok(count) => count,
            Err(error) => {
                self.connection = None;
                return Poll::Ready(Err(TransportFailure::of_io(Failure::Truncated, &error)));
            }
        };
        let stamp = connection.stream.stamp();
        self.at = stamp.at;
        self.lag = stamp.lag;
        if count > 0 {
            self.held = Some(Held { buffer, next: 0, end: count });
        }
        Poll::Ready(Ok(count > 0))
    }

    fn piece(&mut self, place: std::ops::Range<usize>) -> Read<'_> {
        let bytes = self.held.as_ref().map_or(&[][..], |held| &held.buffer[place]);
        Read { bytes, at: self.at, lag: self.lag.take() }
    }

    fn end(&mut self) -> Read<'static> {
        Read { bytes: &[], at: self.at, lag: self.lag.take() }
    }
}

impl ReplyReader for WireReply {
    async fn read(&mut self) -> Result<Read<'_>, TransportFailure> {
        loop {
            match self.next_ready()? {
                Ready::At(place) => return Ok(self.piece(place)),
                Ready::End => return Ok(self.end()),
                Ready::None => {}
            }
            if !poll_fn(|context| self.poll_more(context)).await? {
                if self.framing.ends_with_connection() {
                    self.framing = Framing::Empty;
                    continue;
                }
                self.connection = None;
                return Err(TransportFailure::new(
                    Outcome::Failed(Failure::Truncated),
                    "the connection was closed before the end of the reply",
                ));
            }
        }
    }

    fn ready(&mut self) -> Option<Result<Read<'_>, TransportFailure>> {
        // Without bytes the answer is known, but for the end of an empty body.
        match self.next_ready() {
            Err(failure) => Some(Err(failure)),
            Ok(Ready::At(place)) => Some(Ok(self.piece(place))),
            Ok(Ready::End) => Some(Ok(self.end())),
            Ok(Ready::None) => None,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}
