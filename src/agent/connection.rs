//! One connection: requests in, replies out, and a stamp on everything.

use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::answer;
use super::compose::{Finish, Reply};
use super::pending::{Arrival, Pending};
use super::refusal::Refusal;
use super::request::{self, Body, Head, Unchunker};
use super::shared::Worker;
use super::truth::{End, KEPT_WRITES, Record};
use crate::units::Offset;

/// While a reply is played no more than this is read ahead.
const READ_AHEAD: usize = 64 * 1024;
/// A connection that is closed with bytes unread would be reset, and the reply lost with it.
const LINGER: Duration = Duration::from_millis(500);

/// A connection and what has been read from it.
pub(super) struct Connection {
    stream: TcpStream,
    input: BytesMut,
    pub(super) worker: Rc<Worker>,
    id: u64,
    accepted: Offset,
    served: u32,
}

/// Why there is no request.
enum NoRequest {
    /// The client is gone, or has been silent for too long.
    Gone,
    /// What came is not a request that can be answered.
    Refused(Refusal, Option<Box<Head>>),
}

impl From<Refusal> for NoRequest {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal, None)
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream, worker: Rc<Worker>, accepted: Offset) -> Self {
        let id = worker.shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Self { stream, input: BytesMut::new(), worker, id, accepted, served: 0 }
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
            complete: self.worker.now(),
        }
    }

    async fn next_request(&mut self) -> Result<(Head, Bytes), NoRequest> {
        let (idle, patience) = {
            let limits = &self.worker.shared.options.limits;
            (limits.idle_time, limits.request_time)
        };
        if self.input.is_empty() {
            match timeout(idle, self.fill(2_048)).await {
                Ok(Ok(1..)) => {}
                _ => return Err(NoRequest::Gone),
            }
        }
        match timeout(patience, self.read_request()).await {
            Ok(request) => request,
            Err(_) => Err(Refusal::too_slow().into()),
        }
    }

    async fn read_request(&mut self) -> Result<(Head, Bytes), NoRequest> {
        let most = self.worker.shared.options.limits.head_bytes;
        let mut look_at = 0;
        let (head, length) = loop {
            // A head that dribbles in is not parsed anew for each byte: only when it may be complete
            // or has doubled.
            if self.input.len() >= look_at || ends_a_head(&self.input) {
                if let Some(read) = request::head(&self.input)? {
                    break read;
                }
                look_at = 2 * self.input.len();
            }
            if self.input.len() > most {
                return Err(Refusal::head_too_large().into());
            }
            if self.fill(2_048).await.unwrap_or(0) == 0 {
                return Err(NoRequest::Gone);
            }
        };
        if length > most {
            return Err(Refusal::head_too_large().into());
        }
        let _ = self.input.split_to(length);
        match self.read_body(&head).await {
            Ok(body) => Ok((head, body)),
            Err(NoRequest::Refused(refusal, _)) => {
                Err(NoRequest::Refused(refusal, Some(Box::new(head))))
            }
            Err(gone) => Err(gone),
        }
    }

    async fn read_body(&mut self, head: &Head) -> Result<Bytes, NoRequest> {
        let shared = std::sync::Arc::clone(&self.worker.shared);
        let most = shared.options.limits.body_bytes;
        let mut reserved = Reserved { worker: Rc::clone(&self.worker), bytes: 0 };
        if let Body::Length(length) = head.body {
            if length > most {
                return Err(Refusal::body_too_large(most).into());
            }
            if self.input.len() < length {
                self.say_continue(head).await?;
            }
            while self.input.len() < length {
                let read = self.fill((length - self.input.len()).min(64 * 1024)).await;
                let read = read.unwrap_or(0);
                if read == 0 {
                    return Err(NoRequest::Gone);
                }
                reserved.more(read)?;
            }
            return Ok(self.input.split_to(length).freeze());
        }
        self.say_continue(head).await?;
        let (mut unchunker, mut body) = (Unchunker::default(), Vec::new());
        loop {
            let before = body.len();
            let taken = unchunker.feed(&self.input, &mut body, most)?;
            let _ = self.input.split_to(taken);
            reserved.more(body.len() - before)?;
            if unchunker.done() {
                return Ok(body.into());
            }
            if self.fill(4_096).await.unwrap_or(0) == 0 {
                return Err(NoRequest::Gone);
            }
        }
    }

    async fn say_continue(&mut self, head: &Head) -> Result<(), NoRequest> {
        if head.expects_continue && !head.http10 && self.input.is_empty() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await.map_err(|_| NoRequest::Gone)?;
        }
        Ok(())
    }

    /// Reads what there is; 0 at the end of what the client sends.
    async fn fill(&mut self, room: usize) -> io::Result<usize> {
        self.input.reserve(room);
        self.stream.read_buf(&mut self.input).await
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

    /// Plays a reply to its end and writes into the record what was done when. `true` if the
    /// connection can take another request.
    pub(super) async fn play(
        &mut self,
        reply: &Reply,
        pending: &mut Pending,
        origin: Offset,
    ) -> bool {
        let record = pending.record();
        record.status = reply.status;
        let there = self.play_parts(reply, record, origin).await;
        if !there {
            pending.end(End::ClientGone);
            return false;
        }
        match reply.finish {
            Finish::Done => {
                pending.end(End::Complete);
                return reply.keep_alive;
            }
            Finish::DoneByClose => {
                self.close().await;
                pending.end(End::Complete);
            }
            Finish::Cut => {
                self.close().await;
                pending.end(End::Cut);
            }
            Finish::Reset => {
                self.reset();
                pending.end(End::Reset);
            }
            Finish::Hold => {
                while self.client_is_there().await {}
                pending.end(End::ClientGone);
            }
        }
        false
    }

    async fn play_parts(&mut self, reply: &Reply, record: &mut Record, origin: Offset) -> bool {
        let (mut sent, mut next) = (0, 0);
        if let Some(span) = reply.slow_head {
            if !self.dribble(&reply.wire[..reply.head_end], span, origin).await {
                return false;
            }
            sent = reply.head_end;
            record.head = Some(self.worker.now());
        }
        loop {
            // What is due together is written together.
            let now = self.worker.now();
            let from = next;
            while reply.parts.get(next).is_some_and(|part| origin + part.due <= now) {
                next += 1;
            }
            let until = match next {
                0 => reply.head_end,
                next => reply.parts[next - 1].end,
            };
            if until > sent {
                if self.send(&reply.wire[sent..until]).await.is_err() {
                    return false;
                }
                sent = until;
                record.head.get_or_insert(now);
                if next > from {
                    self.note(record, &reply.parts[from..next], origin, now);
                }
            }
            let Some(part) = reply.parts.get(next) else { return true };
            if !self.wait(origin + part.due).await {
                return false;
            }
        }
    }

    fn note(
        &self,
        record: &mut Record,
        written: &[super::compose::Part],
        origin: Offset,
        now: Offset,
    ) {
        let late = written.first().map_or(Duration::ZERO, |part| now.since(origin + part.due));
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.worker.ledger().late(late);
        record.late_us = record.late_us.max(late);
        let payload = written.iter().map(|part| part.payload).sum();
        self.count(record, payload, written.iter().map(|part| part.chunks).sum(), now);
    }

    /// Counts a write of the body.
    pub(super) fn count(&self, record: &mut Record, payload: usize, chunks: u32, now: Offset) {
        if payload > 0 {
            record.writes += 1;
            record.bytes += payload as u64;
            let kept = self.worker.shared.options.limits.truth_writes;
            if kept && record.write_times.len() < KEPT_WRITES {
                record.write_times.push(now);
            }
        }
        if chunks > 0 {
            record.chunks += chunks;
            record.first_chunk.get_or_insert(now);
            record.last_chunk = Some(now);
        }
    }

    /// Writes byte by byte over a time.
    async fn dribble(&mut self, bytes: &[u8], span: Duration, origin: Offset) -> bool {
        let step = span / u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX);
        let mut due = origin;
        for byte in bytes {
            due = due + step;
            if !self.wait(due).await || self.send(&[*byte]).await.is_err() {
                return false;
            }
        }
        true
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
        let reply = super::compose::refusal_reply(refusal, openai, keep_alive, &date, |after| {
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

/// Bytes of a body against the budget of all bodies; given back when dropped.
struct Reserved {
    worker: Rc<Worker>,
    bytes: usize,
}

impl Reserved {
    fn more(&mut self, bytes: usize) -> Result<(), Refusal> {
        let shared = &self.worker.shared;
        self.bytes += bytes;
        let before = shared.buffered.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > shared.options.limits.buffered_bytes {
            return Err(Refusal::too_much_at_once());
        }
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.worker.shared.buffered.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Whether the newest bytes are the empty line that ends a head, or a body follows it already.
fn ends_a_head(input: &[u8]) -> bool {
    let newest = &input[input.len().saturating_sub(2_048 + 4)..];
    memchr::memmem::find(newest, b"\n\r\n").is_some()
        || memchr::memmem::find(newest, b"\n\n").is_some()
}
