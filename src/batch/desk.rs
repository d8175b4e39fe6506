//! Hands out the rows, keeps the journal of what is sent, and settles what comes of it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::account::Account;
use super::events::Events;
use super::halt::Halt;
use super::input::Input;
use super::items::Items;
use super::limit::Limit;
use super::policy::Policy;
use super::queue::Next;
use super::record::Record;
use super::settle::{Settings, Work};
use super::standing::Standing;
use crate::clock::Clock;
use crate::exchange::Again;
use crate::executor::{Errand, Errands, Intent, Pending, Stop};
use crate::journal::{Durability, Seat};
use crate::plan::Plan;
use crate::protocol::Reply;
use crate::sample::Sample;
use crate::scenario::Failures;
use crate::units::Offset;

/// Which `session_id` is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionIds {
    /// One that no other run has used.
    #[default]
    Fresh,
    /// The row's own session, as it stands there.
    Literal,
}

/// What a desk works by.
#[derive(Debug)]
pub struct Orders {
    /// The plan that sessions are taken from.
    pub plan: Plan,
    /// The prompts.
    pub input: Arc<Input>,
    /// What is to be asked.
    pub items: Items,
    /// How often and how long rows are tried.
    pub policy: Policy,
    /// `None`: found out, up to this many.
    pub concurrency: Result<u32, u32>,
    /// Fresh session ids begin with it.
    pub run_id: String,
    /// See there.
    pub session_ids: SessionIds,
    /// Whether a result waits for the disk before the next row is begun.
    pub durability: Durability,
    /// Stop when more rows than this have failed.
    pub max_failures: Option<Failures>,
    /// Offsets in `samples.csv` count from the first leg's origin, which was so long before this
    /// leg's.
    pub base: Duration,
    /// Names of the session kinds, and of the scenario.
    pub kinds: Vec<String>,
    /// The scenario's name.
    pub name: String,
    /// A session goes on after a row that failed.
    pub goes_on: bool,
}

/// Where the rows come from and the answers go. Shared by all workers.
#[derive(Debug)]
pub struct Desk {
    pub(super) orders: Settings,
    pub(super) seat: Seat,
    pub(super) events: Events,
    stop: Stop,
    pub(super) clock: OnceLock<Clock>,
    work: Mutex<Work>,
    /// Something may have come free.
    pub(super) free: Notify,
    /// The gate has moved.
    gate: Notify,
}

impl Desk {
    /// A desk that goes on where `account` ends, tells the journal at `seat` and those who listen to
    /// `events`, and stops by `stop`.
    pub fn new(orders: Orders, account: Account, seat: Seat, events: Events, stop: Stop) -> Self {
        let limit = match orders.concurrency {
            Ok(count) => Limit::fixed(count),
            Err(most) => Limit::searched(most),
        };
        let orders = Settings(orders);
        let leg = account.legs().len() + 1;
        let work = Work::new(account, limit, &orders);
        let desk = Self {
            orders,
            seat,
            events,
            stop,
            clock: OnceLock::new(),
            work: Mutex::new(work),
            free: Notify::new(),
            gate: Notify::new(),
        };
        desk.tell_begun(leg);
        desk.settle_the_past();
        desk
    }

    /// The run has begun; its offsets are on `clock`.
    pub fn begin(&self, clock: Clock) {
        let _ = self.clock.set(clock);
        let started_ms = clock.wall_origin().as_millis() as u64;
        self.seat.hand(Record::Leg { started_ms }.payload());
    }

    /// Starts no more rows, for this reason.
    pub fn halt(&self, why: Halt) {
        let first = {
            let mut work = self.work();
            let first = work.halt.is_none();
            work.halt.get_or_insert(why);
            first
        };
        if first {
            self.tell_halted();
        }
        self.stop.drain();
        self.free.notify_waiters();
        self.gate.notify_waiters();
    }

    /// Why no more rows are started, if so.
    pub fn halted(&self) -> Option<Halt> {
        self.work().halt.clone()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let now = self.clock.get().map_or(Offset::ZERO, Clock::now);
        self.work().standing(now, self.orders.0.items.len())
    }

    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Offset {
        self.clock.get().map_or(Offset::ZERO, Clock::now)
    }

    /// The item as it is handed to a worker.
    fn errand(&self, item: u64) -> Option<Errand> {
        let (row, _) = self.orders.0.items.row(item);
        let known = self.work().knows(item);
        let read = if known { None } else { Some(self.orders.0.input.prompt(row)) };
        match read.transpose() {
            Ok(read) => Some(self.work().errand(item, read, &self.orders)),
            Err(why) => {
                self.work().under_way -= 1;
                self.halt(Halt::Broken(why));
                None
            }
        }
    }
}

impl Errands for Desk {
    fn next(&self) -> Pending<'_, Option<Errand>> {
        Box::pin(async move {
            if self.orders.0.durability == Durability::Each
                && !self.seat.synced(self.seat.handed()).await
            {
                return None;
            }
            loop {
                let mut free = std::pin::pin!(self.free.notified());
                free.as_mut().enable();
                let next = self.work().next(self.now(), &self.orders);
                match next {
                    Some(Next::Item(item)) => {
                        // Whoever waits beside us may find more.
                        self.free.notify_one();
                        return self.errand(item);
                    }
                    Some(Next::At(at)) => {
                        let clock = self.clock.get()?;
                        tokio::select! {
                            () = tokio::time::sleep_until(clock.on_tokio(at)) => {}
                            () = free => {}
                        }
                    }
                    Some(Next::Wait) => free.await,
                    Some(Next::Empty) | None => {
                        self.free.notify_waiters();
                        return None;
                    }
                }
            }
        })
    }

    fn clear<'a>(&'a self, intent: Intent<'a>) -> Pending<'a, bool> {
        Box::pin(async move {
            let Some(clock) = self.clock.get() else { return false };
            let mut written = false;
            loop {
                let mut gate = std::pin::pin!(self.gate.notified());
                gate.as_mut().enable();
                let leave = {
                    let mut work = self.work();
                    if work.halt.is_some() {
                        return false;
                    }
                    work.leave(intent.number, clock.now())
                };
                if let Err(at) = leave {
                    tokio::select! {
                        () = tokio::time::sleep_until(clock.on_tokio(at)) => {}
                        () = gate => {}
                    }
                    continue;
                }
                if !written {
                    written = true;
                    let record = self.work().intend(&intent);
                    let count = self.seat.hand(record.payload());
                    if !self.seat.synced(count).await {
                        return false;
                    }
                    // The gate may have been shut meanwhile.
                    if !self.work().pace.is_open(clock.now()) {
                        continue;
                    }
                }
                self.leaves(&mut self.work(), &intent);
                return true;
            }
        })
    }

    fn ended(&self, sample: &Sample, again: Option<Again>, reply: &Reply) -> bool {
        let Some(clock) = self.clock.get() else { return false };
        let mut work = self.work();
        let item = sample.session_number;
        let before = self.events.wanted().then(|| work.target(clock.now()));
        let settled = work.settle(sample, again, reply, *clock, &self.orders);
        self.seat.hand(settled.record.payload());
        if let Some(before) = before {
            self.tell_attempt(&mut work, sample, &settled, before);
        }
        if let Some(completed) = settled.finished {
            self.follow(&mut work, item, completed);
        }
        let exceeded = work.halt.is_none()
            && self.orders.0.max_failures.is_some_and(|most| {
                let standing = work.standing(clock.now(), self.orders.0.items.len());
                most.are_exceeded(standing.unanswered(), standing.items)
            });
        drop(work);
        if settled.gate_moved {
            self.gate.notify_waiters();
            self.free.notify_waiters();
        }
        if let Some(halt) = settled.halt {
            self.halt(halt);
        } else if exceeded {
            self.halt(Halt::Failures);
        }
        settled.taken_back
    }

    fn closed(&self, item: u64) {
        let withdrawn = self.work().closed(item);
        if withdrawn {
            self.seat.hand(Record::Withdrawn { item }.payload());
        }
        self.free.notify_one();
    }
}
