//! The transport of our own for HTTP/1.1: nothing stands between the socket and the stamp.
//!
//! A request is one write. What comes back is stamped when the read returns, by us and where it can
//! by the kernel, and taken apart where it lies; several chunks that one read brings are told as
//! chunks of one read. `docs/decisions/wire.md` has the rules of the pool, `docs/metrics.md` what
//! the kernel's stamps are for.

mod buffers;
pub mod chunked;
mod counts;
mod dial;
mod framing;
mod head;
mod openings;
mod pool;
mod receive;
mod reply;
mod send;
mod socket;
mod sources;
mod stream;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::ServerName;

use super::{Answered, HttpSetupError, Names, Request, Transport, TransportFailure, tls};
use crate::clock::Clock;
use crate::protocol::Endpoint;
use crate::scenario::{Keep, Timeouts};
use crate::units::Offset;
use dial::Dialer;
use head::RequestHead;
use pool::Pool;
use sources::Sources;

pub use counts::{ConnectionCounts, WireCounts};
pub use reply::WireReply;
pub(super) use sources::count as source_addresses;

/// Everything that connections of one worker are made of, ready but for the clock.
#[derive(Debug)]
pub struct WireSetup {
    head: RequestHead,
    keep: Keep,
    dialer: Dialer,
    counts: Arc<WireCounts>,
}

/// Sends the requests of one worker over HTTP/1.1.
#[derive(Debug)]
pub struct WireTransport {
    head: RequestHead,
    pool: Rc<Pool>,
    /// Where a request is put together.
    scratch: RefCell<Vec<u8>>,
}

impl WireSetup {
    /// Sets up a worker's connections to one endpoint.
    ///
    /// # Errors
    /// The endpoint cannot be requested.
    pub fn new(
        endpoint: &Endpoint,
        timeouts: &Timeouts,
        names: Names,
        counts: Arc<WireCounts>,
    ) -> Result<Self, HttpSetupError> {
        let bad = || HttpSetupError::Url(endpoint.url.clone());
        let url = url::Url::parse(&endpoint.url).map_err(|_| bad())?;
        let host = url.host_str().ok_or_else(bad)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let how = &endpoint.connections;
        names.settle(&host, &how.resolve);
        let tls = match url.scheme() {
            "https" => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(bare).map_err(|_| bad())?;
                Some((Arc::new(tls::config(how, true)?), name))
            }
            _ => None,
        };
        let sources = Sources::new(how.sources.clone());
        let patience = timeouts.connect;
        Ok(Self {
            head: RequestHead::new(endpoint, &url)?,
            keep: how.keep,
            dialer: Dialer { host, port, tls, names, patience, sources },
            counts,
        })
    }

    /// The transport of a run that counts from `clock`'s origin.
    pub fn on(self, clock: Clock) -> WireTransport {
        let Self { head, keep, dialer, counts } = self;
        let pool = Rc::new(Pool::new(keep, dialer, clock, counts));
        WireTransport { head, pool, scratch: RefCell::default() }
    }
}

impl Transport for WireTransport {
    type Reply = WireReply;

    fn ready_at(&self, request: &Request, now: Offset) -> Offset {
        self.pool.ready_at(request.user.as_ref(), now)
    }

    async fn send(&self, request: Request) -> Result<Answered<WireReply>, TransportFailure> {
        let user = request.user.as_ref();
        let mut connect = None;
        let mut replaced = false;
        loop {
            let mut connection = match self.pool.take(user).filter(|_| !replaced) {
                Some(connection) => connection,
                None => {
                    // In a box: what opening takes, TLS included, is not held by every open stream.
                    let (connection, took) = Box::pin(self.pool.open(user)).await?;
                    connect = Some(Box::new(took));
                    connection
                }
            };
            let used = connection.carried > 0;
            let mut bytes = self.scratch.take();
            bytes.clear();
            self.head.request(&request.body, &mut bytes);
            let before = connection.stream.sent();
            let written = send::write(&self.pool, &mut connection, &bytes).await;
            let left = connection.stream.sent() > before;
            self.scratch.replace(bytes);
            if written.is_err() && used && !left {
                // The kernel has taken not one byte of the request: it was never asked, and may be
                // asked over another connection. Once, and a new one.
                self.pool.replaced_unsent();
                replaced = true;
                continue;
            }
            let answered = send::answer(&self.pool, connection, written).await;
            return match answered {
                Ok(answered) => Ok(Answered { connect, ..answered }),
                Err(failure) => Err(TransportFailure { connect, ..failure }),
            };
        }
    }
}
