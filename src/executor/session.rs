//! One session: its turns in order, each after the reply to the one before.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::slots::Asker;
use super::worker::Worker;
use crate::client::Transport;
use crate::measure::EndedSession;
use crate::plan::PlannedSession;
use crate::protocol::Message;
use crate::sample::{Outcome, Part, Reason, Sample, Timeline, Tokens};
use crate::scenario::OnError;
use crate::units::Offset;

/// A session being carried out on one worker.
pub(super) struct Session<T> {
    pub(super) worker: Rc<Worker<T>>,
    pub(super) planned: PlannedSession,
    pub(super) id: Arc<str>,
    /// What was said in it, where the dialect sends it along; never borrowed across an `await`.
    pub(super) history: RefCell<Vec<Message>>,
    /// When its first turn is due.
    due: Offset,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Every turn was completed.
    Completed,
    /// Not every turn was.
    Incomplete,
    /// Its next turn would have been due after the end of the load.
    OutOfTime,
}

impl<T: Transport + 'static> Session<T> {
    pub(super) fn new(worker: &Rc<Worker<T>>, planned: PlannedSession, due: Offset) -> Self {
        let id = match &planned.fixed_session_id {
            Some(fixed) => Arc::clone(fixed),
            None => format!("{}-{}", worker.job().run_id, planned.number).into(),
        };
        Self { worker: Rc::clone(worker), planned, id, history: RefCell::default(), due }
    }

    /// Carries out the turns. Returns when the last has ended, or when no more may be started;
    /// `false` if its user would still be thinking when the time of the load is over.
    pub(super) async fn run(self) -> bool {
        let (end, ended) = self.ask_all().await;
        self.tell_end(end == End::Completed, ended);
        end != End::OutOfTime
    }

    fn tell_end(&self, completed: bool, ended: Offset) {
        self.worker.session_ended(&EndedSession {
            kind: self.planned.kind,
            phase: self.worker.phase(self.due, ended),
            due: self.due,
            ended,
            completed,
        });
    }

    /// How it ended, and when its last turn did.
    async fn ask_all(&self) -> (End, Offset) {
        let turns = self.planned.turn_count();
        let on_error = self.worker.job().plan.scenario().on_error;
        let mut due = self.due;
        let mut ended = self.due;
        let mut all_completed = true;
        for turn in 1..=turns {
            if turn > 1 {
                due = ended + self.planned.think(turn);
                // In a load bounded by time, what was not due before its end is not planned.
                if self.worker.job().load_end().is_some_and(|end| due >= end) {
                    return (End::OutOfTime, ended);
                }
                if !self.worker.wait_until(due).await {
                    self.drop_from(turn, due, Reason::Stopped);
                    return (End::Incomplete, ended);
                }
            }
            let asker = if turn == 1 { Asker::Arrival } else { Asker::Turn };
            let outcome;
            (outcome, ended) = self.turn(turn, due, asker).await;
            all_completed &= outcome.is_completed();
            let rest = match outcome {
                Outcome::Completed => continue,
                Outcome::Failed(_) | Outcome::TimedOut(_) if on_error == OnError::Continue => {
                    continue;
                }
                Outcome::Dropped(Reason::Stopped) | Outcome::Cancelled => Reason::Stopped,
                // Nobody can answer in a session that was turned away.
                Outcome::Dropped(_) | Outcome::Failed(_) | Outcome::TimedOut(_) => {
                    Reason::SessionEnded
                }
            };
            self.drop_from(turn + 1, ended, rest);
            break;
        }
        (if all_completed { End::Completed } else { End::Incomplete }, ended)
    }

    /// Tells that no turn of this session was sent, because the run is being stopped.
    pub(super) fn drop_all(&self) {
        self.drop_from(1, self.due, Reason::Stopped);
        self.tell_end(false, self.due);
    }

    /// Tells that the turns from `from` on were never sent. In a load bounded by time a turn that
    /// was not due before the run was stopped was not planned, and is not told.
    fn drop_from(&self, from: u32, due: Offset, reason: Reason) {
        if reason == Reason::Stopped && self.worker.job().load_end().is_some() {
            return;
        }
        for turn in from..=self.planned.turn_count() {
            self.worker.not_sent(self.unsent(turn, due, Outcome::Dropped(reason), None));
        }
    }

    /// The sample of a turn that was never sent.
    pub(super) fn unsent(
        &self,
        turn: u32,
        intended: Offset,
        outcome: Outcome,
        message: Option<Box<str>>,
    ) -> Sample {
        let ended = self.worker.clock().now().max(intended);
        Sample {
            session_number: self.planned.number,
            kind: self.planned.kind,
            session_id: Arc::clone(&self.id),
            user_id: Arc::clone(&self.planned.user_id),
            turn,
            part: Part::Main,
            attempt: 1,
            retried: false,
            phase: self.worker.phase(intended, ended),
            timeline: Timeline { intended, ended, ..Timeline::default() },
            queue: std::time::Duration::ZERO,
            connect: None,
            chunks: 0,
            reads: 0,
            bytes: 0,
            tool_calls: 0,
            tokens: Tokens::default(),
            status: None,
            outcome,
            message,
        }
    }
}
