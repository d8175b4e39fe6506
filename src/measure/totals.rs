//! The sum of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::blocks::Blocks;
use super::interval::{Flow, Interval};
use super::layout::Layout;
use super::tally::{Series, Tally};
use crate::metric::Metric;
use crate::threshold::Selection;

/// Everything a summary is built from. Adding intervals is exact, and their order does not matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    layout: Arc<Layout>,
    tally: Tally,
    /// Seconds in which something happened.
    seconds: BTreeMap<u64, Flow>,
    blocks: Blocks,
}

impl Totals {
    /// Nothing yet.
    pub fn new(layout: Arc<Layout>) -> Self {
        let tally = Tally::new(&layout);
        Self { layout, tally, seconds: BTreeMap::new(), blocks: Blocks::new() }
    }

    /// Adds one second of one worker, or of all of them.
    pub fn add(&mut self, interval: &Interval) {
        self.tally.merge(&interval.tally);
        self.flow(interval.second).merge(&interval.flow);
        if let Some(all) = interval.tally.series(0) {
            self.blocks.add(interval.second, all);
        }
    }

    /// Adds the sum of another part of the same run.
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        for (&second, flow) in &other.seconds {
            self.flow(second).merge(flow);
        }
        self.blocks.merge(&other.blocks);
    }

    pub(super) fn flow(&mut self, second: u64) -> &mut Flow {
        self.seconds.entry(second).or_default()
    }

    pub(super) fn parts_mut(&mut self) -> (&Layout, &mut Tally, &mut Blocks) {
        (&self.layout, &mut self.tally, &mut self.blocks)
    }

    /// How many times fewer independent turns than turns there are, as far as a percentile of
    /// `micros` goes; at least 1. Turns that are slow together say less than they are many.
    pub fn overdispersion(&self, metric: Metric, micros: u64) -> f64 {
        self.blocks.overdispersion(metric, micros)
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Which series were kept.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Everything after the warm-up.
    pub fn all(&self) -> &Series {
        // A layout always has series 0; an empty one stands in rather than a panic.
        static NONE: Series = Series::EMPTY;
        self.tally.series(0).unwrap_or(&NONE)
    }

    /// The turns of `selection`, if the run kept them apart.
    pub fn selected(&self, selection: Selection) -> Option<&Series> {
        self.tally.series(self.layout.series_of(selection)?)
    }

    /// Each second in which something happened, with the attempts on the wire at its end.
    pub fn seconds(&self) -> impl Iterator<Item = (u64, Flow, u64)> {
        self.seconds.iter().scan(0u64, |in_flight, (&second, &flow)| {
            *in_flight = (*in_flight + flow.started).saturating_sub(flow.ended);
            Some((second, flow, *in_flight))
        })
    }
}
