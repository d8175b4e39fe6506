//! Which series a run keeps: all turns, each session kind, and what thresholds ask for besides.

use std::time::Duration;

use super::values::Values;
use crate::metric::Metric;
use crate::threshold::Selection;

/// What a good turn is, at most; a turn meets what is not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Goal {
    /// Time to first chunk, from when it was due.
    pub ttfc: Option<Duration>,
    /// Until the reply ended, from when it was due.
    pub total: Option<Duration>,
}

impl Goal {
    /// Whether anything is asked.
    pub fn is_set(self) -> bool {
        self.ttfc.is_some() || self.total.is_some()
    }

    /// Whether a completed turn with these figures is good.
    pub(super) fn is_met(self, values: &Values) -> bool {
        let within =
            |limit: Option<Duration>, metric: Metric| match (limit, values[metric as usize]) {
                (None, _) => true,
                (Some(limit), Some(micros)) => Duration::from_micros(micros) <= limit,
                (Some(_), None) => false,
            };
        within(self.ttfc, Metric::Ttfc) && within(self.total, Metric::Total)
    }
}

/// The series of a run, the same for every worker. Series 0 is every turn after the warm-up; then come
/// those of the session kinds, of the scenarios, and of the selections.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Which scenario each session kind is of.
    scenario_of: Vec<u16>,
    /// What a good turn is in each scenario; never empty.
    goals: Vec<Goal>,
    selections: Vec<Selection>,
}

impl Layout {
    /// The series for `kinds` session kinds and for the `selections` of the run's thresholds.
    pub fn new(kinds: usize, selections: impl IntoIterator<Item = Selection>, goal: Goal) -> Self {
        Self::together([(kinds, goal)], selections)
    }

    /// The same for several scenarios that are run together: how many kinds each has, and what a good
    /// turn is in it.
    pub fn together(
        scenarios: impl IntoIterator<Item = (usize, Goal)>,
        selections: impl IntoIterator<Item = Selection>,
    ) -> Self {
        let mut layout =
            Self { scenario_of: Vec::new(), goals: Vec::new(), selections: Vec::new() };
        for (index, (kinds, goal)) in (0..).zip(scenarios) {
            layout.scenario_of.extend(std::iter::repeat_n(index, kinds));
            layout.goals.push(goal);
        }
        for one in selections {
            if layout.series_of(one).is_none() {
                layout.selections.push(one);
            }
        }
        layout
    }

    /// Whether anything says what a good turn is.
    pub fn has_goal(&self) -> bool {
        self.goals.iter().any(|goal| goal.is_set())
    }

    /// What a good turn is in that scenario.
    pub fn goal(&self, scenario: u16) -> Goal {
        self.goals.get(usize::from(scenario)).copied().unwrap_or_default()
    }

    /// How many session kinds there are.
    pub fn kinds(&self) -> usize {
        self.scenario_of.len()
    }

    /// How many scenarios are run together.
    pub fn scenarios(&self) -> usize {
        self.goals.len()
    }

    /// The scenario of a session kind.
    pub fn scenario_of(&self, kind: u16) -> u16 {
        self.scenario_of.get(usize::from(kind)).copied().unwrap_or(0)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.first_selection() + self.selections.len()
    }

    /// Never: there is always series 0.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The series of a session kind. A run of one kind keeps its figures once.
    pub fn series_of_kind(&self, kind: u16) -> Option<usize> {
        let kind = usize::from(kind);
        (kind < self.kinds()).then_some(if self.kinds() == 1 { 0 } else { 1 + kind })
    }

    /// The series of a scenario. A run of one keeps its figures once.
    pub fn series_of_scenario(&self, scenario: u16) -> Option<usize> {
        let scenario = usize::from(scenario);
        let several = self.scenarios() > 1;
        (scenario < self.scenarios()).then_some(if several {
            self.first_scenario() + scenario
        } else {
            0
        })
    }

    /// The series that holds the turns of `selection`; `None` if the run does not keep it.
    pub fn series_of(&self, selection: Selection) -> Option<usize> {
        match selection {
            Selection { scenario: None, kind: None, turn: None } => Some(0),
            Selection { scenario: None, kind: Some(kind), turn: None } => self.series_of_kind(kind),
            Selection { scenario: Some(scenario), kind: None, turn: None } => {
                self.series_of_scenario(scenario)
            }
            _ => {
                let at = self.selections.iter().position(|one| *one == selection)?;
                Some(self.first_selection() + at)
            }
        }
    }

    fn first_scenario(&self) -> usize {
        if self.kinds() > 1 { 1 + self.kinds() } else { 1 }
    }

    fn first_selection(&self) -> usize {
        let scenarios = if self.scenarios() > 1 { self.scenarios() } else { 0 };
        self.first_scenario() + scenarios
    }

    /// Calls `add` with each series that a turn belongs to.
    pub(super) fn for_each(&self, kind: u16, turn: u32, mut add: impl FnMut(usize)) {
        self.for_each_of_session(kind, &mut add);
        let scenario = self.scenario_of(kind);
        for (at, selection) in self.selections.iter().enumerate() {
            if selection.holds(scenario, kind, turn) {
                add(self.first_selection() + at);
            }
        }
    }

    /// Calls `add` with each series that a whole session of `kind` belongs to.
    pub(super) fn for_each_of_session(&self, kind: u16, mut add: impl FnMut(usize)) {
        add(0);
        if self.kinds() > 1
            && let Some(series) = self.series_of_kind(kind)
        {
            add(series);
        }
        if self.scenarios() > 1
            && let Some(series) = self.series_of_scenario(self.scenario_of(kind))
        {
            add(series);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(layout: &Layout, kind: u16, turn: u32) -> Vec<usize> {
        let mut found = Vec::new();
        layout.for_each(kind, turn, |one| found.push(one));
        found
    }

    #[test]
    fn a_turn_goes_to_all_its_series_and_no_series_is_kept_twice() {
        let refund = Selection { kind: Some(0), ..Selection::default() };
        let first_of_refund = Selection { turn: Some(1), ..refund };
        let layout = Layout::new(2, [refund, first_of_refund, first_of_refund], Goal::default());
        assert_eq!(layout.len(), 4);
        assert_eq!(series(&layout, 0, 1), [0, 1, 3]);
        assert_eq!(series(&layout, 0, 2), [0, 1]);
        assert_eq!(series(&layout, 1, 1), [0, 2]);
        assert_eq!(layout.series_of(refund), Some(1));

        // Two scenarios, of two kinds and of one.
        let goal = Goal::default();
        let burst = Selection { scenario: Some(1), ..Selection::default() };
        let second_of_steady = Selection { scenario: Some(0), turn: Some(2), kind: None };
        let together = Layout::together([(2, goal), (1, goal)], [burst, second_of_steady]);
        assert_eq!(together.len(), 1 + 3 + 2 + 1);
        assert_eq!(series(&together, 2, 2), [0, 3, 5]);
        assert_eq!(series(&together, 1, 2), [0, 2, 4, 6]);
        assert_eq!(together.series_of(burst), Some(5));

        let only_one = Layout::new(1, [refund], Goal::default());
        assert_eq!((only_one.len(), only_one.series_of(refund)), (1, Some(0)));
    }
}
