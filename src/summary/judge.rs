//! Judging: thresholds against what was measured, and what the run comes to.

use super::build::measured;
use super::facts::RunFacts;
use super::model::{Summary, ThresholdResult, ValidityVerdict};
use crate::measure::Totals;
use crate::scenario::Failures;
use crate::threshold::{Aggregation, Subject, Threshold};

/// Judges every threshold. One without data fails.
pub(super) fn judge(
    facts: &RunFacts,
    totals: &Totals,
    measured_s: Option<f64>,
) -> Vec<ThresholdResult> {
    let result = |threshold: &Threshold| {
        let observed = observe(threshold, facts, totals, measured_s);
        ThresholdResult {
            metric: threshold.metric.clone(),
            expression: threshold.expression.clone(),
            observed,
            ok: observed.is_some_and(|seen| threshold.comparison.holds(seen, threshold.bound)),
            unit: unit(threshold).into(),
        }
    };
    facts.thresholds.iter().map(result).collect()
}

/// The unit of what a threshold sees: `ms`, `fraction`, `/s`, or nothing for a number.
pub fn unit(threshold: &Threshold) -> &'static str {
    match (threshold.subject, threshold.aggregation) {
        (_, Aggregation::Count) | (Subject::InFlight, _) => "",
        (Subject::Duration(_), _) => "ms",
        (Subject::Errors, _) => "fraction",
        _ => "/s",
    }
}

fn observe(
    threshold: &Threshold,
    facts: &RunFacts,
    totals: &Totals,
    measured_s: Option<f64>,
) -> Option<f64> {
    let series = totals.selected(threshold.selection)?;
    if threshold.subject == Subject::InFlight {
        let some = series.counts.planned() > 0;
        return some.then(|| in_flight(threshold.aggregation, facts, totals)).flatten();
    }
    let has_goal = totals.layout().has_goal();
    // A scenario's rates are over its own time.
    let scenario = threshold.selection.scenario.or_else(|| {
        let kind = threshold.selection.kind?;
        Some(totals.layout().scenario_of(kind))
    });
    let own = scenario.and_then(|index| {
        let one = facts.scenarios.get(usize::from(index))?;
        let last_ended = totals.tally().scenario(index).last_ended;
        Some(measured(&one.load, one.start, last_ended))
    });
    let measured_s = own.unwrap_or(measured_s);
    series.figure(threshold.subject, threshold.aggregation, measured_s, has_goal)
}

/// Attempts on the wire at the end of each second after the warm-up.
fn in_flight(aggregation: Aggregation, facts: &RunFacts, totals: &Totals) -> Option<f64> {
    let from = facts.load.warmup.as_secs();
    let mut seen: Vec<(u64, u64)> = totals.seconds().map(|(at, _, open)| (at, open)).collect();
    // What was open when the warm-up ended is open in the first second that counts.
    let before = seen.iter().rev().find(|(second, _)| *second < from).copied();
    seen.retain(|(second, _)| *second >= from);
    if let (Some((_, open)), Some((first, _))) = (before, seen.first())
        && *first > from
    {
        seen.insert(0, (from, open));
    }
    let last = seen.last()?;
    let figure = match aggregation {
        Aggregation::Min => seen.iter().map(|(_, open)| *open).min()? as f64,
        Aggregation::Max => seen.iter().map(|(_, open)| *open).max()? as f64,
        Aggregation::Mean => {
            // Seconds in which nothing came or went are left out of the list; they count as well.
            let held: u64 = seen.windows(2).map(|two| two[0].1 * (two[1].0 - two[0].0)).sum();
            (held + last.1) as f64 / (last.0 - seen.first()?.0 + 1) as f64
        }
        _ => last.1 as f64,
    };
    Some(figure)
}

/// What a run comes to, for an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Thresholds that did not hold, and the rule that stopped the run, if one did.
    pub thresholds_failed: usize,
    /// More turns are without an answer than allowed.
    pub too_many_failures: bool,
    /// The tool did not keep up.
    pub invalid: bool,
}

impl Verdict {
    /// Whether everything held.
    pub fn is_good(self) -> bool {
        self.thresholds_failed == 0 && !self.too_many_failures && !self.invalid
    }
}

impl Summary {
    /// What the run comes to if `failures` turns may stay without an answer. A threshold on
    /// the `errors` of all turns replaces that allowance; one on some of them does not.
    pub fn verdict(&self, failures: Failures) -> Verdict {
        let judged_by_threshold = self.thresholds.iter().any(|one| one.metric.trim() == "errors");
        let unanswered = self.counts.planned - self.counts.completed;
        let too_many = failures.are_exceeded(unanswered, self.counts.planned);
        Verdict {
            thresholds_failed: self.thresholds.iter().filter(|one| !one.ok).count()
                + usize::from(self.run.stopped.is_some()),
            too_many_failures: too_many && !judged_by_threshold,
            invalid: self.validity.verdict == ValidityVerdict::Invalid,
        }
    }
}
