//! One turn: admission, as many attempts as it takes, and a sample of each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::admission::Admitted;
use super::errand::Intent;
use super::retry::back_off;
use super::session::Session;
use super::slots::Asker;
use super::stop::StopPhase;
use crate::client::{Request, Transport};
use crate::exchange::{Again, Attempt};
use crate::expect::Answer;
use crate::protocol::{Asking, Message, Reply, Role};
use crate::sample::{Failure, Outcome, Reason, Sample, Timeline};
use crate::scenario::History;
use crate::units::Offset;

/// How a turn ended.
pub(super) struct Asked {
    pub(super) outcome: Outcome,
    pub(super) ended: Offset,
    /// The whole answer, where there is one and the next message names it.
    pub(super) answer: Option<Box<str>>,
}

impl<T: Transport + 'static> Session<T> {
    /// Asks turn `turn`, due at `due` and after the answer `previous`, and says how and when it
    /// ended.
    pub(super) async fn turn(
        &self,
        turn: u32,
        mut due: Offset,
        asker: Asker,
        previous: Option<&str>,
    ) -> Asked {
        let worker = &self.worker;
        let (message, request) = match self.request(turn, previous) {
            Ok(request) => request,
            Err(why) => {
                return self.never_sent(turn, due, Outcome::Failed(Failure::Local), Some(why), 1);
            }
        };
        let keep_text = self.planned.needs_text(turn);
        let retries = self.strand.scenario().limits.retries;
        // What was our own delay and not asked for by the load, over all attempts.
        let mut own = Duration::ZERO;
        let mut asked_at = due;
        let first = self.first_attempt(turn);
        if first > 1 {
            // Handed out again: what lies before was asked for, not our delay.
            asked_at = worker.clock().now();
        }
        for number in first.. {
            own += worker.clock().now().since(asked_at);
            let asker = if number == 1 { asker } else { Asker::Turn };
            // First: a slot that those on their way give back when they are cut is not for us.
            if self.strand.stopping() {
                return self.never_sent(turn, due, Outcome::Dropped(Reason::Stopped), None, number);
            }
            let admitted = if self.strand.admission.is_bounded() {
                tokio::select! {
                    biased;
                    () = self.strand.stop.reached(StopPhase::Draining) => {
                        let stopped = Outcome::Dropped(Reason::Stopped);
                        return self.never_sent(turn, due, stopped, None, number);
                    }
                    admitted = self.strand.admission.admit(asker, &worker.alarm) => admitted,
                }
            } else {
                Some(Admitted::FREELY)
            };
            if admitted.is_none() {
                return self.never_sent(
                    turn,
                    due,
                    Outcome::Dropped(Reason::Overload),
                    None,
                    number,
                );
            }
            if let Some(errands) = &worker.job().errands {
                let (errand, session_id) = (self.planned.number, &*self.id);
                let intent = Intent { number: errand, turn, attempt: number, session_id };
                let asked = worker.clock().now();
                let cleared = tokio::select! {
                    biased;
                    () = self.strand.stop.reached(StopPhase::Draining) => false,
                    cleared = errands.clear(intent) => cleared,
                };
                if !cleared {
                    let stopped = Outcome::Dropped(Reason::Stopped);
                    return self.never_sent(turn, due, stopped, None, number);
                }
                if number == 1 {
                    // It was not due before its intent was kept and the target's gate open.
                    due = due + worker.clock().now().since(asked);
                }
            }
            let admitted_at = worker.clock().now();
            let mut reply = worker.take_reply(keep_text);
            worker.attempt_started(admitted_at);
            let is_cut = || self.strand.stop.phase() == StopPhase::Cut;
            let mut attempt = worker.exchange.attempt(request.clone(), &mut reply, is_cut).await;
            drop(admitted);
            // What was said was said, also where it is not what was expected.
            let whole = attempt.outcome.is_completed();
            self.judge(turn, due, &mut attempt, &reply);
            own += attempt.started.since(admitted_at).saturating_sub(attempt.held);
            let asked_for = number > 1
                || !attempt.held.is_zero()
                || self.strand.admission.is_bounded()
                || worker.job().errands.is_some();
            let waited = attempt.started.since(due).saturating_sub(own);
            let queue = if asked_for { waited } else { Duration::ZERO };
            let (outcome, ended) = (attempt.outcome, attempt.ended);
            let safe = attempt.again;
            let again = safe.filter(|_| number <= retries && !self.strand.stopping());
            let again = again.and_then(|again| self.again_at(again, number + 1, ended));
            let retried = again.is_some();
            let mut sample = self.sample(turn, number, due, queue, attempt, &reply, retried);
            if let Some(errands) = &worker.job().errands {
                sample.retried = errands.ended(&sample, safe, &reply);
                self.taken_back.set(sample.retried);
            }
            worker.attempt_ended(sample, &reply, &message);
            if whole && turn < self.planned.turn_count() {
                self.remember(&message, &reply);
            }
            let named = whole && self.planned.next_names_answer(turn);
            let answer = named.then(|| reply.text().into());
            worker.give_back(reply);
            if worker.exchange.lets_go_late() {
                // The connection goes back to its pool on a task of its own. Without a pause for it the
                // next request on this thread would find none free and open one that nobody asked for.
                tokio::task::yield_now().await;
            }
            let Some(again_at) = again else { return Asked { outcome, ended, answer } };
            asked_at = again_at;
            if !worker.wait_until(asked_at, &self.strand.stop).await {
                let stopped = Outcome::Dropped(Reason::Stopped);
                return self.never_sent(turn, due, stopped, None, number + 1);
            }
        }
        unreachable!("a turn has fewer than 2³² attempts")
    }

    /// When attempt `number` is due; `None` where it is not worth waiting for: the server asks for
    /// more patience than a whole reply gets, or the load is over by then.
    fn again_at(&self, again: Again, number: u32, ended: Offset) -> Option<Offset> {
        let patience = self.strand.scenario().target.timeouts.total;
        if again.after.is_some_and(|after| after > patience) {
            return None;
        }
        let at = ended + back_off(again, number, &mut *self.worker.rng.borrow_mut());
        self.strand.load_end.is_none_or(|end| at < end).then_some(at)
    }

    /// Makes a whole answer that is not what the scenario expects a failed one.
    fn judge(&self, turn: u32, due: Offset, attempt: &mut Attempt, reply: &Reply) {
        if !attempt.outcome.is_completed() {
            return;
        }
        // Cut to microseconds before they are subtracted, as in the files.
        let since_due =
            |at: Offset| Duration::from_micros(at.micros().saturating_sub(due.micros()));
        let ttfc = reply.first_chunk().map(since_due);
        let total = since_due(attempt.ended);
        let answer = Answer::new(reply.text(), reply.chunks(), attempt.bytes, ttfc, total);
        if let Err(broken) =
            self.planned.expectations(turn).try_for_each(|expected| expected.check(&answer))
        {
            attempt.outcome = Outcome::Failed(Failure::Expectation);
            attempt.message = Some(broken.to_string().into());
        }
    }

    fn request(&self, turn: u32, previous: Option<&str>) -> Result<(String, Request), Box<str>> {
        let worker = &self.worker;
        let text =
            self.planned.text(turn, &self.id, previous).map_err(|error| error.to_string())?;
        let recorded: Vec<Message>;
        let live = self.history.borrow();
        let history = match self.strand.scenario().target.history {
            History::Recorded => {
                recorded = Message::exchanges(self.planned.recorded_before(turn));
                &recorded
            }
            History::Live | History::None => &*live,
        };
        let asking = Asking {
            user_id: &self.planned.user_id,
            agent_id: &self.strand.scenario().target.agent_id,
            session_id: &self.id,
            message: &text,
            history,
        };
        let mut body = Vec::with_capacity(text.len() + 160);
        worker.exchange.dialect().body(&asking, &mut body).map_err(|error| error.to_string())?;
        let user = Some(Arc::clone(&self.planned.user_id));
        Ok((text.into_owned(), Request { body: Bytes::from(body), user }))
    }

    /// Keeps what was said for the turns to come. A turn without an answer is left out, as a chat
    /// window does that offers to try again.
    fn remember(&self, message: &str, reply: &Reply) {
        if self.worker.keeps_history() {
            let said = |role, text: &str| Message { role, text: text.into() };
            let exchange = [said(Role::User, message), said(Role::Assistant, reply.text())];
            self.history.borrow_mut().extend(exchange);
        }
    }

    fn never_sent(
        &self,
        turn: u32,
        due: Offset,
        outcome: Outcome,
        message: Option<Box<str>>,
        attempt: u32,
    ) -> Asked {
        let sample = Sample { attempt, ..self.unsent(turn, due, outcome, message) };
        let ended = sample.timeline.ended;
        if let (Some(errands), Outcome::Failed(_)) = (&self.worker.job().errands, outcome) {
            errands.ended(&sample, None, &Reply::default());
        }
        self.worker.not_sent(sample);
        Asked { outcome, ended, answer: None }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a sample meet here and only here")]
    fn sample(
        &self,
        turn: u32,
        number: u32,
        intended: Offset,
        queue: Duration,
        attempt: Attempt,
        reply: &Reply,
        retried: bool,
    ) -> Sample {
        Sample {
            attempt: number,
            retried,
            timeline: Timeline {
                intended,
                started: Some(attempt.started),
                headers: attempt.headers,
                first_chunk: reply.first_chunk(),
                last_chunk: reply.last_chunk(),
                first_reasoning: reply.first_reasoning(),
                ended: attempt.ended,
            },
            queue,
            connect: attempt.connect,
            connection: attempt.connection,
            client_lag: reply.within().longest_lag(),
            chunks: reply.chunks(),
            reads: reply.reads(),
            bytes: attempt.bytes,
            tool_calls: reply.tool_calls(),
            tokens: reply.tokens(),
            status: attempt.status,
            ..self.blank(turn, intended, attempt.ended, attempt.outcome, attempt.message)
        }
    }
}
