//! Which of our own addresses connections come from.
//!
//! One source address has some 28,000 ports towards one destination, and a port rests for a minute
//! after we have closed. On loopback every address of 127/8 is ours, so the next one is taken when
//! the ports of one are used up; elsewhere the scenario may name several.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use tokio::net::TcpSocket;

/// The source addresses of one worker.
#[derive(Debug)]
pub(super) struct Sources {
    named: Vec<IpAddr>,
    /// Which of `named` is next; on loopback, which address of 127/8 is in use.
    at: Cell<usize>,
}

/// How many addresses of 127/8 are tried.
const LOOPBACKS: usize = 250;

impl Sources {
    /// Connections come from `named` in turn; with none, from wherever the system says.
    pub(super) fn new(named: Vec<IpAddr>) -> Self {
        Self { named, at: Cell::new(0) }
    }

    /// Where the next connection to `target` comes from; `None`: the system says.
    pub(super) fn next(&self, target: IpAddr) -> Option<IpAddr> {
        let fitting = self.named.iter().filter(|one| one.is_ipv4() == target.is_ipv4());
        let count = fitting.clone().count();
        if count > 0 {
            let at = self.at.replace(self.at.get().wrapping_add(1));
            return fitting.copied().nth(at % count);
        }
        match (target, self.at.get()) {
            (IpAddr::V4(target), at @ 1..) if target.is_loopback() && self.named.is_empty() => {
                Some(IpAddr::V4(Ipv4Addr::new(
                    127,
                    0,
                    1,
                    u8::try_from(at % LOOPBACKS + 1).unwrap_or(1),
                )))
            }
            _ => None,
        }
    }

    /// Whether there is another to try after `tries` that had no port left.
    pub(super) fn has_another(&self, source: Option<IpAddr>, tries: usize) -> bool {
        if self.named.is_empty() {
            // What the system chose without being asked may not be loopback; then it is all there is.
            return source.is_none_or(|one| one.is_loopback()) && tries < LOOPBACKS;
        }
        tries + 1 < self.named.len()
    }

    /// `source` has no port left.
    pub(super) fn exhausted(&self, _source: Option<IpAddr>) {
        if self.named.is_empty() {
            self.at.set(self.at.get() + 1);
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) fn choose_port_late(socket: &TcpSocket) {
    use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};

    // Without it only fewer connections are possible.
    let _ = setsockopt(socket, IpBindAddressNoPort, &true);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn choose_port_late(_: &TcpSocket) {}
