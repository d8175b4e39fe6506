//! One second of a run, and putting the seconds of several workers together.

use std::collections::BTreeMap;

use super::distribution::Distribution;
use super::layout::Layout;
use super::tally::Tally;
use crate::metric::Metric;
use crate::sample::{Outcome, Sample};

/// How attempts came and went in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Attempts sent.
    pub started: u64,
    /// Attempts ended that had been sent.
    pub ended: u64,
    /// Of those, with the whole reply.
    pub completed: u64,
    /// Of those, failed or timed out.
    pub failed: u64,
    /// Turns that were never sent.
    pub dropped: u64,
}

impl Flow {
    pub(super) fn sample(&mut self, sample: &Sample) {
        self.ended += u64::from(sample.timeline.started.is_some());
        match sample.outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed(_) | Outcome::TimedOut(_) => self.failed += 1,
            Outcome::Dropped(_) => self.dropped += 1,
            Outcome::Cancelled => {}
        }
    }

    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.ended += other.ended;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped += other.dropped;
    }
}

/// What was recorded in one second of the run's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Which second, from 0.
    pub second: u64,
    /// What came and went.
    pub flow: Flow,
    /// What was counted of the attempts that ended.
    pub tally: Tally,
}

impl Interval {
    /// An empty second.
    pub fn new(layout: &Layout, second: u64) -> Self {
        Self { second, flow: Flow::default(), tally: Tally::new(layout) }
    }

    /// Adds what another worker recorded in the same second.
    pub fn merge(&mut self, other: &Self) {
        self.flow.merge(&other.flow);
        self.tally.merge(&other.tally);
    }

    /// The distribution of `metric` over the turns completed in it, the warm-up included.
    pub fn completed(&self, metric: Metric) -> Distribution {
        let mut all = self.tally.warmup.distribution(metric).cloned().unwrap_or_default();
        if let Some(steady) = self.tally.series(0).and_then(|series| series.distribution(metric)) {
            all.merge(steady);
        }
        all
    }

    pub(super) fn reuse(&mut self, second: u64) {
        self.second = second;
        self.flow = Flow::default();
        self.tally.clear();
    }
}

/// Puts the seconds of several workers together, in order, for files that have a row a second.
#[derive(Debug, Default)]
pub struct Seconds {
    open: BTreeMap<u64, Box<Interval>>,
    taken_to: u64,
}

impl Seconds {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what one worker recorded. A second that was already taken is added to the next one, so
    /// that nothing is lost. Gives back a box that is not needed any more.
    pub fn add(&mut self, mut interval: Box<Interval>) -> Option<Box<Interval>> {
        interval.second = interval.second.max(self.taken_to);
        match self.open.get_mut(&interval.second) {
            Some(known) => {
                known.merge(&interval);
                Some(interval)
            }
            None => {
                self.open.insert(interval.second, interval);
                None
            }
        }
    }

    /// The earliest second before `second`, if something happened before it. Call until `None`.
    pub fn take_before(&mut self, second: u64) -> Option<Box<Interval>> {
        let entry = self.open.first_entry()?;
        if *entry.key() >= second {
            self.taken_to = self.taken_to.max(second);
            return None;
        }
        let interval = entry.remove();
        self.taken_to = self.taken_to.max(interval.second + 1);
        Some(interval)
    }
}
