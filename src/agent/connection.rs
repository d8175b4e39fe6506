//! One connection: requests in, replies out, and a stamp on everything.

use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::answer;
use super::incoming::NoRequest;
use super::pending::{Arrival, Pending};
use super::receive::{Received, ask_for_stamps, receive};
use super::refusal::Refusal;
use super::shared::Worker;
use crate::clock::wall_time;
use crate::units::Offset;

/// While a reply is played no more than this is read ahead.
const READ_AHEAD: usize = 64 * 1024;
/// A connection that is closed with bytes unread would be reset, and the reply lost with it.
const LINGER: Duration = Duration::from_millis(500);

/// A connection and what has been read from it.
pub(super) struct Connection {
    stream: TcpStream,
    pub(super) input: BytesMut,
    pub(super) worker: Rc<Worker>,
    id: u64,
    accepted: Offset,
    served: u32,
    /// When the kernel had the last bytes that were read.
    arrived: Offset,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, worker: Rc<Worker>, accepted: Offset) -> Self {
        let id = worker.shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
        ask_for_stamps(&stream);
        let arrived = accepted;
        Self { stream, input: BytesMut::new(), worker, id, accepted, served: 0, arrived }
    }

    /// Serves requests until either side has had enough.
    pub(super) async fn serve(mut self) {
        loop {
            match self.next_request().await {
                Ok((head, body)) => {
                    let arrival = self.arrival();
                    if !answer(&mut self, &head, body, arrival).await {
                        return self.linger().await;
                    }
                }
                Err(NoRequest::Gone) => return,
                Err(NoRequest::Refused(refusal, head)) => {
                    let arrival = self.arrival();
                    let mut pending = Pending::new(&self.worker, arrival, head.as_deref());
                    self.refuse(&mut pending, &refusal, false, false).await;
                    return self.linger().await;
                }
            }
        }
    }

    fn arrival(&mut self) -> Arrival {
        self.served += 1;
        Arrival {
            connection: self.id,
            on_connection: self.served,
            accepted: self.accepted,
            arrived: self.arrived,
            complete: self.worker.now(),
        }
    }

    /// Reads what there is; 0 at the end of what the client sends.
    pub(super) async fn fill(&mut self, room: usize) -> io::Result<usize> {
        let before = self.input.len();
        loop {
            // Whoever sends faster than we read must not keep the others waiting.
            tokio::task::coop::consume_budget().await;
            self.stream.readable().await?;
            let Self { stream, input, .. } = self;
            let mut brought = None;
            input.resize(before + room, 0);
            let outcome = stream.try_io(Interest::READABLE, || {
                let received = receive(stream, &mut input[before..])?;
                let count = received.count;
                brought = Some(received);
                // A read that did not fill its room has emptied the socket: saying so saves the call that
                // would find it out. An end is not forgotten by it.
                if 0 < count && count < room {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            input.truncate(before + brought.as_ref().map_or(0, |received| received.count));
            match (brought, outcome) {
                (Some(Received { count, stamp }), _) => {
                    let lag = stamp.map(|stamp| wall_time().saturating_sub(stamp));
                    self.arrived = self.worker.now() - lag.unwrap_or_default();
                    return Ok(count);
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(error);
                }
                (None, _) => {}
            }
        }
    }

    /// Writes all of `bytes`; a client that does not read is given up after a while.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.try_write(bytes) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(written) => self.send_rest(&bytes[written..]).await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.send_rest(bytes).await,
            Err(error) => Err(error),
        }
    }

    async fn send_rest(&mut self, bytes: &[u8]) -> io::Result<()> {
        let patience = self.worker.shared.options.limits.write_time;
        match timeout(patience, self.stream.write_all(bytes)).await {
            Ok(written) => written,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Waits until `due`; `false` if the client went meanwhile.
    pub(super) async fn wait(&mut self, due: Offset) -> bool {
        let alarm = self.worker.alarm.clone();
        let mut elapsed = std::pin::pin!(alarm.until(due));
        loop {
            tokio::select! {
                biased;
                () = &mut elapsed => return true,
                there = self.client_is_there() => if !there { return false },
            }
        }
    }

    /// Resolves when the client says something or goes; not at all once it has said too much.
    pub(super) async fn client_is_there(&mut self) -> bool {
        if self.input.len() >= READ_AHEAD {
            return std::future::pending().await;
        }
        matches!(self.fill(512).await, Ok(1..))
    }

    /// Resets the connection: the client sees no end, only an error.
    pub(super) fn reset(&mut self) {
        // It fails only if the connection is gone already.
        let _ = self.stream.set_zero_linger();
    }

    /// Refuses a request; `true` if the connection can take another.
    pub(super) async fn refuse(
        &mut self,
        pending: &mut Pending,
        refusal: &Refusal,
        openai: bool,
        keep_alive: bool,
    ) -> bool {
        let now = self.worker.now();
        let wall = self.worker.shared.wall(now);
        let date = self.worker.date(now);
        let reply = super::reply::refusal_reply(refusal, openai, keep_alive, &date, |after| {
            let at = wall + after;
            // Rounded up: nobody should come too early.
            super::shared::http_date(at.as_secs() + u64::from(at.subsec_nanos() > 0))
        });
        self.play(&reply, pending, now).await
    }

    pub(super) async fn close(&mut self) {
        // It fails only if the client closed before us.
        let _ = self.stream.shutdown().await;
    }

    /// Closes so that what was written still arrives.
    async fn linger(mut self) {
        if matches!(self.stream.linger(), Ok(Some(_))) {
            // A reset is wanted: dropping the stream sends it.
            return;
        }
        self.close().await;
        let _ = timeout(LINGER, async {
            let mut left = 64 * 1024 * 1024usize;
            loop {
                self.input.clear();
                match self.fill(16 * 1024).await {
                    Ok(read @ 1..) if read < left => left -= read,
                    _ => return,
                }
            }
        })
        .await;
    }
}
