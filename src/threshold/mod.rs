//! Thresholds as k6 writes them: `p(95)<800ms`, `max<5s`, `rate<1%`, on a metric with tags.
//!
//! A threshold is read and checked before the run, so that a misspelt one cannot pass. Judging is
//! done in `summary`.

mod parse;

pub use parse::Named;

use crate::metric::Metric;

/// One expression on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The key as written, such as `ttfc{session=refund}`.
    pub metric: String,
    /// The expression as written, such as `p(95)<800ms`.
    pub expression: String,
    /// What it is about.
    pub subject: Subject,
    /// Of which turns.
    pub selection: Selection,
    /// Which figure of it.
    pub aggregation: Aggregation,
    /// How it is compared with the bound.
    pub comparison: Comparison,
    /// The bound: milliseconds for durations, a fraction for the error rate, per second for other
    /// rates, else a number.
    pub bound: f64,
}

/// What a threshold can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A distribution of durations.
    Duration(Metric),
    /// Turns that failed, timed out or were dropped.
    Errors,
    /// Completed turns.
    Throughput,
    /// Chunks of completed turns.
    Chunks,
    /// Output tokens of completed turns, as the server counted them.
    Tokens,
    /// Completed turns that met every `slo`.
    Goodput,
    /// Attempts on the wire, seen at the end of each second.
    InFlight,
}

/// Which figure of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The mean.
    Mean,
    /// How many.
    Count,
    /// A share of turns for errors, else so many a second.
    Rate,
    /// The last one seen.
    Value,
}

/// How a figure is compared with its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

impl Comparison {
    /// Whether `observed` holds against `bound`; what is not a number never holds.
    pub fn holds(self, observed: f64, bound: f64) -> bool {
        if observed.is_nan() {
            return false;
        }
        match self {
            Self::Below => observed < bound,
            Self::AtMost => observed <= bound,
            Self::Above => observed > bound,
            Self::AtLeast => observed >= bound,
            Self::Equal => observed == bound,
            Self::Unequal => observed != bound,
        }
    }
}

/// Which turns a threshold is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Of this scenario alone, where several are run together; a kind says it too.
    pub scenario: Option<u16>,
    /// Of this session kind alone.
    pub kind: Option<u16>,
    /// At this position in their session alone, from 1.
    pub turn: Option<u32>,
}

impl Selection {
    /// Whether a turn of that scenario belongs to it.
    pub fn holds(self, scenario: u16, kind: u16, turn: u32) -> bool {
        self.scenario.is_none_or(|only| only == scenario)
            && self.kind.is_none_or(|only| only == kind)
            && self.turn.is_none_or(|only| only == turn)
    }
}
