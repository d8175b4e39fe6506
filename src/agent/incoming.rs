//! Reading requests from a connection, within limits of size and time.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::time::timeout;

use super::connection::Connection;
use super::refusal::Refusal;
use super::request::{self, Body, Head, Unchunker};
use super::shared::Worker;

/// Why there is no request.
pub(super) enum NoRequest {
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
    /// The next request, with its body.
    pub(super) async fn next_request(&mut self) -> Result<(Head, Bytes), NoRequest> {
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
        let shared = Arc::clone(&self.worker.shared);
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
