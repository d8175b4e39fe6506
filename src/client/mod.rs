//! One request out, stamped pieces of reply back.
//!
//! A [`Transport`] knows bytes and time, not meaning. Its one rule: a piece is stamped the moment
//! the read that brought it has returned, before anybody looks at it.

mod failure;
mod http;
mod names;
mod phases;
mod pools;
#[cfg(test)]
pub(crate) mod scripted;
mod tls;
mod via_reqwest;
pub mod wire;

use std::time::Duration;

use std::sync::Arc;

use bytes::Bytes;

use crate::units::Offset;

pub use failure::TransportFailure;
pub use http::{
    HttpReply, HttpSetup, HttpSetupError, HttpTransport, source_addresses, transport_of,
};
pub use names::Names;

pub use crate::sample::Connect;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The body.
    pub body: Bytes,
    /// Who asks, where connections belong to users.
    pub user: Option<Arc<str>>,
}

impl From<Bytes> for Request {
    fn from(body: Bytes) -> Self {
        Self { body, user: None }
    }
}

/// Sends requests to one target. One per worker: nothing of it is shared.
pub trait Transport {
    /// The reply whose head has been read.
    type Reply: ReplyReader;

    /// Makes ready what the request needs besides the network, before its time begins to count.
    fn make_ready(&self, _request: &Request) {}

    /// When the request may be handed over: later than `now` only where connections are being opened
    /// as fast as they should be. That is told once a request.
    fn ready_at(&self, request: &Request, now: Offset) -> Offset {
        let _ = request;
        now
    }

    /// Sends one request and waits for the response head. Never follows a redirect and never sends
    /// a request twice once bytes of it have left.
    ///
    /// # Errors
    /// No head came.
    fn send(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Answered<Self::Reply>, TransportFailure>>;

    /// Whether a connection comes back to its pool only after others on the thread have had their turn,
    /// so that whoever sends again at once would open another.
    fn lets_go_late(&self) -> bool {
        false
    }
}

/// A response head, and the way to the body.
#[derive(Debug)]
pub struct Answered<R> {
    /// HTTP status.
    pub status: u16,
    /// When the head had been read.
    pub headers_at: Offset,
    /// How long the kernel had had it by then, where it tells.
    pub lag: Option<Duration>,
    /// The opening of a connection, where one was opened for this request.
    pub connect: Option<Box<Connect>>,
    /// The number of the connection, where the transport knows it: from 1, in the order they were
    /// opened.
    pub connection: Option<u64>,
    /// The body.
    pub reply: R,
}

impl<R> Answered<R> {
    /// The same with another way to the body.
    fn map<S>(self, to: impl FnOnce(R) -> S) -> Answered<S> {
        let Self { status, headers_at, lag, connect, connection, reply } = self;
        Answered { status, headers_at, lag, connect, connection, reply: to(reply) }
    }
}

/// The body of a reply, as it comes.
pub trait ReplyReader {
    /// The next piece; one without bytes is the end that HTTP's framing promised, stamped like the
    /// others. Cancel safe: dropping the future loses no bytes.
    ///
    /// # Errors
    /// The body was cut, or is not what HTTP allows.
    fn read(&mut self) -> impl Future<Output = Result<Read<'_>, TransportFailure>>;

    /// A further piece of what the last read brought, where there is one: nothing is waited for.
    fn ready(&mut self) -> Option<Result<Read<'_>, TransportFailure>> {
        None
    }

    /// A header of the response head.
    fn header(&self, name: &str) -> Option<&str>;
}

/// One piece of body: an HTTP chunk, or the part of it that one read brought.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// The bytes; empty at the end.
    pub bytes: &'a [u8],
    /// When the read returned.
    pub at: Offset,
    /// How long the kernel had had the bytes by then, where it tells; told with the first piece of a
    /// read.
    pub lag: Option<Duration>,
}
