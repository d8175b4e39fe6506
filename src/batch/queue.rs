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
    later: BinaryHeap<Reverse<(Offset, Waiting, bool)>>,
    /// Those of them whose time has come, the most often tried first: nobody is turned away again and
    /// again while others pass. The second heap has those that have to be paid for.
    due: [BinaryHeap<Waiting>; 2],
    /// Free to go.
    ready: VecDeque<u64>,
    budget: f64,
    /// Paid retries on their way although the budget is spent.
    beyond: Option<u64>,
}

/// How often it was tried, and which item it is.
type Waiting = (u32, Reverse<u64>);

/// Where the next item comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// To be tried again, for nothing.
    Again,
    /// To be tried again, out of the budget.
    Paid,
    /// Free to go.
    Ready,
    /// The next of the file.
    Fresh,
    /// To be tried again although the budget is spent.
    Beyond,
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
            due: Default::default(),
            ready: VecDeque::new(),
            budget: SAVED,
            beyond: None,
        }
    }

    /// Where the next item is; what to wait for where there is none.
    pub(super) fn find(&mut self, now: Offset, items: &Items) -> Result<Source, Next> {
        while let Some(Reverse((_, waiting, paid))) =
            self.later.peek().copied().filter(|Reverse((at, _, _))| *at <= now)
        {
            self.later.pop();
            self.due[usize::from(paid)].push(waiting);
        }
        if !self.due[0].is_empty() {
            return Ok(Source::Again);
        }
        if !self.due[1].is_empty() && self.budget >= 1.0 {
            return Ok(Source::Paid);
        }
        if !self.ready.is_empty() {
            return Ok(Source::Ready);
        }
        while self.cursor < items.len() {
            if !self.done.has(self.cursor) && !items.follows(self.cursor) {
                return Ok(Source::Fresh);
            }
            self.cursor += 1;
        }
        match (self.due[1].is_empty(), self.later.peek()) {
            // The budget is spent and nothing fresh earns more: one at a time.
            (false, _) if self.beyond.is_none() => Ok(Source::Beyond),
            (false, _) => Err(Next::Wait),
            (true, Some(Reverse((at, _, _)))) => Err(Next::At(*at)),
            (true, None) => Err(Next::Empty),
        }
    }

    /// Takes the item that was found there.
    pub(super) fn take(&mut self, source: Source) -> Option<u64> {
        let tried = |(_, Reverse(item)): Waiting| item;
        match source {
            Source::Again => self.due[0].pop().map(tried),
            Source::Paid => {
                self.budget -= 1.0;
                self.due[1].pop().map(tried)
            }
            Source::Ready => self.ready.pop_front(),
            Source::Fresh => {
                self.budget = (self.budget + EARNED).min(10.0 * SAVED);
                self.cursor += 1;
                Some(self.cursor - 1)
            }
            Source::Beyond => {
                self.beyond = self.due[1].pop().map(tried);
                self.beyond
            }
        }
    }

    /// Puts an item back that was tried so often, to be tried again at `at`. `paid`: it has to be paid
    /// for out of the budget.
    pub(super) fn later(&mut self, item: u64, tries: u32, at: Offset, paid: bool) {
        self.later.push(Reverse((at, (tries, Reverse(item)), paid)));
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
        self.later.len() + self.due.iter().map(BinaryHeap::len).sum::<usize>()
    }
}
