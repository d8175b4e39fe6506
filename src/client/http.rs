//! Which transport serves a run, and both behind one name.

use std::sync::Arc;

use super::via_reqwest::{ReqwestReply, ReqwestSetup, ReqwestTransport};
use super::wire::{self, WireCounts, WireReply, WireSetup, WireTransport};
use super::{Answered, Names, Read, ReplyReader, Request, Transport, TransportFailure};
use crate::clock::Clock;
use crate::protocol::Endpoint;
use crate::scenario::{Connections, Timeouts, Via};
use crate::units::Offset;

/// A target that no transport can be set up for.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// A header that HTTP does not allow.
    #[error("the header `{0}` has a name or a value that HTTP does not allow")]
    Header(String),
    /// A URL that cannot be requested.
    #[error("the target `{0}` is not a URL that can be requested")]
    Url(String),
    /// TLS could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
}

/// Which transport reaches a target: our own, but for HTTP/2 and proxies, unless the scenario names
/// one.
pub fn transport_of(how: &Connections) -> Via {
    match how.via {
        Via::Auto if how.http2 || how.proxy.is_some() => Via::Reqwest,
        Via::Auto => Via::Wire,
        chosen => chosen,
    }
}

/// How many source addresses the connections to `endpoint` may come from.
pub fn source_addresses(endpoint: &Endpoint) -> u64 {
    match transport_of(&endpoint.connections) {
        Via::Reqwest => 1,
        _ => wire::source_addresses(&endpoint.url, &endpoint.connections.sources),
    }
}

/// A client with its own connections, ready but for the clock: it is set up before the run's
/// origin, because TLS roots take a while to load.
#[derive(Debug)]
pub enum HttpSetup {
    /// Our own.
    Wire(WireSetup),
    /// reqwest's.
    Reqwest(ReqwestSetup),
}

impl HttpSetup {
    /// Sets up a client for one endpoint.
    ///
    /// # Errors
    /// The endpoint cannot be requested.
    pub fn new(
        endpoint: &Endpoint,
        timeouts: &Timeouts,
        names: Names,
        counts: Arc<WireCounts>,
    ) -> Result<Self, HttpSetupError> {
        Ok(match transport_of(&endpoint.connections) {
            Via::Reqwest => Self::Reqwest(ReqwestSetup::new(endpoint, timeouts, names)?),
            _ => Self::Wire(WireSetup::new(endpoint, timeouts, names, counts)?),
        })
    }

    /// The transport of a run that counts from `clock`'s origin.
    pub fn on(self, clock: Clock) -> HttpTransport {
        match self {
            Self::Wire(setup) => HttpTransport::Wire(setup.on(clock)),
            Self::Reqwest(setup) => HttpTransport::Reqwest(setup.on(clock)),
        }
    }
}

/// Sends the requests of one worker.
#[derive(Debug)]
pub enum HttpTransport {
    /// Our own.
    Wire(WireTransport),
    /// reqwest's.
    Reqwest(ReqwestTransport),
}

/// The body of a reply.
#[derive(Debug)]
pub enum HttpReply {
    /// Read by our own transport.
    Wire(WireReply),
    /// Read by reqwest; apart, because it is large.
    Reqwest(Box<ReqwestReply>),
}

impl Transport for HttpTransport {
    type Reply = HttpReply;

    fn make_ready(&self, request: &Request) {
        match self {
            Self::Wire(transport) => transport.make_ready(request),
            Self::Reqwest(transport) => transport.make_ready(request),
        }
    }

    fn ready_at(&self, request: &Request, now: Offset) -> Offset {
        match self {
            Self::Wire(transport) => transport.ready_at(request, now),
            Self::Reqwest(transport) => transport.ready_at(request, now),
        }
    }

    async fn send(&self, request: Request) -> Result<Answered<HttpReply>, TransportFailure> {
        match self {
            Self::Wire(transport) => Ok(transport.send(request).await?.map(HttpReply::Wire)),
            // In a box: what every open stream holds should be as small as our own transport makes it.
            Self::Reqwest(transport) => {
                let answered = Box::pin(transport.send(request)).await?;
                Ok(answered.map(|reply| HttpReply::Reqwest(Box::new(reply))))
            }
        }
    }

    fn lets_go_late(&self) -> bool {
        match self {
            Self::Wire(transport) => transport.lets_go_late(),
            Self::Reqwest(transport) => transport.lets_go_late(),
        }
    }
}

impl ReplyReader for HttpReply {
    async fn read(&mut self) -> Result<Read<'_>, TransportFailure> {
        match self {
            Self::Wire(reply) => reply.read().await,
            Self::Reqwest(reply) => Box::pin(reply.read()).await,
        }
    }

    fn ready(&mut self) -> Option<Result<Read<'_>, TransportFailure>> {
        match self {
            Self::Wire(reply) => reply.ready(),
            Self::Reqwest(reply) => reply.ready(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        match self {
            Self::Wire(reply) => reply.header(name),
            Self::Reqwest(reply) => reply.header(name),
        }
    }
}
