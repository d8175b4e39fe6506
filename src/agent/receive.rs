//! Reading from a socket, and how long the kernel had had what was read.
//!
//! An agent that has much to do reads a request some time after it has come. Its log says both: what
//! a client measures begins when the bytes are there, not when somebody looks.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// What a read brought, and when the kernel had it, since the Unix epoch.
pub(super) struct Received {
    pub(super) count: usize,
    pub(super) stamp: Option<Duration>,
}

/// Asks the kernel to stamp what comes, where it can.
#[cfg(target_os = "linux")]
pub(super) fn ask_for_stamps(stream: &TcpStream) {
    use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};

    // Without it the moment of the read stands for both.
    let _ = setsockopt(stream, ReceiveTimestampns, &true);
}

/// Reads what is there.
#[cfg(target_os = "linux")]
pub(super) fn receive(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<Received> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

    // Room for one stamp and its header, aligned as control messages have to be.
    #[repr(align(8))]
    struct Room([u8; 64]);

    let mut room = Room([0; 64]);
    let mut into = [io::IoSliceMut::new(bytes)];
    let message =
        recvmsg::<()>(stream.as_raw_fd(), &mut into, Some(&mut room.0), MsgFlags::empty())?;
    let stamp = message.cmsgs().into_iter().flatten().find_map(|one| match one {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    });
    Ok(Received { count: message.bytes, stamp })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for_stamps(_: &TcpStream) {}

/// Reads what is there.
#[cfg(not(target_os = "linux"))]
pub(super) fn receive(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<Received> {
    let (count, _) = rustix::net::recv(stream, bytes, rustix::net::RecvFlags::empty())?;
    Ok(Received { count, stamp: None })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::wall_time;

    #[tokio::test]
    async fn what_lay_there_unread_has_the_stamp_of_when_it_came() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        ask_for_stamps(&stream);
        // The kernel begins to stamp a moment after the first socket of the machine has asked for it.
        for _ in 0..40 {
            let before = wall_time();
            client.write_all(b"hello").await.unwrap();
            stream.readable().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut room = [0; 16];
            let Received { count, stamp } = receive(&stream, &mut room).unwrap();
            assert_eq!(&room[..count], b"hello");
            let Some(stamp) = stamp else { continue };
            let read = wall_time();
            assert!(
                before <= stamp && stamp + Duration::from_millis(40) <= read,
                "{stamp:?} {read:?}"
            );
            return;
        }
        panic!("no stamp came in two seconds");
    }
}
