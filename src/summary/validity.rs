//! Whether the tool itself kept up: reasons as values, said as sentences.

use std::fmt;

use super::facts::{LoadFacts, Offered, RunFacts};
use super::metrics::millis;
use super::model::{Validity, ValidityVerdict};
use super::observed::{Busy, Control, Hiccups, Observed, ProcessTime, Used};
use crate::measure::Totals;
use crate::metric::Metric;
use crate::sample::{Failure, Outcome};

/// Less of the offered load than this, and the run was another one than asked for.
const OFFERED: f64 = 0.99;
/// More turns than this that our own side could not send, and the same holds.
const LOCAL: f64 = 0.01;

/// A worker that had no time left for more than this share of the load answers late to some
/// replies.
const SATURATED: f64 = 0.1;
/// The same for so much of it, and the figures are those of its own queue.
const SATURATED_LIMIT: f64 = 0.5;
/// All processors together busier than this, and threads wait for each other.
const ALL_BUSY: f64 = 0.95;
/// Held still by a quota for more than this share of the time.
const THROTTLED: f64 = 0.01;
/// The same for so much of it, and every percentile is the quota's.
const THROTTLED_LIMIT: f64 = 0.1;
/// So much of something limited in use, and the next connection may fail.
const NEARLY_ALL: f64 = 0.9;
/// Fewer sleeps than this have no p99.
const SLEEPS: u64 = 100;

/// Why a run is not fully valid.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Requests left later than they were due, through our own fault.
    Late {
        /// The p99 of our lateness, in milliseconds.
        p99_ms: f64,
        /// What is still good, in milliseconds.
        allowed_ms: f64,
        /// Above this the run is invalid, in milliseconds.
        limit_ms: f64,
    },
    /// Sessions that were due were not begun, and not because of the target.
    NotOffered {
        /// What was due, and what was done about it.
        offered: Offered,
        /// Of which scenario, where there are several.
        scenario: Option<String>,
    },
    /// Our own side could not do it: descriptors, memory, a template.
    Local {
        /// Turns that failed so.
        count: u64,
        /// Of so many.
        planned: u64,
    },
    /// No turn was due after the warm-up.
    NothingMeasured,
    /// A worker's thread had no time left: whatever came waited for it.
    Saturated {
        /// Which worker.
        worker: usize,
        /// How busy it was.
        busy: Busy,
    },
    /// Every processor the process may use was busy.
    AllBusy(ProcessTime),
    /// Threads woke late: something held the machine up.
    Hiccups {
        /// How late.
        seen: Hiccups,
        /// What is still good at the p99, in milliseconds.
        allowed_ms: f64,
    },
    /// Turns of known timing seemed to take longer than they did.
    Biased {
        /// How much longer.
        seen: Control,
        /// What is still good, in milliseconds.
        allowed_ms: f64,
        /// Above this the run is invalid, in milliseconds.
        limit_ms: f64,
    },
    /// Bytes lay in the kernel before we read them.
    Lagging {
        /// The p99 of the time they lay there, in milliseconds.
        p99_ms: f64,
        /// What is still good, in milliseconds.
        allowed_ms: f64,
        /// Above this the run is invalid, in milliseconds.
        limit_ms: f64,
    },
    /// A quota held the process still.
    Throttled {
        /// For so many milliseconds.
        ms: f64,
        /// Of so many.
        of_ms: f64,
    },
    /// Nearly as many descriptors open as may be.
    Descriptors(Used),
    /// Nearly all local ports in use.
    Ports(Used),
}

impl Reason {
    /// How bad it is.
    pub fn verdict(&self) -> ValidityVerdict {
        let bad = match self {
            Self::Late { p99_ms, limit_ms, .. } | Self::Lagging { p99_ms, limit_ms, .. } => {
                p99_ms > limit_ms
            }
            Self::Biased { seen, limit_ms, .. } => seen.excess_ms() > *limit_ms,
            Self::NotOffered { .. } | Self::NothingMeasured => true,
            Self::Local { count, planned } => *count as f64 > LOCAL * *planned as f64,
            Self::Saturated { busy, .. } => busy.saturated > SATURATED_LIMIT,
            Self::Throttled { ms, of_ms } => *ms > THROTTLED_LIMIT * of_ms,
            Self::AllBusy(_) | Self::Hiccups { .. } | Self::Descriptors(_) | Self::Ports(_) => {
                false
            }
        };
        if bad { ValidityVerdict::Invalid } else { ValidityVerdict::Degraded }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late { p99_ms, allowed_ms, .. } => write!(
                f,
                "Requests left late by our own fault: p99 {p99_ms:.3} ms where {allowed_ms:.3} ms \
                 is still good; lower the load, close other programs, or use a larger machine."
            ),
            Self::NotOffered { offered: Offered { due, sent, held_by_target }, scenario } => {
                let of = scenario.as_ref().map_or(String::new(), |name| format!(" of `{name}`"));
                write!(
                    f,
                    "Only {} of {due} sessions{of} that were due could be begun ({sent} sent, \
                     {held_by_target} held up by the target); lower the rate or use a larger machine.",
                    sent + held_by_target
                )
            }
            Self::Local { count, planned } => write!(
                f,
                "{count} of {planned} turns failed on our own side; see the errors, and raise \
                 `ulimit -n` if descriptors ran out."
            ),
            Self::NothingMeasured => f.write_str(
                "No turn was due after the warm-up; shorten the warm-up or lengthen the load.",
            ),
            Self::Saturated { worker, busy } => write!(
                f,
                "Worker {worker} had no time left in {:.0} % of the load (it ran {:.0} % of the time \
                 and waited for a processor in {:.0} %): its own queue is in the figures; use more \
                 --workers, lower the load, or use a larger machine.",
                busy.saturated * 100.0,
                busy.running * 100.0,
                busy.waiting * 100.0
            ),
            Self::AllBusy(time) => write!(
                f,
                "All {} processors were busy ({:.0} % of them used by this process): its threads \
                 waited for each other; lower the load, run the agent elsewhere, or use a larger \
                 machine.",
                time.cpus,
                time.share() * 100.0
            ),
            Self::Hiccups { seen, allowed_ms } => write!(
                f,
                "Threads woke late: p99 {:.3} ms, at most {:.3} ms, where {allowed_ms:.3} ms is still \
                 good; close other programs, or use a machine of its own.",
                seen.p99_ms, seen.max_ms
            ),
            Self::Biased { seen, allowed_ms, .. } => write!(
                f,
                "Turns of known timing, sent by the same workers, seemed to take {:.3} ms too long \
                 (in {} of {} seconds the median was above the limit) where {allowed_ms:.3} ms is \
                 still good: so much of the figures may be ours; lower the load, use more \
                 --workers, or a larger machine.",
                seen.excess_ms(),
                seen.seconds_above,
                seen.seconds
            ),
            Self::Lagging { p99_ms, allowed_ms, .. } => write!(
                f,
                "Bytes lay in the kernel before they were read: p99 {p99_ms:.3} ms where \
                 {allowed_ms:.3} ms is still good; lower the load, use more --workers, or a larger \
                 machine.",
            ),
            Self::Throttled { ms, of_ms } => write!(
                f,
                "The container's processor quota held the process still for {ms:.0} of {of_ms:.0} \
                 ms; raise the quota, or use fewer --workers.",
            ),
            Self::Descriptors(used) => write!(
                f,
                "{} of {} descriptors were open; raise `ulimit -n`, or hold fewer turns on the wire.",
                used.most, used.limit
            ),
            Self::Ports(used) => write!(
                f,
                "{} of {} local ports were in use or waiting to be free again; keep connections \
                 (`target.connections`), or widen `net.ipv4.ip_local_port_range`.",
                used.most, used.limit
            ),
        }
    }
}

/// Every reason to doubt the run.
pub(super) fn reasons(facts: &RunFacts, totals: &Totals) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if totals.all().counts.planned() == 0 {
        reasons.push(Reason::NothingMeasured);
    }
    reasons.extend(late(totals));
    reasons.extend(not_offered(facts));
    let local = Outcome::Failed(Failure::Local);
    let groups = totals.tally().errors().iter();
    let count = groups.filter(|group| group.outcome == local).map(|group| group.count).sum();
    if count > 0 {
        let tally = totals.tally();
        let planned = tally.counts.planned() + tally.aside.planned();
        reasons.push(Reason::Local { count, planned });
    }
    reasons.extend(lagging(totals));
    if let Some(observed) = &facts.observed {
        reasons.extend(of_ourselves(observed, Bounds::of(totals)));
    }
    reasons
}

/// Schedules that were not kept to. Each of several scenarios is held to its own: what one had too few
/// of, another with more sessions does not make up for.
fn not_offered(facts: &RunFacts) -> Vec<Reason> {
    let loads: Vec<(Option<&String>, &LoadFacts)> = match facts.scenarios.as_slice() {
        [] => vec![(None, &facts.load)],
        several => several.iter().map(|one| (Some(&one.name), &one.load)).collect(),
    };
    let reason = |(scenario, load): (Option<&String>, &LoadFacts)| {
        let offered = load.offered?;
        let begun = offered.sent + offered.held_by_target;
        let kept = begun as f64 >= OFFERED * offered.due as f64;
        (!kept).then(|| Reason::NotOffered { offered, scenario: scenario.cloned() })
    };
    loads.into_iter().filter_map(reason).collect()
}

/// How much of our own error is still good, and how much is too much, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    allowed_ms: f64,
    limit_ms: f64,
}

impl Bounds {
    fn of(totals: &Totals) -> Self {
        let ttfc = totals.all().distribution(Metric::Ttfc);
        let typical_ms = ttfc.and_then(|ttfc| ttfc.percentile(50.0)).map_or(0.0, millis);
        Self { allowed_ms: (0.01 * typical_ms).max(1.0), limit_ms: (0.05 * typical_ms).max(5.0) }
    }
}

fn late(totals: &Totals) -> Option<Reason> {
    let p99_ms = millis(totals.tally().sent_lateness.percentile(99.0)?);
    let Bounds { allowed_ms, limit_ms } = Bounds::of(totals);
    (p99_ms > allowed_ms).then_some(Reason::Late { p99_ms, allowed_ms, limit_ms })
}

fn lagging(totals: &Totals) -> Option<Reason> {
    let p99_ms = millis(totals.all().distribution(Metric::ClientLag)?.percentile(99.0)?);
    let Bounds { allowed_ms, limit_ms } = Bounds::of(totals);
    (p99_ms > allowed_ms).then_some(Reason::Lagging { p99_ms, allowed_ms, limit_ms })
}

/// What the run saw of itself that makes its figures doubtful.
fn of_ourselves(observed: &Observed, bounds: Bounds) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some((worker, &busy)) = observed.busiest()
        && busy.saturated > SATURATED
    {
        reasons.push(Reason::Saturated { worker, busy });
    }
    if let Some(process) = observed.process {
        if process.share() > ALL_BUSY {
            reasons.push(Reason::AllBusy(process));
        }
        if let Some(ms) = observed.throttled_ms
            && ms > THROTTLED * process.watched_s * 1e3
        {
            reasons.push(Reason::Throttled { ms, of_ms: process.watched_s * 1e3 });
        }
    }
    if let Some(seen) = observed.hiccups
        && seen.count >= SLEEPS
        && seen.p99_ms > bounds.allowed_ms
    {
        reasons.push(Reason::Hiccups { seen, allowed_ms: bounds.allowed_ms });
    }
    if let Some(seen) = observed.control
        && seen.excess_ms() > bounds.allowed_ms
    {
        let Bounds { allowed_ms, limit_ms } = bounds;
        reasons.push(Reason::Biased { seen, allowed_ms, limit_ms });
    }
    let nearly_all = |used: Option<Used>| used.filter(|used| used.share() > NEARLY_ALL);
    reasons.extend(nearly_all(observed.descriptors).map(Reason::Descriptors));
    reasons.extend(nearly_all(observed.ports).map(Reason::Ports));
    reasons
}

pub(super) fn validity(reasons: &[Reason]) -> Validity {
    let verdict = reasons.iter().map(Reason::verdict).max().unwrap_or(ValidityVerdict::Valid);
    Validity { verdict, reasons: reasons.iter().map(ToString::to_string).collect() }
}
