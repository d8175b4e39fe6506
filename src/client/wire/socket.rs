//! A TCP socket whose every read is stamped when it returns, also below TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::receive::{ask_for_stamps, peek, receive};
use crate::clock::{Clock, wall_time};
use crate::units::Offset;

/// A socket, and when its last read returned.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    clock: Clock,
    stamps: bool,
    last: Stamp,
    /// Bytes that the kernel has taken from us.
    sent: u64,
}

/// When a read returned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) at: Offset,
    /// How long the kernel had had the bytes; told once.
    pub(super) lag: Option<Duration>,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, clock: Clock) -> Self {
        let stamps = ask_for_stamps(&tcp);
        let last = Stamp { at: clock.now(), lag: None };
        Self { tcp, clock, stamps, last, sent: 0 }
    }

    /// The stamp of the last read; its lag is told once.
    pub(super) fn stamp(&mut self) -> Stamp {
        let lag = self.last.lag.take();
        Stamp { lag, ..self.last }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether there is nothing to read: neither bytes nor an end. Asks the kernel.
    pub(super) fn is_silent(&self) -> bool {
        // Not through `try_io`: that answers from what the event loop has heard so far.
        peek(&self.tcp).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.tcp.try_write(bytes)?;
        self.sent += written as u64;
        Ok(written)
    }

    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Self { tcp, clock, stamps, last, .. } = self;
        loop {
            ready!(tcp.poll_read_ready(context))?;
            let mut brought = None;
            let room = bytes.len();
            let outcome = tcp.try_io(Interest::READABLE, || {
                let received = receive(tcp, bytes, *stamps)?;
                // Before anything else: nothing may stand between a read and its stamp.
                last.at = clock.now();
                last.lag = received.stamp.map(|stamp| wall_time().saturating_sub(stamp));
                brought = Some(received.count);
                // A buffer that was not filled has emptied the socket. Saying so saves the call that
                // would find it out; an end of the stream is not forgotten by it.
                if 0 < received.count && received.count < room {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            if let Some(count) = brought {
                return Poll::Ready(Ok(count));
            }
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(()) => return Poll::Ready(Ok(0)),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = ready!(self.get_mut().poll_receive(context, buffer.initialize_unfilled()))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.tcp).poll_write(context, bytes))?;
        self.sent += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is held back here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
