//! Samples of several workers in one order: that of ending.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::sample::Sample;
use crate::units::Offset;

/// Holds samples back until no worker can bring one that ended earlier. Each worker's own come in
/// order, about every tenth of a second, so that is how much is held.
#[derive(Debug)]
pub(super) struct Order {
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Up to when each worker has told everything; `None`: it has ended.
    told: Vec<Option<Offset>>,
    count: u64,
}

#[derive(Debug)]
struct Waiting {
    sample: Sample,
    /// Of two that ended at once, the one that came first goes first.
    place: u64,
}

impl Order {
    pub(super) fn new(workers: usize) -> Self {
        Self { waiting: BinaryHeap::new(), told: vec![Some(Offset::ZERO); workers], count: 0 }
    }

    /// Takes what `worker` tells up to `until`; gives what is in order by now.
    pub(super) fn take(
        &mut self,
        worker: usize,
        samples: Vec<Sample>,
        until: Offset,
    ) -> Vec<Sample> {
        if self.told.len() == 1 {
            return samples;
        }
        for sample in samples {
            self.count += 1;
            self.waiting.push(Reverse(Waiting { sample, place: self.count }));
        }
        if let Some(Some(told)) = self.told.get_mut(worker) {
            *told = until.max(*told);
        }
        self.ready()
    }

    /// `worker` will tell nothing more.
    pub(super) fn ended(&mut self, worker: usize) -> Vec<Sample> {
        if let Some(told) = self.told.get_mut(worker) {
            *told = None;
        }
        self.ready()
    }

    fn ready(&mut self) -> Vec<Sample> {
        let everyone = self.told.iter().copied().flatten().min().unwrap_or(Offset::NEVER);
        let mut ready = Vec::new();
        while let Some(Reverse(first)) = self.waiting.peek() {
            if first.sample.timeline.ended > everyone {
                break;
            }
            ready.extend(self.waiting.pop().map(|Reverse(first)| first.sample));
        }
        ready
    }
}

impl Waiting {
    fn key(&self) -> (Offset, u64) {
        (self.sample.timeline.ended, self.place)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
