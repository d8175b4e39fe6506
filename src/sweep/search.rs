//! The search for the highest level that meets the goal: doubling until one does not, then halving
//! the ratio between the highest that does and the lowest that does not.
//!
//! A single run near the edge is a throw of a coin. So a level that fails there is tried once more,
//! and counts as failed only if it fails again.

use serde::{Deserialize, Serialize};

use super::levels::Parameter;

/// The search ends when what fails is at most this share above what does not.
pub const TOLERANCE: f64 = 0.05;

/// A level that fails is tried again if it is at most this many times the highest that did not.
const NEAR: f64 = 1.5;

/// Probes, at most; reached only if the answers contradict each other.
const MOST_PROBES: u32 = 64;

/// Whether a level met the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It did.
    Yes,
    /// It did not. `close`: by no more than chance explains.
    No {
        /// By no more than chance explains.
        close: bool,
    },
    /// This machine could not keep up, so nobody knows.
    Unknown,
}

/// What keeps the answer from being higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The target does not meet the goal above it.
    Target,
    /// This machine could not send more, or not in time.
    Machine,
    /// The search goes no higher.
    Range,
}

/// A search under way.
#[derive(Debug, Clone)]
pub struct Search {
    parameter: Parameter,
    highest_met: Option<f64>,
    lowest_missed: Option<f64>,
    missed_by: Limit,
    again: Option<f64>,
    probes: u32,
}

impl Search {
    /// A search that begins at one user, or one session a second.
    pub fn new(parameter: Parameter) -> Self {
        Self {
            parameter,
            highest_met: None,
            lowest_missed: None,
            missed_by: Limit::Target,
            again: None,
            probes: 0,
        }
    }

    /// The highest level that met the goal so far.
    pub fn highest_met(&self) -> Option<f64> {
        self.highest_met
    }

    /// The lowest level that did not.
    pub fn lowest_missed(&self) -> Option<f64> {
        self.lowest_missed
    }

    /// What keeps the answer from being higher, as far as is known.
    pub fn limit(&self) -> Limit {
        if self.lowest_missed.is_some() { self.missed_by } else { Limit::Range }
    }

    /// The level to try next; `None`: the search is over.
    pub fn next(&self) -> Option<f64> {
        if self.probes >= MOST_PROBES {
            return None;
        }
        if self.again.is_some() {
            return self.again;
        }
        let (lowest, highest) = self.range();
        match (self.highest_met, self.lowest_missed) {
            (None, None) => Some(1.0),
            (Some(met), None) => (met < highest).then_some((2.0 * met).min(highest)),
            (None, Some(missed)) => (missed > lowest).then_some((missed / 2.0).max(lowest)),
            (Some(met), Some(missed)) => self.between(met, missed),
        }
    }

    fn between(&self, met: f64, missed: f64) -> Option<f64> {
        if missed <= met * (1.0 + TOLERANCE) {
            return None;
        }
        match self.parameter {
            Parameter::Rate => Some((met * missed).sqrt()),
            Parameter::Concurrency => (missed - met > 1.5)
                .then(|| (met * missed).sqrt().round().clamp(met + 1.0, missed - 1.0)),
        }
    }

    /// What may be tried at all.
    fn range(&self) -> (f64, f64) {
        match self.parameter {
            Parameter::Concurrency => (1.0, 100_000.0),
            Parameter::Rate => (1.0 / 64.0, 1e6),
        }
    }

    /// Takes what came of a probe at `level`. Whether it is to be repeated is told by [`Self::next`].
    pub fn observe(&mut self, level: f64, met: Met) {
        self.probes += 1;
        let repeated = self.again.take().is_some();
        let near = self.highest_met.is_some_and(|met| level <= NEAR * met);
        match met {
            Met::Yes => {
                self.highest_met = Some(self.highest_met.map_or(level, |best| best.max(level)));
            }
            Met::No { close } if (near || close) && !repeated => self.again = Some(level),
            Met::Unknown if !repeated => self.again = Some(level),
            missed => {
                self.lowest_missed = Some(level);
                self.missed_by =
                    if missed == Met::Unknown { Limit::Machine } else { Limit::Target };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs a search against a target whose edge is known.
    fn searched(parameter: Parameter, answer: impl Fn(f64, u32) -> Met) -> (Search, u32) {
        let mut search = Search::new(parameter);
        let mut probes = 0;
        while let Some(level) = search.next() {
            search.observe(level, answer(level, probes));
            probes += 1;
        }
        (search, probes)
    }

    fn sharp(edge: f64) -> impl Fn(f64, u32) -> Met {
        move |level, _| if level <= edge { Met::Yes } else { Met::No { close: false } }
    }

    proptest! {
        #[test]
        fn a_sharp_edge_is_found_within_the_tolerance(edge in 0.02f64..5e5) {
            let (search, probes) = searched(Parameter::Rate, sharp(edge));
            let (met, missed) = (search.highest_met().unwrap(), search.lowest_missed().unwrap());
            prop_assert!(met <= edge && edge < missed && missed <= met * (1.0 + TOLERANCE));
            prop_assert!(probes < 40, "{probes}");
        }

        #[test]
        fn users_are_found_to_one_or_to_the_tolerance(edge in 1u32..90_000) {
            let (search, _) = searched(Parameter::Concurrency, sharp(f64::from(edge)));
            let (met, missed) = (search.highest_met().unwrap(), search.lowest_missed().unwrap());
            prop_assert!(met.fract() == 0.0 && missed.fract() == 0.0);
            prop_assert!(met <= f64::from(edge) && f64::from(edge) < missed);
            prop_assert!(missed - met <= (met * TOLERANCE).max(1.0), "{met} {missed}");
        }

        #[test]
        fn a_single_false_alarm_near_the_edge_does_no_harm(edge in 2.0f64..1e4, nth in 0u32..30) {
            // Nothing is near before anything was met; there a false alarm costs more.
            let (search, _) = searched(Parameter::Rate, |level, probe| {
                if probe == nth && probe > 0 { Met::No { close: true } } else { sharp(edge)(level, probe) }
            });
            let met = search.highest_met().unwrap();
            prop_assert!(met <= edge && edge <= met * (1.0 + TOLERANCE), "{met} {edge}");
        }
    }

    #[test]
    fn a_target_that_meets_nothing_has_no_answer() {
        let (search, _) = searched(Parameter::Concurrency, |_, _| Met::No { close: false });
        assert_eq!((search.highest_met(), search.lowest_missed()), (None, Some(1.0)));
        let (search, probes) = searched(Parameter::Rate, |_, _| Met::No { close: false });
        assert_eq!(search.highest_met(), None);
        assert!(probes <= 10);
    }

    #[test]
    fn a_machine_that_cannot_keep_up_is_named_as_the_limit() {
        let (search, _) =
            searched(
                Parameter::Rate,
                |level, _| {
                    if level < 1000.0 { Met::Yes } else { Met::Unknown }
                },
            );
        assert_eq!(search.limit(), Limit::Machine);
        assert!(search.highest_met().unwrap() > 900.0);
        let (search, _) = searched(Parameter::Concurrency, |_, _| Met::Yes);
        assert_eq!((search.limit(), search.highest_met()), (Limit::Range, Some(100_000.0)));
    }
}
