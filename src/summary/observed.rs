//! What a run saw of itself while it went: the ground that its validity stands on.

use serde::{Deserialize, Serialize};

use crate::measure::{ControlSecond, excess_percentile};

/// What a run saw of itself, from the end of the warm-up until no more turns were started. What the
/// system does not tell is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The process as a whole, the embedded agent included where there was one.
    pub process: Option<ProcessTime>,
    /// Each worker's thread.
    pub workers: Vec<Busy>,
    /// How much later than asked a thread of ours woke from a short sleep.
    pub hiccups: Option<Hiccups>,
    /// Milliseconds that the container's quota kept the process from running.
    pub throttled_ms: Option<f64>,
    /// Open descriptors against their limit.
    pub descriptors: Option<Used>,
    /// Local ports in use, or waiting to be free again, against those there are for connections.
    pub ports: Option<Used>,
    /// TCP segments sent a second time, on the whole machine.
    pub retransmits: Option<Retransmits>,
    /// Reads that brought chunks, for each chunk.
    #[serde(default)]
    pub reads_per_chunk: Option<f64>,
    /// How much longer than they did turns of known timing seemed to take.
    #[serde(default)]
    pub control: Option<Control>,
}

/// What turns of known timing, sent by the same workers to an agent in this process, came to: their
/// excess is our own bias. In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// How many.
    pub turns: u64,
    /// Excess of the time to first chunk: the median.
    pub ttfc_p50_ms: f64,
    /// 95 %.
    pub ttfc_p95_ms: f64,
    /// Excess of the total: the median.
    pub total_p50_ms: f64,
    /// 95 %.
    pub total_p95_ms: f64,
    /// The largest excess of either.
    pub worst_ms: f64,
    /// Seconds in which there were such turns.
    pub seconds: u64,
    /// Of those, seconds whose median was above 1 ms and 1 % of the target's ttfc.
    pub seconds_above: u64,
}

impl Control {
    /// What the seconds of a stretch of time come to; `None` where there was no turn.
    pub fn of<'a>(seconds: impl Iterator<Item = &'a ControlSecond> + Clone) -> Option<Self> {
        let ttfc = |percent| {
            Some(excess_percentile(seconds.clone(), |one| one.ttfc, percent)? as f64 / 1e3)
        };
        let total = |percent| {
            Some(excess_percentile(seconds.clone(), |one| one.total, percent)? as f64 / 1e3)
        };
        Some(Self {
            turns: seconds.clone().map(|second| second.turns() as u64).sum(),
            ttfc_p50_ms: ttfc(50.0)?,
            ttfc_p95_ms: ttfc(95.0)?,
            total_p50_ms: total(50.0)?,
            total_p95_ms: total(95.0)?,
            worst_ms: seconds.clone().filter_map(ControlSecond::worst).max()? as f64 / 1e3,
            seconds: seconds.clone().count() as u64,
            seconds_above: seconds.filter(|second| second.is_above()).count() as u64,
        })
    }

    /// The excess that one figure in twenty is above; of few turns the median, which one hiccup
    /// cannot move.
    pub fn excess_ms(&self) -> f64 {
        if self.turns < 20 {
            self.ttfc_p50_ms.max(self.total_p50_ms)
        } else {
            self.ttfc_p95_ms.max(self.total_p95_ms)
        }
    }
}

/// Processor time of the process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProcessTime {
    /// Seconds that were watched.
    pub watched_s: f64,
    /// Processor seconds used in them.
    pub cpu_s: f64,
    /// Processors it may use.
    pub cpus: usize,
}

/// How busy the thread of a worker was, as shares of the time it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// It ran. Without the time it only waited, wide awake, for a due time that was near.
    pub running: f64,
    /// It could have run, and no processor was free.
    pub waiting: f64,
    /// Of the time, how much it did both for at least nine tenths of.
    pub saturated: f64,
}

/// How much later than asked a thread woke, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hiccups {
    /// How many sleeps.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Something there is only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Most that were in use.
    pub most: u64,
    /// How many there are.
    pub limit: u64,
}

/// TCP segments on the whole machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retransmits {
    /// Sent again.
    pub again: u64,
    /// Sent in all.
    pub sent: u64,
}

impl ProcessTime {
    /// Used of what there was; above 1 only by the grain of the clocks.
    pub fn share(&self) -> f64 {
        self.cpu_s / (self.watched_s * self.cpus as f64)
    }
}

impl Used {
    /// The most, of what there is.
    pub fn share(&self) -> f64 {
        self.most as f64 / self.limit.max(1) as f64
    }
}

impl Observed {
    /// The busiest worker and its number.
    pub fn busiest(&self) -> Option<(usize, &Busy)> {
        let busy = |one: &Busy| one.saturated + one.running + one.waiting;
        self.workers.iter().enumerate().max_by(|a, b| busy(a.1).total_cmp(&busy(b.1)))
    }
}
