//! A transport that plays a script on tokio's clock: the executor's tests are exact with it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::{Answered, Read, ReplyReader, Request, Transport, TransportFailure};
use crate::clock::Clock;
use crate::units::Offset;

/// What happens to one request.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Until the head.
    pub(crate) head: Duration,
    pub(crate) status: u16,
    /// Wait, then this piece of body.
    pub(crate) pieces: Vec<(Duration, &'static str)>,
    /// The body breaks off instead of ending.
    pub(crate) cut: Option<TransportFailure>,
    /// No head comes, but this.
    pub(crate) refuse: Option<TransportFailure>,
    pub(crate) retry_after: Option<&'static str>,
}

impl Script {
    /// A reply of one chunk, `total` after the request.
    pub(crate) fn answer(total: Duration) -> Self {
        Self {
            head: Duration::ZERO,
            status: 200,
            pieces: vec![(total, "answer")],
            cut: None,
            refuse: None,
            retry_after: None,
        }
    }

    /// An error status, at once.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            pieces: vec![(Duration::ZERO, "{\"detail\": \"no\"}")],
            ..Self::answer(Duration::ZERO)
        }
    }
}

type Answer = dyn Fn(usize, &serde_json::Value) -> Script;

/// When a request came, and its body.
pub(crate) type Seen = (Offset, serde_json::Value);

/// Plays what `answer` says for the n-th request (from 0) with this body.
#[derive(Clone)]
pub(crate) struct ScriptedTransport {
    clock: Clock,
    answer: Rc<Answer>,
    pub(crate) seen: Rc<RefCell<Vec<Seen>>>,
}

impl ScriptedTransport {
    pub(crate) fn new(
        clock: Clock,
        answer: impl Fn(usize, &serde_json::Value) -> Script + 'static,
    ) -> Self {
        Self { clock, answer: Rc::new(answer), seen: Rc::default() }
    }
}

impl Transport for ScriptedTransport {
    type Reply = ScriptedReply;

    async fn send(&self, request: Request) -> Result<Answered<ScriptedReply>, TransportFailure> {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let script = (self.answer)(self.seen.borrow().len(), &body);
        self.seen.borrow_mut().push((self.clock.now(), body));
        tokio::time::sleep(script.head).await;
        if let Some(refusal) = script.refuse {
            return Err(refusal);
        }
        Ok(Answered {
            status: script.status,
            headers_at: self.clock.now(),
            lag: None,
            connect: None,
            connection: None,
            reply: ScriptedReply { clock: self.clock, script, next: 0, due: None },
        })
    }
}

pub(crate) struct ScriptedReply {
    clock: Clock,
    script: Script,
    next: usize,
    due: Option<tokio::time::Instant>,
}

impl ReplyReader for ScriptedReply {
    async fn read(&mut self) -> Result<Read<'_>, TransportFailure> {
        let Some(&(wait, text)) = self.script.pieces.get(self.next) else {
            return match self.script.cut.take() {
                Some(cut) => Err(cut),
                None => Ok(Read { bytes: &[], at: self.clock.now(), lag: None }),
            };
        };
        // Cancel safe: the due time of a piece is fixed when it is first asked for.
        let due = match self.due {
            Some(due) => due,
            None => *self.due.insert(self.clock.on_tokio(self.clock.now() + wait)),
        };
        tokio::time::sleep_until(due).await;
        self.due = None;
        self.next += 1;
        Ok(Read { bytes: text.as_bytes(), at: self.clock.now(), lag: None })
    }

    fn header(&self, name: &str) -> Option<&str> {
        (name == "retry-after").then_some(self.script.retry_after)?
    }
}
