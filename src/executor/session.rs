//! One session: its turns in order, each after the reply to the one before.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

use super::errand::{Errand, Errands};
use super::slots::Asker;
use super::strand::Strand;
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
    pub(super) strand: Arc<Strand>,
    pub(super) planned: PlannedSession,
    pub(super) id: Arc<str>,
    /// What was said in it, where the dialect sends it along; never borrowed across an `await`.
    pub(super) history: RefCell<Vec<Message>>,
    /// How many of its turns the figures are of.
    main_turns: u32,
    /// When its first turn is due.
    due: Offset,
    /// What would be due then or later is not planned: its user is gone, or the load is over.
    end: Offset,
    /// The turn to begin with, and which attempt at it comes next.
    begin: (u32, u32),
    /// Whether an attempt was taken back, so that the rest is somebody else's.
    pub(super) taken_back: Cell<bool>,
}

/// The part of a session that the figures are of, as far as it came.
struct MainPart {
    /// When its first turn was due; `None` before that.
    due: Option<Offset>,
    /// When its last turn ended.
    ended: Offset,
    /// Every turn so far was completed.
    completed: bool,
    /// Some of its turns were not planned any more.
    unfinished: bool,
    told: bool,
}

impl MainPart {
    /// Not begun; its session is due at `due`.
    fn new(due: Offset) -> Self {
        Self { due: None, ended: due, completed: true, unfinished: false, told: false }
    }

    fn note(&mut self, due: Offset, ended: Offset, completed: bool) {
        self.due.get_or_insert(due);
        self.ended = ended;
        self.completed &= completed;
    }
}

impl<T: Transport + 'static> Session<T> {
    pub(super) fn new(
        worker: &Rc<Worker<T>>,
        strand: &Arc<Strand>,
        planned: PlannedSession,
        due: Offset,
    ) -> Self {
        let id = match &planned.fixed_session_id {
            Some(fixed) => Arc::clone(fixed),
            None => format!("{}-{}", worker.job().run_id, planned.number).into(),
        };
        let turns = 1..=planned.turn_count();
        let main_turns = turns.filter(|&turn| planned.part(turn) == Part::Main).count() as u32;
        Self {
            worker: Rc::clone(worker),
            strand: Arc::clone(strand),
            planned,
            id,
            history: RefCell::default(),
            main_turns,
            due,
            end: strand.load_end.unwrap_or(Offset::NEVER),
            begin: (1, 1),
            taken_back: Cell::new(false),
        }
    }

    /// The same, for a user who goes at `end`.
    pub(super) fn until(self, end: Offset) -> Self {
        Self { end, ..self }
    }

    /// A session that was handed out at `now`.
    pub(super) fn of_errand(
        worker: &Rc<Worker<T>>,
        strand: &Arc<Strand>,
        errand: Errand,
        now: Offset,
    ) -> Self {
        Self {
            id: errand.id,
            begin: (errand.turn, errand.attempt),
            ..Self::new(worker, strand, errand.session, errand.due.unwrap_or(now))
        }
    }

    /// Carries out an errand as far as it is ours.
    pub(super) async fn run_errand(&self, errands: &dyn Errands) {
        let mut main = MainPart::new(self.due);
        self.ask_all(&mut main).await;
        if !self.taken_back.get() {
            self.tell_end(&mut main);
        }
        errands.closed(self.planned.number);
    }

    /// The number of the first attempt at turn `turn`.
    pub(super) fn first_attempt(&self, turn: u32) -> u32 {
        if turn == self.begin.0 { self.begin.1 } else { 1 }
    }

    /// Carries out the turns. Returns when the last has ended, or when no more may be started;
    /// `false` if its user would still be thinking when it goes.
    pub(super) async fn run(&self) -> bool {
        let mut main = MainPart::new(self.due);
        let in_time = self.ask_all(&mut main).await;
        self.tell_end(&mut main);
        in_time
    }

    /// Tells once how the part that the figures are of has ended, if it was begun.
    fn tell_end(&self, main: &mut MainPart) {
        let Some(due) = main.due else { return };
        // Cut short by the end of the load, and good so far: neither complete nor incomplete.
        if main.unfinished && main.completed {
            return;
        }
        if !std::mem::replace(&mut main.told, true) {
            self.worker.session_ended(&EndedSession {
                kind: self.planned.kind,
                phase: self.strand.phase(due, main.ended),
                due,
                ended: main.ended,
                completed: main.completed,
            });
        }
    }

    /// `false` if its next turn would have been due after the end of the load.
    async fn ask_all(&self, main: &mut MainPart) -> bool {
        let turns = self.planned.turn_count();
        let closing = self.planned.first_closing_turn();
        let mut due = self.due;
        let mut ended = self.due;
        let mut answer = None;
        let mut turn = self.begin.0;
        while turn <= turns {
            if turn >= closing {
                self.tell_end(main);
            }
            if turn > self.begin.0 {
                due = ended + self.planned.think(turn);
                if due >= self.end {
                    main.unfinished = true;
                    return false;
                }
                if !self.worker.wait_until(due, &self.strand.stop).await {
                    self.drop_rest(turn..=turns, due, Reason::Stopped, main);
                    return true;
                }
            }
            let asker = if turn == 1 { Asker::Arrival } else { Asker::Turn };
            let asked = self.turn(turn, due, asker, answer.as_deref()).await;
            (ended, answer) = (asked.ended, asked.answer);
            if self.taken_back.get() {
                return true;
            }
            if self.planned.part(turn) == Part::Main {
                main.note(due, ended, asked.outcome.is_completed());
                self.strand.warmup.turn_ended(ended);
            }
            let on_error = self.planned.on_error();
            let (last, reason) = match asked.outcome {
                Outcome::Completed => (turn, Reason::SessionEnded),
                Outcome::Failed(_) | Outcome::TimedOut(_) if on_error == OnError::Continue => {
                    (turn, Reason::SessionEnded)
                }
                Outcome::Dropped(Reason::Stopped) | Outcome::Cancelled => (turns, Reason::Stopped),
                // What was opened is closed, whatever became of the part between.
                Outcome::Failed(_) | Outcome::TimedOut(_)
                    if self.planned.part(turn) == Part::Main =>
                {
                    (closing - 1, Reason::SessionEnded)
                }
                // Nobody can answer in a session that was turned away.
                Outcome::Dropped(_) | Outcome::Failed(_) | Outcome::TimedOut(_) => {
                    (turns, Reason::SessionEnded)
                }
            };
            self.drop_rest(turn + 1..=last, ended, reason, main);
            turn = last + 1;
        }
        true
    }

    /// Tells that these turns were never sent. In a load bounded by time a turn that was not due
    /// before the run was stopped was not planned, and is not told.
    fn drop_rest(
        &self,
        turns: RangeInclusive<u32>,
        due: Offset,
        reason: Reason,
        main: &mut MainPart,
    ) {
        let bounded_by_time = self.strand.load_end.is_some();
        let mut at = due;
        for turn in turns {
            // When it would have been due, had its session gone on without answers.
            if reason == Reason::SessionEnded {
                at = at + self.planned.think(turn);
            }
            let planned = !bounded_by_time || (reason != Reason::Stopped && at < self.end);
            if self.planned.part(turn) == Part::Main {
                main.completed &= !planned;
                main.unfinished |= !planned;
                if planned {
                    main.due.get_or_insert(due);
                }
            }
            if planned {
                self.worker.not_sent(self.unsent(turn, due, Outcome::Dropped(reason), None));
            }
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
        // One that was stopped while its user thought was never due.
        let ended = self.worker.clock().now();
        self.blank(turn, intended.min(ended), ended, outcome, message)
    }

    /// A sample of which no more is known than whose it is, when, and how it ended.
    pub(super) fn blank(
        &self,
        turn: u32,
        intended: Offset,
        ended: Offset,
        outcome: Outcome,
        message: Option<Box<str>>,
    ) -> Sample {
        Sample {
            session_number: self.planned.number,
            kind: self.planned.kind,
            session_id: Arc::clone(&self.id),
            user_id: Arc::clone(&self.planned.user_id),
            turn,
            part: self.planned.part(turn),
            session_turns: self.main_turns,
            attempt: 1,
            retried: false,
            phase: self.strand.phase(intended, ended),
            timeline: Timeline { intended, ended, ..Timeline::default() },
            queue: std::time::Duration::ZERO,
            connect: None,
            connection: None,
            client_lag: None,
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
