//! Receiving bytes together with the moment the kernel had them.
//!
//! The kernel stamps what it receives on the wall clock (`SO_TIMESTAMPNS`; of several pieces that
//! one call brings, the last). Our own stamps are on the monotonic clock, and no fixed difference
//! maps one to the other: the wall clock is slewed and stepped. So the wall clock is read as well,
//! right after each call, and the difference of two readings of *one* clock is how long the bytes
//! lay there. Only a step of the clock within that moment could spoil it.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// Bytes received, and how long the kernel had had them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) count: usize,
    /// Since the Unix epoch.
    pub(super) stamp: Option<Duration>,
}

/// Asks the kernel to stamp what comes; `false` where it cannot.
#[cfg(target_os = "linux")]
pub(super) fn ask_for_stamps(socket: &TcpStream) -> bool {
    use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};

    setsockopt(socket, ReceiveTimestampns, &true).is_ok()
}

/// One `recvmsg`.
#[cfg(target_os = "linux")]
pub(super) fn receive(socket: &TcpStream, bytes: &mut [u8], stamps: bool) -> io::Result<Received> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

    if !stamps {
        return plain(socket, bytes);
    }
    // Room for one stamp and its header, aligned as control messages have to be.
    let mut control = Control([0; 64]);
    let mut parts = [io::IoSliceMut::new(bytes)];
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control.0), MsgFlags::empty())?;
    let mut stamp = None;
    for one in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::ScmTimestampns(at) = one {
            stamp = Some(Duration::from(at));
        }
    }
    Ok(Received { count: message.bytes, stamp })
}

#[cfg(target_os = "linux")]
#[repr(align(8))]
struct Control([u8; 64]);

/// Without stamps, or where the kernel does not tell them.
fn plain(socket: &TcpStream, bytes: &mut [u8]) -> io::Result<Received> {
    let (count, _) = rustix::net::recv(socket, bytes, rustix::net::RecvFlags::empty())?;
    Ok(Received { count, stamp: None })
}

/// Looks whether there is anything to receive, and takes nothing.
pub(super) fn peek(socket: &TcpStream) -> io::Result<usize> {
    let (count, _) = rustix::net::recv(socket, &mut [0], rustix::net::RecvFlags::PEEK)?;
    Ok(count)
}

/// Elsewhere the kernel is not asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for_stamps(_: &TcpStream) -> bool {
    false
}

/// One read.
#[cfg(not(target_os = "linux"))]
pub(super) fn receive(socket: &TcpStream, bytes: &mut [u8], _: bool) -> io::Result<Received> {
    plain(socket, bytes)
}
