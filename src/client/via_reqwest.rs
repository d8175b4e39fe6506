//! The transport on reqwest, for HTTP/2, proxies and second opinions: everything helpful switched
//! off.
//!
//! No decompression, no redirects, no cookies, no proxy out of the environment, no retries:
//! each would stand between a read and its stamp, or do something the sample does not show.
//! (One thing cannot be switched off: where the pool hands out a connection that the server has
//! closed before any byte of the request was written, hyper takes another one.)

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};

use super::phases::watching;
use super::pools::Pools;
use super::{
    Answered, Connect, HttpSetupError, Names, Read, ReplyReader, Request, Transport,
    TransportFailure,
};
use crate::clock::Clock;
use crate::protocol::Endpoint;
use crate::sample::{Failure, Outcome};
use crate::scenario::Timeouts;

/// A client with its own pool of connections, ready but for the clock: it is set up before the run's
/// origin, because TLS roots take a while to load.
#[derive(Debug)]
pub struct ReqwestSetup {
    pools: Pools,
    url: Url,
}

/// Sends the requests of one worker.
#[derive(Debug)]
pub struct ReqwestTransport {
    pools: Pools,
    url: Url,
    clock: Clock,
}

impl ReqwestSetup {
    /// Sets up a client for one endpoint.
    ///
    /// # Errors
    /// The endpoint cannot be requested.
    pub fn new(
        endpoint: &Endpoint,
        timeouts: &Timeouts,
        names: Names,
    ) -> Result<Self, HttpSetupError> {
        let url: Url =
            endpoint.url.parse().map_err(|_| HttpSetupError::Url(endpoint.url.clone()))?;
        if let Some(host) = url.host_str() {
            names.settle(host, &endpoint.connections.resolve);
        }
        let pools = Pools::new(endpoint, header_map(endpoint)?, timeouts, names)?;
        Ok(Self { pools, url })
    }

    /// The transport of a run that counts from `clock`'s origin.
    pub fn on(self, clock: Clock) -> ReqwestTransport {
        ReqwestTransport { pools: self.pools, url: self.url, clock }
    }
}

fn header_map(endpoint: &Endpoint) -> Result<HeaderMap, HttpSetupError> {
    let mut map = HeaderMap::new();
    let plain = endpoint.headers.iter().map(|(name, value)| (name, value.as_str(), false));
    let key = endpoint.key.iter().map(|(name, key)| (name, key.expose(), true));
    for (name, value, sensitive) in plain.chain(key) {
        let bad = || HttpSetupError::Header(name.clone());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
        value.set_sensitive(sensitive || crate::secret::is_key_like(name));
        map.append(header, value);
    }
    Ok(map)
}

impl Transport for ReqwestTransport {
    type Reply = ReqwestReply;

    fn make_ready(&self, request: &Request) {
        self.pools.make_ready(request.user.as_ref());
    }

    async fn send(&self, request: Request) -> Result<Answered<ReqwestReply>, TransportFailure> {
        let Some(client) = self.pools.client(request.user.as_ref()) else {
            let local = Outcome::Failed(Failure::Local);
            return Err(TransportFailure::new(
                local,
                "no HTTP client could be set up for the user",
            ));
        };
        let request = client.post(self.url.clone()).body(request.body).send();
        let (sent, connect) = watching(request).await;
        let headers_at = self.clock.now();
        let connect = connect.map(|total| Box::new(Connect::of_total(total)));
        match sent {
            Ok(response) => Ok(Answered {
                status: response.status().as_u16(),
                headers_at,
                lag: None,
                connect,
                connection: None,
                reply: ReqwestReply { response, current: Bytes::new(), clock: self.clock },
            }),
            Err(error) => {
                Err(TransportFailure { connect, ..TransportFailure::before_head(&error) })
            }
        }
    }

    fn lets_go_late(&self) -> bool {
        true
    }
}

/// The body of a reply that reqwest reads.
#[derive(Debug)]
pub struct ReqwestReply {
    response: Response,
    current: Bytes,
    clock: Clock,
}

impl ReplyReader for ReqwestReply {
    async fn read(&mut self) -> Result<Read<'_>, TransportFailure> {
        loop {
            let piece = self.response.chunk().await;
            let at = self.clock.now();
            match piece {
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => {
                    self.current = bytes;
                    return Ok(Read { bytes: &self.current, at, lag: None });
                }
                Ok(None) => return Ok(Read { bytes: &[], at, lag: None }),
                Err(error) => return Err(TransportFailure::in_body(&error)),
            }
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}
