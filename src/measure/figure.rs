//! A threshold's figure of a series: what it asks, where there is data for it.

use super::distribution::Distribution;
use super::tally::Series;
use crate::threshold::{Aggregation, Subject};

impl Series {
    /// The figure: milliseconds for durations, a fraction for the error rate, per second for other
    /// rates (over `seconds`), else a number. `None` where there is no data, where it takes a goal
    /// that was not set (`has_goal`), and for what is not seen in turns (`in_flight`).
    pub fn figure(
        &self,
        subject: Subject,
        aggregation: Aggregation,
        seconds: Option<f64>,
        has_goal: bool,
    ) -> Option<f64> {
        if self.counts.planned() == 0 {
            return None;
        }
        let (events, late) = match subject {
            Subject::Duration(metric) => return duration(aggregation, self.distribution(metric)?),
            Subject::Errors => {
                let counts = &self.counts;
                return match aggregation {
                    Aggregation::Count => {
                        Some((counts.failed + counts.timed_out + counts.dropped) as f64)
                    }
                    _ => counts.error_rate(),
                };
            }
            Subject::InFlight => return None,
            Subject::Throughput => (self.counts.completed, self.late.completed),
            Subject::Chunks => (self.chunks, self.late.chunks),
            Subject::Tokens => (self.all_tokens()?, self.late.tokens),
            Subject::Goodput if has_goal => (self.good, self.late.good),
            Subject::Goodput => return None,
        };
        match aggregation {
            Aggregation::Count => Some(events as f64),
            _ => Some((events - late) as f64 / seconds?),
        }
    }
}

fn duration(aggregation: Aggregation, all: &Distribution) -> Option<f64> {
    let millis = |micros: u64| micros as f64 / 1e3;
    match aggregation {
        Aggregation::Percentile(percent) => all.percentile(percent).map(millis),
        Aggregation::Min => all.min().map(millis),
        Aggregation::Max => all.max().map(millis),
        Aggregation::Mean => all.mean().map(|mean| mean / 1e3),
        Aggregation::Count => Some(all.count() as f64),
        Aggregation::Rate | Aggregation::Value => None,
    }
}
