//! Who uses which connection: one reqwest client is one pool of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use reqwest::Client;
use reqwest::header::HeaderMap;
use rustls::ClientConfig;

use super::phases::StampConnections;
use super::{HttpSetupError, Names, tls};
use crate::clock::Clock;
use crate::protocol::Endpoint;
use crate::scenario::{Connections, Keep, Timeouts};

/// The clients of one worker.
#[derive(Debug)]
pub(super) enum Pools {
    /// One for everybody.
    One(Client),
    /// One for each user, made when the user first asks.
    PerUser(Box<Blueprint>, RefCell<HashMap<Arc<str>, Client>>),
}

/// Everything that a client is made of.
pub(super) struct Blueprint {
    headers: HeaderMap,
    connect: std::time::Duration,
    how: Connections,
    tls: ClientConfig,
    names: Names,
    clock: Clock,
}

impl Pools {
    pub(super) fn new(
        endpoint: &Endpoint,
        headers: HeaderMap,
        timeouts: &Timeouts,
        names: Names,
    ) -> Result<Self, HttpSetupError> {
        let how = endpoint.connections.clone();
        let proxy_with_tls = how.proxy.as_ref().is_some_and(|url| url.starts_with("https:"));
        let tls = tls::config(&how, endpoint.url.starts_with("https:") || proxy_with_tls)?;
        let keep = how.keep;
        let clock = Clock::start();
        let blueprint = Blueprint { headers, connect: timeouts.connect, how, tls, names, clock };
        // Also where it is thrown away: what cannot be built is found out before the run.
        let first = blueprint.build()?;
        Ok(match keep {
            Keep::Shared | Keep::PerRequest => Self::One(first),
            Keep::PerUser => Self::PerUser(Box::new(blueprint), RefCell::default()),
        })
    }

    /// Makes the client of a user, if it has to be made: outside the time of any request.
    pub(super) fn make_ready(&self, user: Option<&Arc<str>>) {
        if let (Self::PerUser(blueprint, clients), Some(user)) = (self, user) {
            let mut clients = clients.borrow_mut();
            if !clients.contains_key(user)
                && let Ok(client) = blueprint.build()
            {
                clients.insert(Arc::clone(user), client);
            }
        }
    }

    /// The client that sends for `user`; `None` if it could not be made.
    pub(super) fn client(&self, user: Option<&Arc<str>>) -> Option<Client> {
        match self {
            Self::One(client) => Some(client.clone()),
            Self::PerUser(blueprint, clients) => match user {
                Some(user) => clients.borrow().get(user).cloned(),
                // Nobody's: it shares with nobody.
                None => blueprint.build().ok(),
            },
        }
    }
}

impl Blueprint {
    fn build(&self) -> Result<Client, HttpSetupError> {
        let failed = |error: reqwest::Error| HttpSetupError::Client(error.to_string());
        let kept = if self.how.keep == Keep::PerRequest { 0 } else { usize::MAX };
        let tls = match self.how.keep {
            Keep::PerUser => tls::afresh(&self.tls),
            Keep::Shared | Keep::PerRequest => self.tls.clone(),
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .tcp_nodelay(true)
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(kept)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .default_headers(self.headers.clone())
            .dns_resolver(self.names.clone())
            .connector_layer(StampConnections(self.clock));
        builder =
            if self.how.http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
        if let Some(url) = &self.how.proxy {
            // Its error would repeat the URL, which may hold a password.
            let proxy = reqwest::Proxy::all(url)
                .map_err(|_| HttpSetupError::Client("the proxy's URL is not understood".into()))?;
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(failed)
    }
}

impl fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blueprint").field("keep", &self.how.keep).finish_non_exhaustive()
    }
}
