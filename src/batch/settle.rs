//! The state of a batch under way: what is known of each row that has begun, and what each attempt
//! makes of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::account::{Account, Open};
use super::begun::{Row, is_whole};
use super::desk::{Orders, SessionIds};
use super::halt::Halt;
use super::limit::Limit;
use super::pace::Pace;
use super::policy::{Effects, Sign, Verdict, sign};
use super::queue::{Next, Queue};
use super::record::{Last, Record, STATUSES, Status};
use super::row::Prompt;
use super::standing::Standing;
use super::tell::Target;
use crate::artifact::samples::SampleWriter;
use crate::clock::Clock;
use crate::exchange::Again;
use crate::executor::{Errand, Intent, jitter};
use crate::plan::Given;
use crate::protocol::{Dialect, Reply};
use crate::sample::{Outcome, Sample, Timeline};
use crate::units::Offset;

/// The orders, and what follows from them alone.
#[derive(Debug)]
pub(super) struct Settings(pub(super) Orders);

/// Everything that changes while a batch runs.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) queue: Queue,
    pub(super) pace: Pace,
    pub(super) halt: Option<Halt>,
    /// Those who listen know that the gate is closed.
    pub(super) gate_told: bool,
    pub(super) under_way: u32,
    /// Requests sent and not ended.
    on_wire: u32,
    /// Left open by an earlier leg.
    pub(super) unsettled: HashMap<u64, Open>,
    pub(super) limit: Limit,
    rows: HashMap<u64, Row>,
    pub(super) counts: [u64; STATUSES.len()],
    before: u64,
    /// Rows refused since the last that was not.
    pub(super) refused: HashSet<u64>,
    pub(super) rng: Xoshiro256PlusPlus,
    pub(super) last_error: Option<String>,
}

/// What an attempt came to.
pub(super) struct Settled {
    pub(super) record: Record,
    /// The row has its result; whether that is an answer.
    pub(super) finished: Option<bool>,
    /// What that result is called.
    pub(super) status: Option<Status>,
    pub(super) taken_back: bool,
    /// The row is asked again, so much later at the earliest.
    pub(super) again_in: Option<Duration>,
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
            gate_told: false,
            under_way: 0,
            on_wire: 0,
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
        match self.queue.find(now, &orders.0.items) {
            Ok(source) => {
                // Nothing holds a place while the target wants nobody, and those that were turned away
                // most often go first when it opens again.
                if let Err(at) = self.pace.leave(now) {
                    return Some(Next::At(at));
                }
                let item = self.queue.take(source)?;
                self.under_way += 1;
                self.rows.entry(item).or_default().has_leave = true;
                Some(Next::Item(item))
            }
            // What is under way may come back.
            Err(Next::Empty) if self.under_way > 0 => Some(Next::Wait),
            Err(next) => Some(next),
        }
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
        let given = row.prompt.as_ref().map_or_else(Given::default, |one| Given {
            turns: Arc::clone(&one.turns),
            expect: Arc::clone(&one.expect),
        });
        if row.anew || row.sessions == 0 || row.session_id.is_empty() {
            if row.anew || row.sessions == 0 {
                row.sessions += 1;
            }
            row.anew = false;
            row.turn = 1;
            row.turns.clear();
            row.usage = Default::default();
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
            session: orders.0.plan.given(item, identity, given),
            id: Arc::clone(&row.session_id),
            turn: row.turn,
            attempt: row.tries + 1,
            due: row.due,
        }
    }

    /// Leave for a request of `item`, or when to ask again.
    pub(super) fn leave(&mut self, item: u64, now: Offset) -> Result<(), Offset> {
        let had = self.rows.get_mut(&item).is_some_and(|row| std::mem::take(&mut row.has_leave));
        match had && self.pace.is_open(now) {
            true => Ok(()),
            false => self.pace.leave(now),
        }
    }

    /// A request of `item` leaves now.
    pub(super) fn sent(&mut self, item: u64) {
        self.on_wire += 1;
        self.rows.entry(item).or_default().height = self.on_wire;
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

    /// How the target stands.
    pub(super) fn target(&self, now: Offset) -> Target {
        Target { limit: self.limit.now(), closed_until: self.pace.closed_until(now) }
    }

    /// What a row that has begun is called, and how many attempts it has had.
    pub(super) fn facts(&self, item: u64) -> (String, usize) {
        self.rows.get(&item).map_or_else(Default::default, |row| (row.id.clone(), row.notes.len()))
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
        let height = self.rows.get_mut(&item).map_or(0, |row| std::mem::take(&mut row.height));
        self.on_wire -= u32::from(height > 0);
        let (halt, gate_moved) = self.learn(sign, (left, height), sample, orders);
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
            status: None,
            taken_back: false,
            again_in: None,
            gate_moved,
            halt,
        };
        let mut last = None;
        if is_whole(sample.outcome) {
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
            settled.status = Some(status);
        } else {
            settled.taken_back = true;
            row.anew = verdict == Verdict::Anew;
            // A script that begins anew is another one.
            let same_turn = !row.anew || sample.turn == 1;
            row.tries = if same_turn { sample.attempt } else { 0 };
            row.due = same_turn.then_some(sample.timeline.intended);
            let wait = match sign {
                Sign::Unreachable | Sign::Overloaded(Some(_)) => Duration::ZERO,
                _ => jitter(row.counted + 1, chance),
            };
            let at = (now + wait).max(closed_until.unwrap_or(now));
            row.backoff = at.since(now);
            settled.again_in = Some(row.backoff);
            self.queue.later(item, row.counted, at, row.anew);
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
    let Timeline { started, headers, first_chunk, last_chunk, first_reasoning, .. } = time;
    for at in [started, headers, first_chunk, last_chunk, first_reasoning] {
        *at = at.map(|at| at + later);
    }
}
