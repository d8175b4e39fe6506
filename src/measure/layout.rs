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

/// The series of a run, the same for every worker. Series 0 is every turn after the warm-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    kinds: usize,
    selections: Vec<Selection>,
    goal: Goal,
}

impl Layout {
    /// The series for `kinds` session kinds and for the `selections` of the run's thresholds.
    pub fn new(kinds: usize, selections: impl IntoIterator<Item = Selection>, goal: Goal) -> Self {
        let mut layout = Self { kinds, selections: Vec::new(), goal };
        for one in selections {
            if layout.series_of(one).is_none() {
                layout.selections.push(one);
            }
        }
        layout
    }

    /// What a good turn is.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// How many session kinds there are.
    pub fn kinds(&self) -> usize {
        self.kinds
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
        (kind < self.kinds).then_some(if self.kinds == 1 { 0 } else { 1 + kind })
    }

    /// The series that holds the turns of `selection`; `None` if the run does not keep it.
    pub fn series_of(&self, selection: Selection) -> Option<usize> {
        match selection {
            Selection { kind: None, turn: None } => Some(0),
            Selection { kind: Some(kind), turn: None } => self.series_of_kind(kind),
            _ => {
                let at = self.selections.iter().position(|one| *one == selection)?;
                Some(self.first_selection() + at)
            }
        }
    }

    fn first_selection(&self) -> usize {
        if self.kinds > 1 { 1 + self.kinds } else { 1 }
    }

    /// Calls `add` with each series that a turn belongs to.
    pub(super) fn for_each(&self, kind: u16, turn: u32, mut add: impl FnMut(usize)) {
        add(0);
        if self.kinds > 1
            && let Some(series) = self.series_of_kind(kind)
        {
            add(series);
        }
        for (at, selection) in self.selections.iter().enumerate() {
            if selection.holds(kind, turn) {
                add(self.first_selection() + at);
            }
        }
    }

    /// Calls `add` with each series that a whole session of `kind` belongs to.
    pub(super) fn for_each_of_session(&self, kind: u16, mut add: impl FnMut(usize)) {
        add(0);
        if self.kinds > 1
            && let Some(series) = self.series_of_kind(kind)
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
        let first_of_refund = Selection { kind: Some(0), turn: Some(1) };
        let refund = Selection { kind: Some(0), turn: None };
        let layout = Layout::new(2, [refund, first_of_refund, first_of_refund], Goal::default());
        assert_eq!(layout.len(), 4);
        assert_eq!(series(&layout, 0, 1), [0, 1, 3]);
        assert_eq!(series(&layout, 0, 2), [0, 1]);
        assert_eq!(series(&layout, 1, 1), [0, 2]);
        assert_eq!(layout.series_of(refund), Some(1));

        let only_one = Layout::new(1, [refund], Goal::default());
        assert_eq!((only_one.len(), only_one.series_of(refund)), (1, Some(0)));
    }
}
