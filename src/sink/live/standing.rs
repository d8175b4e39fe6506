//! A run at one moment, in numbers to be shown.

use super::{Facts, Failing, SHOWN, Second, State};
use crate::clock::Clock;
use crate::executor::Load;
use crate::measure::Distribution;
use crate::metric::Metric;
use crate::sample::Outcome;
use crate::threshold::Threshold;

/// Upper bounds of the buckets that durations are counted in, seconds.
pub const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

/// The words of outcomes in the order that [`Standing::counts`] has.
const OUTCOMES: [&str; 5] = ["completed", "failed", "timed_out", "cancelled", "dropped"];

/// Durations counted in [`BUCKETS`], as scrapers want them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Buckets {
    counts: [u64; BUCKETS.len()],
    /// All of them, those above the last bound too.
    pub count: u64,
    /// Their sum, microseconds.
    pub sum_micros: u64,
}

impl Buckets {
    pub(super) fn add(&mut self, micros: u64) {
        let seconds = micros as f64 / 1e6;
        if let Some(at) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            self.counts[at] += 1;
        }
        self.count += 1;
        self.sum_micros += micros;
    }

    /// For each bound, how many are not above it.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BUCKETS.into_iter().zip(sums)
    }
}

/// The percentiles of a metric, milliseconds: p50, p95, p99.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Which metric.
    pub metric: Metric,
    /// Of the whole run after the warm-up.
    pub all: [Option<f64>; 3],
    /// Of the last seconds.
    pub late: [Option<f64>; 3],
}

/// A threshold, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdStanding {
    /// As written.
    pub threshold: Threshold,
    /// What is seen so far.
    pub observed: Option<f64>,
    /// Whether it holds so far; `None` where there is nothing to see yet.
    pub holds: Option<bool>,
}

/// A run at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The scenario's name.
    pub name: String,
    /// The run's id.
    pub run: String,
    /// The load, in a few words.
    pub load: String,
    /// Seconds since the origin.
    pub elapsed_s: f64,
    /// Wall time of the origin, seconds since the Unix epoch.
    pub origin_s: f64,
    /// How much of the run is over, between 0 and 1, where that can be said.
    pub done: Option<f64>,
    /// How many turns there will be, where that is known.
    pub planned: Option<u64>,
    /// Attempts sent.
    pub started: u64,
    /// Attempts on the wire.
    pub in_flight: u64,
    /// Turns by outcome.
    pub counts: [(&'static str, u64); 5],
    /// Attempts that another followed.
    pub retried: u64,
    /// Chunks of all attempts that ended.
    pub chunks: u64,
    /// Bytes of body of all attempts that ended.
    pub bytes: u64,
    /// Percentiles.
    pub latencies: [Latency; SHOWN.len()],
    /// Of completed turns: time to first chunk since it was due.
    pub ttfc: Buckets,
    /// Since it was sent.
    pub ttfc_service: Buckets,
    /// Until the reply ended, since it was due.
    pub total: Buckets,
    /// Our own lateness with every attempt.
    pub lateness: Buckets,
    /// Turns without an answer, the most frequent first.
    pub errors: Vec<Failing>,
    /// The thresholds.
    pub thresholds: Vec<ThresholdStanding>,
    /// The last seconds that are over, in order; those in which nothing happened are not in it.
    pub seconds: Vec<Second>,
}

pub(super) fn place(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Completed => 0,
        Outcome::Failed(_) => 1,
        Outcome::TimedOut(_) => 2,
        Outcome::Cancelled => 3,
        Outcome::Dropped(_) => 4,
    }
}

fn three(distribution: &Distribution) -> [Option<f64>; 3] {
    [50.0, 95.0, 99.0]
        .map(|percent| distribution.percentile(percent).map(|micros| micros as f64 / 1e3))
}

impl Standing {
    pub(super) fn new(facts: &Facts, state: &State, load: Load, clock: Clock) -> Self {
        let elapsed_s = clock.now().as_secs_f64();
        let ended: u64 = state.counts.iter().sum();
        let by_count = facts.planned.filter(|planned| *planned > 0);
        let done = match (by_count, facts.lasts_s) {
            (Some(planned), _) => Some(ended as f64 / planned as f64),
            (None, Some(lasts)) if lasts > 0.0 => Some(elapsed_s / lasts),
            _ => None,
        };
        let mut errors: Vec<_> = state.errors.values().cloned().collect();
        errors.sort_by_key(|one| std::cmp::Reverse(one.count));
        let mut at = 0;
        let latencies = SHOWN.map(|metric| {
            let mut late = Distribution::new();
            state.late.iter().for_each(|second| late.merge(&second[at]));
            at += 1;
            let all = state.totals.all().distribution(metric).map_or([None; 3], three);
            Latency { metric, all, late: three(&late) }
        });
        Self {
            name: facts.name.clone(),
            run: facts.run.clone(),
            load: facts.load.clone(),
            elapsed_s,
            origin_s: clock.wall_origin().as_secs_f64(),
            done: done.map(|done| done.clamp(0.0, 1.0)),
            planned: facts.planned,
            started: load.started,
            in_flight: load.in_flight(),
            counts: std::array::from_fn(|at| (OUTCOMES[at], state.counts[at])),
            retried: state.retried,
            chunks: state.chunks,
            bytes: state.bytes,
            latencies,
            ttfc: state.ttfc,
            ttfc_service: state.ttfc_service,
            total: state.total,
            lateness: state.lateness,
            errors,
            thresholds: thresholds(facts, state, elapsed_s),
            seconds: state.seconds.iter().copied().collect(),
        }
    }

    /// Turns of an outcome.
    pub fn count(&self, outcome: &str) -> u64 {
        self.counts.iter().find(|(word, _)| *word == outcome).map_or(0, |(_, count)| *count)
    }
}

/// Over the turns after the warm-up, as they will be judged; rates over the seconds since the first
/// of them ended.
fn thresholds(facts: &Facts, state: &State, elapsed_s: f64) -> Vec<ThresholdStanding> {
    let has_goal = facts.layout.has_goal();
    let warm = state.seconds.front().map_or(0, |first| first.second) as f64;
    let seconds = Some(elapsed_s - warm).filter(|seconds| *seconds > 0.0);
    let standing = |threshold: &Threshold| {
        let series = state.totals.selected(threshold.selection);
        let observed = series.and_then(|series| {
            series.figure(threshold.subject, threshold.aggregation, seconds, has_goal)
        });
        let holds = observed.map(|seen| threshold.comparison.holds(seen, threshold.bound));
        ThresholdStanding { threshold: threshold.clone(), observed, holds }
    };
    facts.thresholds.iter().map(standing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_what_is_above_all_bounds_is_counted() {
        let mut buckets = Buckets::default();
        for micros in [1_000, 1_001, 300_000, 500_000_000] {
            buckets.add(micros);
        }
        let at = |bound: f64| buckets.cumulative().find(|(known, _)| *known == bound).unwrap().1;
        assert_eq!((at(0.001), at(0.0025), at(0.25), at(0.5), at(120.0)), (1, 2, 2, 3, 3));
        assert_eq!((buckets.count, buckets.sum_micros), (4, 500_302_001));
    }
}
