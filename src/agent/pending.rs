//! A request that is under way; however it ends, it is entered into the log.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::ask::Asked;
use super::request::Head;
use super::sessions::{Context, Whose};
use super::shared::Worker;
use super::truth::{End, Message, Record};
use crate::units::Offset;

/// The record of a request while it is under way. Dropped, it closes what is open and is logged.
pub(super) struct Pending {
    worker: Rc<Worker>,
    /// `None` only while it is being dropped.
    record: Option<Box<Record>>,
    session: Option<Asked>,
    answer: Option<String>,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) connection: u64,
    pub(super) on_connection: u32,
    pub(super) accepted: Offset,
    /// When the kernel had its last byte.
    pub(super) arrived: Offset,
    pub(super) complete: Offset,
}

impl Pending {
    pub(super) fn new(worker: &Rc<Worker>, arrival: Arrival, head: Option<&Head>) -> Self {
        let shared = &worker.shared;
        shared.open.fetch_add(1, Ordering::Relaxed);
        let seq = shared.request_complete(arrival.complete);
        let record = Record {
            seq,
            number: None,
            connection: arrival.connection,
            on_connection: arrival.on_connection,
            method: head.map_or("", |head| head.method.as_str()).into(),
            path: head.map_or("", |head| head.path.as_str()).into(),
            agent_id: "".into(),
            user_id: "".into(),
            session_id: None,
            message: Message::None,
            in_session: 0,
            accepted: arrival.accepted,
            arrived: arrival.arrived,
            complete: arrival.complete,
            admitted: None,
            head: None,
            first_chunk: None,
            last_chunk: None,
            ended: None,
            late_us: 0,
            chunks: 0,
            writes: 0,
            bytes: 0,
            status: 0,
            fault: "".into(),
            end: End::Stopped,
            write_times: Vec::new(),
        };
        Self {
            worker: Rc::clone(worker),
            record: Some(Box::new(record)),
            session: None,
            answer: None,
        }
    }

    /// The record, to write in; there until this is dropped.
    pub(super) fn record(&mut self) -> &mut Record {
        #[expect(clippy::expect_used, reason = "only `drop` takes it out")]
        self.record.as_mut().expect("a pending request has its record")
    }

    /// Opens the session that was asked in, and says what is known of it.
    pub(super) fn open_session(&mut self, asked: &Asked) -> Context {
        let Some(whose) = whose(asked) else {
            let said = asked.earlier.iter().filter(|(role, _)| role == "user");
            let mut earlier: Vec<_> = said.map(|(_, text)| text.clone()).collect();
            let turn = earlier.len() + 1;
            earlier.drain(..earlier.len().saturating_sub(3));
            return Context { turn, earlier, open: 0 };
        };
        let context = self.worker.shared.sessions.ask(whose, &asked.message);
        self.record().in_session = context.open;
        self.session = Some(Asked { message: String::new(), ..asked.clone() });
        context
    }

    /// Everything said before the message: in the session, or with the request.
    pub(super) fn said_before(&self, asked: &Asked) -> Vec<(String, std::sync::Arc<str>)> {
        match whose(asked) {
            Some(whose) if asked.earlier.is_empty() => self.worker.shared.sessions.before(whose),
            _ => asked.earlier.clone(),
        }
    }

    /// What was answered goes into the session's history.
    pub(super) fn answered(&mut self, answer: String) {
        self.answer = Some(answer);
    }

    /// The reply is over.
    pub(super) fn end(&mut self, end: End) {
        let now = self.worker.now();
        let record = self.record();
        record.end = end;
        record.ended = Some(now);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let shared = &self.worker.shared;
        if let Some(whose) = self.session.as_ref().and_then(whose) {
            shared.sessions.answered(whose, self.answer.as_deref());
        }
        shared.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(record) = self.record.take() {
            self.worker.ledger().enter(*record);
        }
    }
}

fn whose(asked: &Asked) -> Option<Whose<'_>> {
    asked.session_id.as_deref().map(|session_id| Whose {
        agent_id: &asked.agent_id,
        user_id: &asked.user_id,
        session_id,
    })
}
