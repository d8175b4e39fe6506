//! How a run stands at this moment, for those who watch it from threads of their own: the live view
//! and scrapers. They read; the run goes on without them.

mod standing;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Sink;
use crate::clock::Clock;
use crate::executor::Gauges;
use crate::measure::{Distribution, Interval, Layout, Totals};
use crate::metric::Metric;
use crate::sample::{Outcome, Sample};
use crate::threshold::Threshold;

pub use standing::{BUCKETS, Buckets, Latency, Standing, ThresholdStanding};

/// Seconds that are kept for a chart.
const KEPT: usize = 600;
/// Seconds that "of late" means.
const LATE: usize = 10;
/// Ways to fail that are told apart.
const ERRORS: usize = 64;

/// What is known of a run before it begins.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The scenario's name.
    pub name: String,
    /// The run's id.
    pub run: String,
    /// The load, in a few words.
    pub load: String,
    /// How many turns there will be, where that is known.
    pub planned: Option<u64>,
    /// How long the load lasts, in seconds, where that is known.
    pub lasts_s: Option<f64>,
    /// What has to hold.
    pub thresholds: Vec<Threshold>,
    /// Which series thresholds look at.
    pub layout: Arc<Layout>,
    /// Counters of the workers.
    pub gauges: Vec<Arc<Gauges>>,
}

/// One second that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    /// Since the origin.
    pub second: u64,
    /// Attempts sent.
    pub started: u64,
    /// Turns completed.
    pub completed: u64,
    /// Attempts failed or timed out.
    pub failed: u64,
    /// p50 and p95 of ttfc, milliseconds, of turns completed in it.
    pub ttfc: Option<(f64, f64)>,
    /// p95 of total.
    pub total_p95: Option<f64>,
}

/// Turns without an answer that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// How they ended, and the word of the error.
    pub outcome: Outcome,
    /// The HTTP status.
    pub status: Option<u16>,
    /// How many.
    pub count: u64,
    /// The message of the last one that had one.
    pub last: Option<Box<str>>,
}

/// The run, as it stands. Cheap to clone: all clones see the same.
#[derive(Clone)]
pub struct Live {
    facts: Arc<Facts>,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

/// What samples and seconds add up to.
pub(super) struct State {
    totals: Totals,
    counts: [u64; 5],
    retried: u64,
    chunks: u64,
    bytes: u64,
    errors: BTreeMap<(&'static str, &'static str, Option<u16>), Failing>,
    ttfc: Buckets,
    ttfc_service: Buckets,
    total: Buckets,
    lateness: Buckets,
    seconds: VecDeque<Second>,
    late: VecDeque<[Distribution; 3]>,
    ended: bool,
}

/// The metrics of the live view's table.
pub(super) const SHOWN: [Metric; 3] = [Metric::Ttfc, Metric::Total, Metric::Gap];

impl Live {
    /// Follows the run that counts by `clock`.
    pub fn new(facts: Facts, clock: Clock) -> Self {
        let state = State {
            totals: Totals::new(Arc::clone(&facts.layout)),
            counts: [0; 5],
            retried: 0,
            chunks: 0,
            bytes: 0,
            errors: BTreeMap::new(),
            ttfc: Buckets::default(),
            ttfc_service: Buckets::default(),
            total: Buckets::default(),
            lateness: Buckets::default(),
            seconds: VecDeque::new(),
            late: VecDeque::new(),
            ended: false,
        };
        Self { facts: Arc::new(facts), clock, state: Arc::new(Mutex::new(state)) }
    }

    /// The one who tells it what happens.
    pub fn sink(&self) -> Box<dyn Sink> {
        Box::new(Teller(self.clone()))
    }

    /// How the run stands now.
    pub fn standing(&self) -> Standing {
        let load = Gauges::sum(self.facts.gauges.iter().map(AsRef::as_ref));
        Standing::new(&self.facts, &self.state(), load, self.clock)
    }

    /// Whether the run has ended.
    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers that were half added up when a thread panicked are still numbers to look at.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Teller(Live);

impl Sink for Teller {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        let mut state = self.0.state();
        samples.iter().for_each(|sample| state.sample(sample));
        Ok(())
    }

    fn second(&mut self, second: &Interval) -> io::Result<()> {
        self.0.state().second(second);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.state().ended = true;
        Ok(())
    }
}

impl State {
    fn sample(&mut self, sample: &Sample) {
        self.bytes += sample.bytes;
        self.chunks += sample.chunks;
        let values = crate::measure::values(sample);
        if let Some(micros) = values[Metric::Lateness as usize] {
            self.lateness.add(micros);
        }
        if sample.retried {
            self.retried += 1;
            return;
        }
        self.counts[standing::place(sample.outcome)] += 1;
        if sample.outcome.is_completed() {
            for (metric, buckets) in [
                (Metric::Ttfc, &mut self.ttfc),
                (Metric::TtfcService, &mut self.ttfc_service),
                (Metric::Total, &mut self.total),
            ] {
                values[metric as usize].into_iter().for_each(|micros| buckets.add(micros));
            }
            return;
        }
        let key = (sample.outcome.word(), sample.outcome.error(), sample.status);
        if self.errors.len() >= ERRORS && !self.errors.contains_key(&key) {
            return;
        }
        let known = self.errors.entry(key).or_insert_with(|| Failing {
            outcome: sample.outcome,
            status: sample.status,
            count: 0,
            last: None,
        });
        known.count += 1;
        if sample.message.is_some() {
            known.last.clone_from(&sample.message);
        }
    }

    fn second(&mut self, second: &Interval) {
        self.totals.add(second);
        let seen = SHOWN.map(|metric| second.completed(metric));
        let at =
            |of: &Distribution, percent| of.percentile(percent).map(|micros| micros as f64 / 1e3);
        let [ttfc, total, _] = &seen;
        self.seconds.push_back(Second {
            second: second.second,
            started: second.flow.started,
            completed: second.flow.completed,
            failed: second.flow.failed,
            ttfc: at(ttfc, 50.0).zip(at(ttfc, 95.0)),
            total_p95: at(total, 95.0),
        });
        self.late.push_back(seen);
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
        if self.late.len() > LATE {
            self.late.pop_front();
        }
    }
}
