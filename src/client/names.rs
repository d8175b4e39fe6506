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

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let known = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let remembered =
                known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
            if let Some(addresses) = remembered {
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            let addresses: Vec<SocketAddr> =
                match tokio::net::lookup_host((name.as_str(), 0)).await.map(Iterator::collect) {
                    Ok(addresses) => addresses,
                    Err(source) => return Err(NameError { name, source }.into()),
                };
            known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, addresses.clone());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
