//! Whether the tool itself kept up: reasons as values, said as sentences.

use std::fmt;

use super::facts::{Offered, RunFacts};
use super::metrics::millis;
use super::model::{Validity, ValidityVerdict};
use crate::measure::Totals;
use crate::metric::Metric;
use crate::sample::{Failure, Outcome};

/// Less of the offered load than this, and the run was another one than asked for.
const OFFERED: f64 = 0.99;
/// More turns than this that our own side could not send, and the same holds.
const LOCAL: f64 = 0.01;

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
    NotOffered(Offered),
    /// Our own side could not do it: descriptors, memory, a template.
    Local {
        /// Turns that failed so.
        count: u64,
        /// Of so many.
        planned: u64,
    },
    /// No turn was due after the warm-up.
    NothingMeasured,
}

impl Reason {
    /// How bad it is.
    pub fn verdict(&self) -> ValidityVerdict {
        let bad = match self {
            Self::Late { p99_ms, limit_ms, .. } => p99_ms > limit_ms,
            Self::NotOffered(_) | Self::NothingMeasured => true,
            Self::Local { count, planned } => *count as f64 > LOCAL * *planned as f64,
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
            Self::NotOffered(Offered { due, sent, held_by_target }) => write!(
                f,
                "Only {} of {due} sessions that were due could be begun ({sent} sent, \
                 {held_by_target} held up by the target); lower the rate or use a larger machine.",
                sent + held_by_target
            ),
            Self::Local { count, planned } => write!(
                f,
                "{count} of {planned} turns failed on our own side; see the errors, and raise \
                 `ulimit -n` if descriptors ran out."
            ),
            Self::NothingMeasured => f.write_str(
                "No turn was due after the warm-up; shorten the warm-up or lengthen the load.",
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
    reasons.extend(
        facts
            .load
            .offered
            .filter(|offered| {
                ((offered.sent + offered.held_by_target) as f64) < OFFERED * offered.due as f64
            })
            .map(Reason::NotOffered),
    );
    let local = Outcome::Failed(Failure::Local);
    let groups = totals.tally().errors().iter();
    let count = groups.filter(|group| group.outcome == local).map(|group| group.count).sum();
    if count > 0 {
        let tally = totals.tally();
        let planned = tally.counts.planned() + tally.aside.planned();
        reasons.push(Reason::Local { count, planned });
    }
    reasons
}

fn late(totals: &Totals) -> Option<Reason> {
    let p99_ms = millis(totals.tally().sent_lateness.percentile(99.0)?);
    let ttfc = totals.all().distribution(Metric::Ttfc);
    let typical_ms = ttfc.and_then(|ttfc| ttfc.percentile(50.0)).map_or(0.0, millis);
    let allowed_ms = (0.01 * typical_ms).max(1.0);
    let limit_ms = (0.05 * typical_ms).max(5.0);
    (p99_ms > allowed_ms).then_some(Reason::Late { p99_ms, allowed_ms, limit_ms })
}

pub(super) fn validity(reasons: &[Reason]) -> Validity {
    let verdict = reasons.iter().map(Reason::verdict).max().unwrap_or(ValidityVerdict::Valid);
    Validity { verdict, reasons: reasons.iter().map(ToString::to_string).collect() }
}
