//! What to know before believing a number: what was seen, what it may mean, what to try.

use super::facts::{LoadModel, RunFacts};
use super::metrics::{Figures, Metrics};
use super::model::CaveatText;
use super::observed::Retransmits;
use crate::measure::{Distribution, Totals};
use crate::metric::Metric;

/// Fewer reads per chunk than this, and gaps are finer than what was observed.
const READS_PER_CHUNK: f64 = 0.8;
/// From this share of unanswered turns on, percentiles of the answered are too kind.
const UNANSWERED: f64 = 0.01;

/// From so many segments sent again on, if they are more than one in a thousand, the network is in
/// the figures.
const LOST: u64 = 10;

const CLOSED: &str = "A closed load stops asking while the target stalls, so few turns saw the \
    stall and the percentiles are too kind.";
const OPEN_INSTEAD: &str = "Measure with an open load (`load.open`), where turns are due whatever \
    the target does.";

/// Something to know before believing a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Caveat {
    /// Several chunks came in one read.
    Coalesced {
        /// Reads that brought chunks.
        reads: u64,
        /// Chunks.
        chunks: u64,
    },
    /// A closed load stopped asking while the target stalled.
    ClosedStall {
        /// The longest stretch without a reply although turns were open, in seconds.
        seconds: u64,
        /// Typical time of a turn, in milliseconds.
        typical_ms: f64,
    },
    /// In a closed load a few turns took far longer than all others.
    ClosedOutlier {
        /// The longest turn, in milliseconds.
        max_ms: f64,
        /// The p99, in milliseconds.
        p99_ms: f64,
    },
    /// Too few turns to say how sure a percentile is.
    FewTurns {
        /// Completed turns.
        completed: u64,
        /// The lowest percentile that has no interval.
        percentile: &'static str,
        /// Completed turns that it takes, at least.
        needed: u64,
    },
    /// Many turns have no answer.
    Unanswered {
        /// How many.
        count: u64,
        /// Of so many.
        planned: u64,
    },
    /// Turns waited for a slot or a limiter.
    Queued {
        /// The p95 of the wait, in milliseconds.
        p95_ms: f64,
        /// The bound on turns on the wire, where there was one.
        max_in_flight: Option<u32>,
    },
    /// Durations longer than histograms can tell apart.
    Overflow {
        /// The metric.
        metric: Metric,
        /// How many values.
        count: u64,
    },
    /// Seconds were written long after they were over.
    CollectorLag {
        /// The longest wait, in seconds.
        seconds: f64,
    },
    /// Attempts were repeated.
    Retried {
        /// How many.
        count: u64,
    },
    /// TCP sent again what had got lost.
    Retransmits(Retransmits),
}

/// Every caveat that the run gives reason for.
pub(super) fn caveats(facts: &RunFacts, totals: &Totals, metrics: &Metrics) -> Vec<Caveat> {
    let all = totals.all();
    let mut found = Vec::new();
    if all.chunks > 0 && (all.reads as f64) < READS_PER_CHUNK * all.chunks as f64 {
        found.push(Caveat::Coalesced { reads: all.reads, chunks: all.chunks });
    }
    found.extend(closed_stall(facts, totals, metrics));
    found.extend(few_turns(metrics.get(Metric::Ttfc)));
    let (count, planned) = (all.counts.unanswered(), all.counts.planned());
    if count as f64 > UNANSWERED * planned as f64 {
        found.push(Caveat::Unanswered { count, planned });
    }
    found.extend(queued(facts, metrics));
    for metric in Metric::ALL {
        let count = all.distribution(metric).map_or(0, Distribution::overflow);
        if count > 0 {
            found.push(Caveat::Overflow { metric, count });
        }
    }
    if facts.collector_lag.as_secs_f64() > 1.0 {
        found.push(Caveat::CollectorLag { seconds: facts.collector_lag.as_secs_f64() });
    }
    if totals.tally().retried > 0 {
        found.push(Caveat::Retried { count: totals.tally().retried });
    }
    let seen = facts.observed.as_ref().and_then(|observed| observed.retransmits);
    let many = |seen: &Retransmits| seen.again >= LOST && seen.again * 1_000 > seen.sent;
    found.extend(seen.filter(many).map(Caveat::Retransmits));
    found
}

fn few_turns(ttfc: &Figures) -> Option<Caveat> {
    let (percentile, needed) = match ttfc.ci95 {
        _ if ttfc.count == 0 => return None,
        one if one.p50.is_none() => ("p50", 6),
        one if one.p95.is_none() => ("p95", 72),
        one if one.p99.is_none() => ("p99", 368),
        _ => return None,
    };
    Some(Caveat::FewTurns { completed: ttfc.count, percentile, needed })
}

fn queued(facts: &RunFacts, metrics: &Metrics) -> Option<Caveat> {
    if !facts.load.limited {
        // Only further attempts have waited: `retried` tells of them.
        return None;
    }
    let p95_ms = metrics.get(Metric::Queue).percentiles.p95?;
    let service_ms = metrics.get(Metric::TtfcService).percentiles.p50?;
    (p95_ms > (0.1 * service_ms).max(1.0))
        .then_some(Caveat::Queued { p95_ms, max_in_flight: facts.load.max_in_flight })
}

/// A stretch without any reply, several times longer than a turn takes, while turns were open.
fn closed_stall(facts: &RunFacts, totals: &Totals, metrics: &Metrics) -> Option<Caveat> {
    if !matches!(facts.load.model, LoadModel::Closed | LoadModel::Once) {
        return None;
    }
    let typical_ms = metrics.get(Metric::TotalService).percentiles.p50?;
    let mut longest = 0;
    let mut quiet_since: Option<u64> = None;
    for (second, flow, open) in totals.seconds() {
        longest = longest.max(quiet_since.map_or(0, |since| second - since));
        if flow.completed > 0 || open == 0 {
            quiet_since = None;
        }
        if open > 0 {
            quiet_since = quiet_since.or(Some(second + 1));
        }
    }
    if longest >= 1 && longest as f64 * 1e3 > 3.0 * typical_ms {
        return Some(Caveat::ClosedStall { seconds: longest, typical_ms });
    }
    // Too short for a whole quiet second, yet far beyond what turns take.
    let total = metrics.get(Metric::TotalService);
    let (max_ms, p99_ms) = (total.max?, total.percentiles.p99?);
    (max_ms > 10.0 * p99_ms && max_ms > p99_ms + 100.0)
        .then_some(Caveat::ClosedOutlier { max_ms, p99_ms })
}

impl Caveat {
    /// Its name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Coalesced { .. } => "coalesced_chunks",
            Self::ClosedStall { .. } | Self::ClosedOutlier { .. } => "closed_load_stalled",
            Self::FewTurns { .. } => "few_turns",
            Self::Unanswered { .. } => "unanswered_turns",
            Self::Queued { .. } => "queued",
            Self::Overflow { .. } => "overflow",
            Self::CollectorLag { .. } => "collector_lag",
            Self::Retried { .. } => "retried",
            Self::Retransmits(_) => "retransmits",
        }
    }

    /// Said for people.
    pub fn text(&self) -> CaveatText {
        let (seen, meaning, remedy) = match self {
            Self::Coalesced { reads, chunks } => (
                format!(
                    "{chunks} chunks came in {reads} reads ({:.2} reads per chunk).",
                    *reads as f64 / *chunks as f64
                ),
                "Chunks of one read count as 0 apart, so gaps show how bytes were packed on the \
                 way, not how the agent spoke."
                    .into(),
                "Look at ttfc and total; for gaps, have the agent (or a proxy before it) flush \
                 every chunk."
                    .into(),
            ),
            Self::ClosedStall { seconds, typical_ms } => (
                format!(
                    "For {seconds} s no reply was completed although turns were open; a turn \
                     typically takes {typical_ms:.3} ms."
                ),
                CLOSED.into(),
                OPEN_INSTEAD.into(),
            ),
            Self::ClosedOutlier { max_ms, p99_ms } => (
                format!("The longest turn took {max_ms:.3} ms, the p99 is {p99_ms:.3} ms."),
                CLOSED.into(),
                OPEN_INSTEAD.into(),
            ),
            Self::FewTurns { completed, percentile, needed } => (
                match completed {
                    1 => "The figures are of 1 turn.".into(),
                    completed => format!("The figures are of {completed} turns."),
                },
                if completed < needed {
                    format!(
                        "That is too few to say how sure {percentile} is: it takes {needed} that \
                         are independent of each other."
                    )
                } else {
                    format!(
                        "Slow turns came together, so that they say no more than a few independent \
                         ones would: {percentile} and above have no interval."
                    )
                },
                "Run longer, or read the lower percentiles.".into(),
            ),
            Self::Unanswered { count, planned } => (
                format!(
                    "{count} of the {planned} turns that count {} no answer.",
                    if *count == 1 { "has" } else { "have" }
                ),
                "The percentiles are of completed turns alone; the slowest turns may be among \
                 those that are missing."
                    .into(),
                "Read the percentiles over all turns (`all`) beside them, and mend the errors \
                 first."
                    .into(),
            ),
            Self::Queued { p95_ms, max_in_flight } => (
                format!("Turns waited before they were sent: p95 {p95_ms:.3} ms."),
                match max_in_flight {
                    Some(bound) => format!(
                        "At `max_in_flight` ({bound}) or at a limit, turns queue; the wait is part \
                         of ttfc and total, not of ttfc_service and total_service."
                    ),
                    None => "At a limit, turns queue; the wait is part of ttfc and total, not of \
                             ttfc_service and total_service."
                        .into(),
                },
                "Raise the bound, or lower the load, if the wait is not what you want to measure."
                    .into(),
            ),
            Self::Overflow { metric, count } => (
                format!("{count} values of {metric} are longer than an hour."),
                "Percentiles that fall among them show the maximum.".into(),
                "Set `timeouts.total` below an hour, or work from samples.csv.".into(),
            ),
            Self::CollectorLag { seconds } => (
                format!("Records waited up to {seconds:.1} s before they were written."),
                "The figures are not touched (times were taken before), but the disk or the \
                 processor is short."
                    .into(),
                "Write to a faster disk, or lower the load.".into(),
            ),
            Self::Retried { count } => (
                format!("{count} attempts were repeated."),
                "A turn counts by its last attempt; its response time holds the earlier ones and \
                 the waiting between."
                    .into(),
                "Set `limits.retries: 0` to see every failure as one.".into(),
            ),
            Self::Retransmits(Retransmits { again, sent }) => (
                format!("TCP on this machine sent {again} of {sent} segments a second time."),
                "A lost segment costs at least 200 ms, which are the network's and not the agent's."
                    .into(),
                "Look at the highest percentiles with care, and measure nearer to the agent.".into(),
            ),
        };
        CaveatText { caveat: self.name().into(), seen, meaning, remedy }
    }
}
