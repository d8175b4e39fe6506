//! Names resolved once.
//!
//! The default resolver asks the system at each new connection. A load test would measure the
//! system's resolver again and again, and one bad answer in the middle would read as the target's
//! fault. So a name is resolved when it is first needed and kept for the run.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The names of one run, shared by its workers.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>);

impl Names {
    /// Settles the addresses of a name before anybody asks; with none, the name is resolved.
    pub(super) fn settle(&self, name: &str, addresses: &[IpAddr]) {
        if !addresses.is_empty() {
            // The port of the URL takes the place of 0.
            let sockets = addresses.iter().map(|&address| SocketAddr::new(address, 0)).collect();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), sockets);
        }
    }
}

/// A name that could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the name `{name}`: {source}")]
pub(super) struct NameError {
    name: String,
    source: io::Error,
}

impl Names {
    /// The addresses of a host: those of its name, or the address that it is.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, NameError> {
        let known = |names: &Self| {
            names.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
        };
        if let Some(addresses) = known(self) {
            return Ok(addresses);
        }
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, 0)]);
        }
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0))
            .await
            .map(Iterator::collect)
            .map_err(|source| NameError { name: host.to_owned(), source })?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host.to_owned(), addresses.clone());
        Ok(addresses)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
