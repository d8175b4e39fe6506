//! Which of our own addresses connections come from.
//!
//! One source address has some 28,000 ports towards one destination, and a port rests for a minute
//! after we have closed. Long before they are used up finding one takes long: the kernel goes through
//! those of even number first, and with half of all taken every `connect` costs some 0.7 ms of *our*
//! processor. On loopback every address of 127/8 is ours, so the next one is taken in good time;
//! elsewhere the scenario may name several.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use tokio::net::TcpSocket;

/// The source addresses of one worker.
#[derive(Debug)]
pub(super) struct Sources {
    named: Vec<IpAddr>,
    /// How many have been handed out.
    at: Cell<usize>,
}

/// How many addresses of 127/8 are used.
const LOOPBACKS: usize = 250;
/// Connections from one of them, before the next is taken.
const EACH: usize = 10_000;

/// How many source addresses connections to `url` may come from, where these are named.
pub(crate) fn count(url: &str, named: &[IpAddr]) -> u64 {
    let url = url::Url::parse(url).ok();
    let on_loopback = match url.as_ref().and_then(url::Url::host) {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        _ => false,
    };
    let count = if named.is_empty() && on_loopback { LOOPBACKS } else { named.len().max(1) };
    count as u64
}

impl Sources {
    /// Connections come from `named` in turn; with none, from wherever the system says.
    pub(super) fn new(named: Vec<IpAddr>) -> Self {
        Self { named, at: Cell::new(0) }
    }

    /// Where the next connection to `target` comes from; `None`: the system says.
    pub(super) fn next(&self, target: IpAddr) -> Option<IpAddr> {
        let at = self.at.replace(self.at.get().wrapping_add(1));
        let fitting = self.named.iter().filter(|one| one.is_ipv4() == target.is_ipv4());
        let count = fitting.clone().count();
        if count > 0 {
            return fitting.copied().nth(at % count);
        }
        match (target, at / EACH) {
            (IpAddr::V4(target), source @ 1..) if target.is_loopback() && self.named.is_empty() => {
                let last = u8::try_from(source % LOOPBACKS + 1).unwrap_or(1);
                Some(IpAddr::V4(Ipv4Addr::new(127, 0, 1, last)))
            }
            _ => None,
        }
    }

    /// Whether there is another to try towards `target` after `tries` that had no port left.
    pub(super) fn has_another(&self, target: IpAddr, tries: usize) -> bool {
        if self.named.is_empty() {
            return target.is_ipv4() && target.is_loopback() && tries < LOOPBACKS;
        }
        tries + 1 < self.named.len()
    }

    /// The one in use has no port left.
    pub(super) fn exhausted(&self) {
        if self.named.is_empty() {
            self.at.set((self.at.get() / EACH + 1) * EACH);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_there_are_many_unless_some_are_named() {
        let named: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
        assert_eq!(count("http://127.0.0.1:1/v2/stream/", &[]), 250);
        assert_eq!(count("http://localhost:1", &[]), 250);
        assert_eq!(count("http://127.0.0.1:1", &named), 2);
        assert_eq!(count("https://agent.example", &[]), 1);
        assert_eq!(count("http://[::1]:1", &[]), 1);
    }

    #[test]
    fn named_ones_take_turns_and_loopback_ones_follow_when_ports_are_used_up() {
        let [here, there]: [IpAddr; 2] = [[127, 0, 0, 1].into(), [192, 0, 2, 9].into()];
        let none = Sources::new(Vec::new());
        assert_eq!(none.next(here), None);
        assert!(none.has_another(here, 0) && !none.has_another(there, 0));
        none.exhausted();
        let next = none.next(here).unwrap();
        assert!(next.is_loopback() && next != here);
        let other = (0..EACH).filter_map(|_| none.next(here)).last().unwrap();
        assert!(other.is_loopback() && other != next, "before its ports are hard to find");
        assert_eq!(none.next(there), None, "only loopback has addresses to spare");
        let named = Sources::new(vec![here, [127, 0, 0, 9].into(), "::1".parse().unwrap()]);
        let taken: Vec<_> = (0..4).filter_map(|_| named.next(here)).collect();
        assert_eq!((taken[0], taken[1] == taken[3]), (taken[2], true));
        assert_ne!(taken[0], taken[1]);
        assert!(named.next("::1".parse().unwrap()).unwrap().is_ipv6());
    }
}
