//! What a run is held to, each with whether it held: what a test report has as cases, and CI as
//! errors.

use std::collections::BTreeMap;

use super::table::{one_line, percent, thousands};
use super::text::observed;
use crate::scenario::Failures;
use crate::summary::{Summary, ValidityVerdict};

/// One thing a run is held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What kind of thing.
    pub kind: GateKind,
    /// Which, in a few words that are the same from run to run.
    pub name: String,
    /// Whether it held.
    pub held: bool,
    /// What was seen: a sentence without its full stop.
    pub seen: String,
}

/// What kind of thing a run is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateKind {
    /// It comes to its end.
    End,
    /// The tool keeps up.
    Validity,
    /// A threshold.
    Threshold,
    /// A kind of expectation.
    Expectation,
    /// Turns are answered.
    Answers,
    /// It is no worse than a baseline, or than the runs before.
    Comparison,
}

impl GateKind {
    /// The kind in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Validity => "validity",
            Self::Threshold => "threshold",
            Self::Expectation => "expectation",
            Self::Answers => "answers",
            Self::Comparison => "comparison",
        }
    }
}

/// Turns that broke the expectations of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokenExpectations {
    /// How many turns.
    pub turns: u64,
    /// What the first of them was found to be.
    pub example: String,
}

/// What a run's summary does not tell of what it is held to.
#[derive(Debug, Clone, Default)]
pub struct RunGates {
    /// Why it did not come to its end, if so.
    pub unended: Option<String>,
    /// How many turns may stay without an answer.
    pub failures: Failures,
    /// Every kind of expectation the scenario has, such as `contains`, and who broke it.
    pub expectations: BTreeMap<String, BrokenExpectations>,
}

/// Everything a run is held to.
pub fn gates(summary: &Summary, also: &RunGates) -> Vec<Gate> {
    let gate = |kind, name: String, held, seen| Gate { kind, name, held, seen };
    let mut gates = vec![gate(
        GateKind::End,
        "the run comes to its end".into(),
        also.unended.is_none() && summary.run.stopped.is_none(),
        ending(summary, also),
    )];
    let validity = match summary.validity.verdict {
        ValidityVerdict::Valid => "the tool kept up".to_owned(),
        _ => one_line(&summary.validity.reasons.join(" ")).trim_end_matches('.').to_owned(),
    };
    let kept_up = summary.validity.verdict != ValidityVerdict::Invalid;
    gates.push(gate(GateKind::Validity, "the tool keeps up".into(), kept_up, validity));
    gates.extend(summary.thresholds.iter().map(|one| {
        let name = one_line(&format!("{} {}", one.metric, one.expression));
        let seen = match one.observed {
            Some(_) => format!("{} was observed", observed(one.observed, &one.unit)),
            None => "there is no data for it".into(),
        };
        gate(GateKind::Threshold, name, one.ok, seen)
    }));
    gates.extend(also.expectations.iter().map(|(kind, broken)| {
        let held = broken.turns == 0;
        let seen = match held {
            true => "every answer met it".into(),
            false => format!(
                "{} did not, the first because {}",
                turns(broken.turns),
                one_line(&broken.example)
            ),
        };
        gate(GateKind::Expectation, format!("expect {}", one_line(kind)), held, seen)
    }));
    let verdict = summary.verdict(also.failures);
    let counts = &summary.counts;
    let missing = counts.planned - counts.completed;
    let share = (counts.planned > 0).then(|| missing as f64 / counts.planned as f64);
    let seen = match missing {
        0 => format!("all {} have one", turns(counts.planned)),
        missing => format!(
            "{} of {} have none ({})",
            turns(missing),
            thousands(counts.planned),
            percent(share)
        ),
    };
    let name = format!("turns without an answer: at most {}", also.failures);
    gates.push(gate(GateKind::Answers, name, !verdict.too_many_failures, seen));
    gates
}

fn ending(summary: &Summary, also: &RunGates) -> String {
    match (&also.unended, &summary.run.stopped) {
        (Some(why), _) => one_line(why),
        (None, Some(stopped)) => format!(
            "it was stopped after {} s because {} {} was seen over {} s ({})",
            stopped.at_s,
            one_line(&stopped.metric),
            one_line(&stopped.expression),
            stopped.for_s,
            observed(Some(stopped.observed), &stopped.unit)
        ),
        (None, None) => "it did".into(),
    }
}

fn turns(count: u64) -> String {
    match count {
        1 => "1 turn".into(),
        many => format!("{} turns", thousands(many)),
    }
}
