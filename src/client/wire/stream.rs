//! A connection's bytes, in the clear or under TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::socket::{Socket, Stamp};

/// What requests are written to and responses are read from.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The stamp of the read that brought the last bytes: that of the socket, also under TLS.
    pub(super) fn stamp(&mut self) -> Stamp {
        match self {
            Self::Plain(socket) => socket.stamp(),
            Self::Tls(tls) => tls.get_mut().0.stamp(),
        }
    }

    /// Bytes that the kernel has taken from us so far.
    pub(super) fn sent(&self) -> u64 {
        self.socket().sent()
    }

    /// Whether an idle connection has ended, or carries what nobody asked for.
    pub(super) fn is_stale(&mut self) -> bool {
        if self.socket().is_silent() {
            return false;
        }
        match self {
            Self::Plain(_) => true,
            // What lies there may be a session ticket, which TLS takes for itself.
            Self::Tls(tls) => {
                let mut byte = [0];
                let mut buffer = ReadBuf::new(&mut byte);
                let mut nobody = Context::from_waker(Waker::noop());
                Pin::new(tls).poll_read(&mut nobody, &mut buffer).is_ready()
            }
        }
    }

    /// Writes all at once where the kernel takes it; how much it took.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => match socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                written => written,
            },
            Self::Tls(_) => Ok(0),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    /// Reads into `bytes`; 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_receive(context, bytes),
            Self::Tls(tls) => {
                let mut buffer = ReadBuf::new(bytes);
                ready!(Pin::new(tls).poll_read(context, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }
}
