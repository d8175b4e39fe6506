//! The last so many seconds of a run, for whoever has to decide while it goes on.

use std::collections::VecDeque;

use super::interval::Interval;
use super::tally::Series;
use crate::metric::Metric;

/// What was counted of one series in the last so many seconds.
#[derive(Debug)]
pub struct Window {
    series: usize,
    /// The only distribution that is kept.
    metric: Option<Metric>,
    length: u64,
    kept: VecDeque<(u64, Series)>,
    /// The first second in which anything was counted.
    begun: Option<u64>,
}

impl Window {
    /// A window of `length` whole seconds over the layout's series number `series`, with the
    /// distribution of `metric`, where one is wanted.
    pub fn new(series: usize, metric: Option<Metric>, length: u64) -> Self {
        Self { series, metric, length: length.max(1), kept: VecDeque::new(), begun: None }
    }

    /// Adds a second. Seconds come in order; those in which nothing happened may be left out.
    pub fn add(&mut self, second: &Interval) {
        let Some(series) = second.tally.series(self.series) else { return };
        if series.counts.planned() > 0 {
            self.begun = self.begun.or(Some(second.second));
            self.kept.push_back((second.second, series.part(self.metric)));
        }
        let first = (second.second + 1).saturating_sub(self.length);
        while self.kept.front().is_some_and(|(at, _)| *at < first) {
            self.kept.pop_front();
        }
    }

    /// The sum of the window that ends with `second`; `None` before a whole one has gone by.
    pub fn sum(&self, second: u64) -> Option<Series> {
        if second + 1 < self.begun? + self.length {
            return None;
        }
        let mut sum = Series::default();
        for (_, series) in &self.kept {
            sum.merge(series);
        }
        Some(sum)
    }
}
