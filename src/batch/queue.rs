//! Which item comes next: those to be tried again, those whose session has come free, then the next of
//! the file.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::account::Bits;
use super::items::Items;
use crate::units::Offset;

/// How much of a retry every fresh item earns, and what there is to begin with: a target that is
/// ill gets a fifth more load, not several times as much.
const EARNED: f64 = 0.2;
const SAVED: f64 = 10.0;

/// Items that wait.
#[derive(Debug)]
pub(super) struct Queue {
    /// The next fresh item to look at.
    cursor: u64,
    done: Bits,
    /// To be tried again, by when.
    later: BinaryHeap<Reverse<(Offset, u64, bool)>>,
    /// Free to go.
    ready: VecDeque<u64>,
    budget: f64,
    /// Paid retries on their way although the budget is spent.
    beyond: Option<u64>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This item.
    Item(u64),
    /// Nothing before then.
    At(Offset),
    /// Nothing until something under way has ended.
    Wait,
    /// Nothing waits any more.
    Empty,
}

impl Queue {
    pub(super) fn new(done: Bits) -> Self {
        Self {
            cursor: 0,
            done,
            later: BinaryHeap::new(),
            ready: VecDeque::new(),
            budget: SAVED,
            beyond: None,
        }
    }

    /// Takes the next item.
    pub(super) fn take(&mut self, now: Offset, items: &Items) -> Next {
        let due = self.later.peek().copied().filter(|Reverse((at, _, _))| *at <= now);
        if let Some(Reverse((_, item, paid))) = due
            && (!paid || self.budget >= 1.0)
        {
            self.later.pop();
            self.budget -= f64::from(u8::from(paid));
            return Next::Item(item);
        }
        if let Some(item) = self.ready.pop_front() {
            return Next::Item(item);
        }
        while self.cursor < items.len() {
            let item = self.cursor;
            self.cursor += 1;
            if !self.done.has(item) && !items.follows(item) {
                self.budget = (self.budget + EARNED).min(10.0 * SAVED);
                return Next::Item(item);
            }
        }
        match (due, self.later.peek()) {
            // The budget is spent and nothing fresh earns more: one at a time.
            (Some(Reverse((_, item, _))), _) if self.beyond.is_none() => {
                self.later.pop();
                self.beyond = Some(item);
                Next::Item(item)
            }
            (Some(_), _) => Next::Wait,
            (None, Some(Reverse((at, _, _)))) => Next::At(*at),
            (None, None) => Next::Empty,
        }
    }

    /// Puts an item back, to be tried at `at`. `paid`: it has to be paid for out of the budget.
    pub(super) fn later(&mut self, item: u64, at: Offset, paid: bool) {
        self.later.push(Reverse((at, item, paid)));
    }

    /// Lets an item go that had to wait for its session.
    pub(super) fn free(&mut self, item: u64) {
        if !self.done.has(item) {
            self.ready.push_back(item);
        }
    }

    /// An item is on its way no more.
    pub(super) fn left(&mut self, item: u64) {
        if self.beyond == Some(item) {
            self.beyond = None;
        }
    }

    /// An item has its result; `false` if it had one.
    pub(super) fn finish(&mut self, item: u64) -> bool {
        self.done.insert(item)
    }

    pub(super) fn is_done(&self, item: u64) -> bool {
        self.done.has(item)
    }

    /// Items waiting to be tried again.
    pub(super) fn waiting(&self) -> usize {
        self.later.len()
    }
}
