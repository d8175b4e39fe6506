//! Opening a connection: name, TCP, TLS, each timed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use super::socket::Socket;
use super::sources::Sources;
use super::stream::Stream;
use crate::client::failure::TransportFailure;
use crate::client::{Connect, Names};
use crate::clock::Clock;
use crate::sample::{Failure, Limit, Outcome};

/// Where and how connections are opened.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) host: String,
    pub(super) port: u16,
    /// With TLS: what is negotiated, and whose certificate it has to be.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) names: Names,
    /// For all of it together.
    pub(super) patience: Duration,
    pub(super) sources: Sources,
}

impl Dialer {
    /// Opens a connection. With `tls`, that is negotiated instead of what everybody uses.
    pub(super) async fn dial(
        &self,
        clock: Clock,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<(Stream, Connect), TransportFailure> {
        let began = clock.now();
        let mut took = Connect::default();
        let opened = tokio::time::timeout(self.patience, self.open(clock, &mut took, tls)).await;
        took.total = clock.now().since(began);
        match opened {
            Ok(Ok(stream)) => Ok((stream, took)),
            Ok(Err(mut failure)) => {
                failure.connect = Some(Box::new(took));
                Err(failure)
            }
            Err(_) => Err(TransportFailure {
                connect: Some(Box::new(took)),
                ..TransportFailure::new(
                    Outcome::TimedOut(Limit::Connect),
                    "no connection within the time-out",
                )
            }),
        }
    }

    async fn open(
        &self,
        clock: Clock,
        took: &mut Connect,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Stream, TransportFailure> {
        let asked = clock.now();
        let addresses = self
            .names
            .addresses(&self.host)
            .await
            .map_err(|error| TransportFailure::of_name(&error))?;
        let named = clock.now();
        took.dns = Some(named.since(asked));
        let tcp = self
            .reach(&addresses)
            .await
            .map_err(|error| TransportFailure::of_io(Failure::Connect, &error))?;
        let reached = clock.now();
        took.tcp = Some(reached.since(named));
        let socket = Socket::new(tcp, clock);
        let Some((config, name)) = &self.tls else { return Ok(Stream::Plain(socket)) };
        let connector = TlsConnector::from(Arc::clone(tls.unwrap_or(config)));
        let stream = connector
            .connect(name.clone(), socket)
            .await
            .map_err(|error| TransportFailure::of_handshake(&error))?;
        took.tls = Some(clock.now().since(reached));
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// One address after the other: two at once would show the target a connection that nobody
    /// uses. Each but the last gets its share of the time.
    async fn reach(&self, addresses: &[SocketAddr]) -> io::Result<tokio::net::TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for (index, address) in addresses.iter().enumerate() {
            let address = SocketAddr::new(address.ip(), self.port);
            let reaching = self.reach_one(address);
            let reached = if index + 1 < addresses.len() {
                tokio::time::timeout(self.patience / count, reaching)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            } else {
                reaching.await
            };
            match reached {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn reach_one(&self, address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
        let mut tries = 0;
        loop {
            let source = self.sources.next(address.ip());
            match connect(source, address).await {
                // Every port of this source is in use or cooling down: the next source has its own.
                Err(error)
                    if is_out_of_ports(&error) && self.sources.has_another(address.ip(), tries) =>
                {
                    self.sources.exhausted();
                    tries += 1;
                }
                reached => return reached,
            }
        }
    }
}

fn is_out_of_ports(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse)
}

async fn connect(source: Option<IpAddr>, address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        // The port is chosen when it is known where to: one port then serves many destinations.
        super::sources::choose_port_late(&socket);
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let tcp = socket.connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}
