//! The state of a batch under way: what is known of each row that has begun, and what each attempt
//! makes of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::account::{Account, Open};
use super::begun::Row;
use super::desk::{Orders, SessionIds, Standing};
use super::halt::Halt;
use super::limit::Limit;
use super::pace::Pace;
use super::policy::{Effects, Sign, Verdict, back_off, sign};
use super::queue::{Next, Queue};
use super::record::{Last, Record, STATUSES, Status};
use super::row::Prompt;
use crate::artifact::samples::SampleWriter;
use crate::clock::Clock;
use crate::exchange::Again;
use crate::executor::{Errand, Intent};
use crate::protocol::{Dialect, Reply};
use crate::sample::{Outcome, Sample};
use crate::units::Offset;

/// Rows refused one after the other that are taken for the target's last word.
const REFUSED: usize = 5;

/// The orders, and what follows from them alone.
#[derive(Debug)]
pub(super) struct Settings(pub(super) Orders);

/// Everything that changes while a batch runs.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) queue: Queue,
    pub(super) pace: Pace,
    pub(super) halt: Option<Halt>,
    pub(super) under_way: u32,
    /// Left open by an earlier leg.
    pub(super) unsettled: HashMap<u64, Open>,
    limit: Limit,
    rows: HashMap<u64, Row>,
    counts: [u64; STATUSES.len()],
    before: u64,
    /// Rows refused since the last that was not.
    refused: HashSet<u64>,
    rng: Xoshiro256PlusPlus,
    last_error: Option<String>,
}

/// What an attempt came to.
pub(super) struct Settled {
    pub(super) record: Record,
    /// The row has its result; whether that is an answer.
    pub(super) finished: Option<bool>,
    pub(super) taken_back: bool,
    pub(super) gate_moved: bool,
    pub(super) halt: Option<Halt>,
}

impl Settings {
    /// Whether a request carries what was said before.
    pub(super) fn sends_history(&self) -> bool {
        let target = &self.0.plan.scenario().target;
        Dialect::new(target.protocol, target.framing).sends_history()
    }

    /// What a result is called.
    pub(super) fn id(&self, item: u64, id: String) -> String {
        match self.0.items.row(item).1 {
            0 => id,
            repetition => format!("{id}#{}", repetition + 1),
        }
    }

    fn session_id(&self, item: u64, prompt: &Prompt, sessions: u32) -> Arc<str> {
        let run = &self.0.run_id;
        let (row, repetition) = self.0.items.row(item);
        let again = if sessions > 1 { format!("-r{sessions}") } else { String::new() };
        match (&prompt.session, self.0.input.session_of(row)) {
            (Some(session), _) if self.0.session_ids == SessionIds::Literal => {
                session.as_str().into()
            }
            // Rows of a session share its id: none of them begins a second one.
            (_, Some(session)) if self.0.items.is_shared(item) => {
                format!("{run}-s{session}.{repetition}").into()
            }
            _ => format!("{run}-{item}{again}").into(),
        }
    }
}

impl Work {
    pub(super) fn new(account: Account, limit: Limit, orders: &Settings) -> Self {
        let mut counts = [0; STATUSES.len()];
        for (count, status) in counts.iter_mut().zip(STATUSES) {
            *count = account.count(status);
        }
        let before = account.finished();
        let (done, unsettled) = account.into_parts();
        // Jitter is not part of the plan, but it may as well be the same for the same run.
        let seed = orders
            .0
            .run_id
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self {
            queue: Queue::new(done),
            pace: Pace::default(),
            halt: None,
            under_way: 0,
            unsettled,
            limit,
            rows: HashMap::new(),
            counts,
            before,
            refused: HashSet::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            last_error: None,
        }
    }

    /// Goes on with an item of an earlier leg, from its beginning.
    pub(super) fn resume(&mut self, item: u64, open: Open) {
        let anew = open.in_doubt || open.taken;
        let sessions = open.sessions.max(1);
        let tries = open.notes.len() as u32;
        let row = Row { sessions, anew, tries, notes: open.notes, turn: 1, ..Row::default() };
        self.rows.insert(item, row);
    }

    /// Whether the item has been read already.
    pub(super) fn knows(&self, item: u64) -> bool {
        self.rows.get(&item).is_some_and(|row| row.prompt.is_some())
    }

    /// The next item; `None` when nothing more is to be begun.
    pub(super) fn next(&mut self, now: Offset, orders: &Settings) -> Option<Next> {
        if self.halt.is_some() {
            return None;
        }
        if self.under_way >= self.limit.now() {
            return Some(Next::Wait);
        }
        let next = self.queue.take(now, &orders.0.items);
        match next {
            Next::Item(_) => self.under_way += 1,
            // What is under way may come back.
            Next::Empty if self.under_way > 0 => return Some(Next::Wait),
            _ => {}
        }
        Some(next)
    }

    /// The item as it is handed out.
    pub(super) fn errand(
        &mut self,
        item: u64,
        read: Option<(String, Prompt)>,
        orders: &Settings,
    ) -> Errand {
        let row = self.rows.entry(item).or_default();
        if let Some((id, prompt)) = read {
            row.id = orders.id(item, id);
            row.prompt = Some(prompt);
        }
        row.taken_back = false;
        let turns = row.prompt.as_ref().map_or_else(Default::default, |one| Arc::clone(&one.turns));
        if row.anew || row.sessions == 0 || row.session_id.is_empty() {
            if row.anew || row.sessions == 0 {
                row.sessions += 1;
            }
            row.anew = false;
            row.turn = 1;
            row.turns.clear();
            if let Some(prompt) = &row.prompt {
                row.session_id = orders.session_id(item, prompt, row.sessions);
            }
        }
        // A session is one user's.
        let (file_row, _) = orders.0.items.row(item);
        let identity = match orders.0.input.session_of(file_row) {
            Some(session) => u64::from(session),
            None => item,
        };
        Errand {
            session: orders.0.plan.given(item, identity, turns),
            id: Arc::clone(&row.session_id),
            turn: row.turn,
            attempt: row.tries + 1,
            due: row.due,
        }
    }

    /// The record of an attempt that is about to be made.
    pub(super) fn intend(&mut self, intent: &Intent<'_>) -> Record {
        let mut sessions = 1;
        if let Some(row) = self.rows.get_mut(&intent.number) {
            row.intended = true;
            row.turn = intent.turn;
            sessions = row.sessions;
        }
        Record::Intent {
            item: intent.number,
            turn: intent.turn,
            attempt: intent.attempt,
            session: intent.session_id.to_owned(),
            sessions,
        }
    }

    /// An item is on its way no more; whether its intent has to be taken back.
    pub(super) fn closed(&mut self, item: u64) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        self.queue.left(item);
        if self.queue.is_done(item) {
            self.rows.remove(&item);
            return false;
        }
        let Some(row) = self.rows.get_mut(&item) else { return false };
        std::mem::take(&mut row.intended)
    }

    /// Counts a result; `false` if the item had one.
    pub(super) fn finish(&mut self, item: u64, status: Status) -> bool {
        let new = self.queue.finish(item);
        if new {
            self.counts[status as usize] += 1;
        }
        new
    }

    pub(super) fn standing(&self, now: Offset, items: u64) -> Standing {
        Standing {
            items,
            counts: self.counts,
            before: self.before,
            under_way: self.under_way,
            waiting: self.queue.waiting(),
            limit: self.limit.now(),
            closed_until: self.pace.closed_until(now),
            last_error: self.last_error.clone(),
        }
    }

    /// What an attempt came to: for the target, for the row, and for the journal.
    pub(super) fn settle(
        &mut self,
        sample: &Sample,
        again: Option<Again>,
        reply: &Reply,
        clock: Clock,
        orders: &Settings,
    ) -> Settled {
        let item = sample.session_number;
        let now = sample.timeline.ended;
        let left = sample.timeline.started.unwrap_or(now);
        let sign = sign(sample.outcome, sample.status, sample.message.as_deref(), again);
        let (halt, gate_moved) = self.learn(item, sign, left, now, sample, orders);
        let chance: f64 = self.rng.random();
        let closed_until = self.pace.closed_until(now);
        let mut row = self.rows.remove(&item).unwrap_or_default();
        let verdict = row.judge(sample, sign, again, item, orders);
        // Credits, keys and the like are not the row's fault: it stays to be asked.
        let kept = halt.is_some() && verdict == Verdict::Last && sign != Sign::Well;
        let cut = sample.outcome == Outcome::Cancelled
            && orders.0.policy.effects == Effects::AtLeastOnce
            && row.own_session(item, orders);
        let backoff = std::mem::take(&mut row.backoff);
        row.note(sample, backoff, clock);
        row.intended = false;
        row.ended = now;
        let more = sample.outcome.is_completed() && !row.is_last_turn(sample.turn);
        let mut settled = Settled {
            record: Record::Withdrawn { item },
            finished: None,
            taken_back: false,
            gate_moved,
            halt,
        };
        let mut last = None;
        if sample.outcome.is_completed() {
            row.answered(sample, reply);
        }
        if more || cut {
            // Goes on by itself, or not in this leg.
        } else if kept {
            settled.taken_back = true;
        } else if verdict == Verdict::Last {
            let status = status(sample.outcome);
            last = Some(Last { status, line: row.line(sample, reply, status) });
            settled.finished = Some(sample.outcome.is_completed());
        } else {
            settled.taken_back = true;
            row.anew = verdict == Verdict::Anew;
            // A script that begins anew is another one.
            let same_turn = !row.anew || sample.turn == 1;
            row.tries = if same_turn { sample.attempt } else { 0 };
            row.due = same_turn.then_some(sample.timeline.intended);
            let wait = match sign {
                Sign::Unreachable | Sign::Overloaded(Some(_)) => Duration::ZERO,
                _ => back_off(row.counted + 1, chance),
            };
            let at = (now + wait).max(closed_until.unwrap_or(now));
            row.backoff = at.since(now);
            self.queue.later(item, at, row.anew);
        }
        row.taken_back = settled.taken_back;
        settled.record = Record::Ended {
            item,
            sample: csv_row(sample, settled.taken_back, orders),
            safe: again.is_some() || sample.timeline.started.is_none(),
            note: row.notes.last().cloned().unwrap_or_default(),
            last,
        };
        if let Some(completed) = settled.finished {
            self.finish(item, status(sample.outcome));
            if !completed {
                let error = sample.outcome.error();
                let said = sample.message.as_deref().unwrap_or("");
                self.last_error = Some(format!("{error} {said}").trim().to_owned());
            }
        }
        self.rows.insert(item, row);
        settled
    }

    /// What the target has said about itself: why to stop, if so, and whether the gate has moved.
    fn learn(
        &mut self,
        item: u64,
        sign: Sign,
        left: Offset,
        now: Offset,
        sample: &Sample,
        orders: &Settings,
    ) -> (Option<Halt>, bool) {
        let said = || sample.message.as_deref().unwrap_or("").to_owned();
        let policy = &orders.0.policy;
        if sign != Sign::Refused && sample.status.is_some() {
            self.refused.clear();
        }
        let was_closed = self.pace.closed_until(now).is_some();
        match sign {
            Sign::Well => {
                self.pace.answered(now);
                self.limit.answered(now, self.under_way);
            }
            Sign::Overloaded(after) => {
                self.limit.lost(left, now, self.under_way);
                match after {
                    Some(after) if after > policy.max_retry_after => {
                        return (Some(Halt::TooLong(after)), true);
                    }
                    Some(after) => self.pace.refused(left, now, after),
                    None => self.pace.reached(),
                }
            }
            Sign::Lost => {
                self.limit.lost(left, now, self.under_way);
                self.pace.reached();
            }
            Sign::Unreachable => {
                let chance = self.rng.random();
                let outage = self.pace.unreachable(now, chance);
                let why = sample.message.as_deref().unwrap_or(sample.outcome.error());
                self.last_error = Some(format!("the target cannot be reached: {why}"));
                if outage > policy.max_elapsed {
                    return (Some(Halt::Outage(outage)), true);
                }
            }
            Sign::Refused => {
                self.pace.reached();
                self.refused.insert(item);
                let never = self.counts[Status::Completed as usize] == 0;
                if never || self.refused.len() >= REFUSED {
                    let status = sample.status.unwrap_or(0);
                    return (Some(Halt::Refused { status, said: said() }), true);
                }
            }
            Sign::NoCredits => return (Some(Halt::Credits(said())), true),
            Sign::Nothing => {}
        }
        (None, was_closed || sign == Sign::Unreachable || sign == Sign::Well)
    }
}

fn status(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Completed => Status::Completed,
        Outcome::TimedOut(_) => Status::TimedOut,
        Outcome::Cancelled => Status::Cancelled,
        Outcome::Failed(_) | Outcome::Dropped(_) => Status::Failed,
    }
}

/// The sample's row of `samples.csv`, numbered 1; its offsets count from the first leg's origin.
fn csv_row(sample: &Sample, taken_back: bool, orders: &Settings) -> String {
    let mut shifted = sample.clone();
    shifted.retried = taken_back;
    shift(&mut shifted, orders.0.base);
    let mut writer =
        SampleWriter::resume(Vec::with_capacity(400), &orders.0.kinds, &orders.0.name, 0);
    // A Vec takes everything.
    let _ = writer.write(&shifted);
    let mut row = String::from_utf8(writer.into_inner()).unwrap_or_default();
    row.truncate(row.trim_end_matches('\n').len());
    row
}

/// Moves every time point of a sample `later`.
pub fn shift(sample: &mut Sample, later: Duration) {
    let time = &mut sample.timeline;
    time.intended = time.intended + later;
    time.ended = time.ended + later;
    for at in [&mut time.started, &mut time.headers, &mut time.first_chunk, &mut time.last_chunk] {
        *at = at.map(|at| at + later);
    }
}
