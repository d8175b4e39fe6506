//! Where the runs of a track changed, over all figures together.

use serde::Serialize;

use super::primary::Primary;
use crate::stats::change_points::{ChangePoint, ChangeSearch, change_points};
use crate::stats::spread::median;

/// How often a whole track without change may show one: shared by the figures that are tested.
const LEVEL: f64 = 0.005;

/// A change between two runs of a track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The first run after it, an index into the track's runs.
    pub at: usize,
    /// The last run that is surely before it.
    pub after: usize,
    /// The first run that is surely after it: it lies between the commits of these two.
    pub until: usize,
    /// Which figures changed, and by how much.
    pub shifts: Vec<Shift>,
}

/// A figure before and after a change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shift {
    /// Which.
    pub metric: Primary,
    /// The median of the runs before, back to the change before.
    pub before: f64,
    /// The median of the runs after, up to the next change.
    pub after: f64,
    /// How often chance alone makes as great a change somewhere in the track.
    pub p_value: f64,
}

/// A figure of a track's usable runs: which run (an index), and its value on the figure's scale.
pub(super) type Values = Vec<(usize, f64)>;

/// A figure's changes, by position in its values.
#[derive(Debug, Clone, Default)]
pub(super) struct Found(Vec<ChangePoint>);

impl Found {
    /// Looks for them.
    pub(super) fn in_values(values: &Values) -> Self {
        let scaled: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let level = LEVEL / Primary::ALL.len() as f64;
        Self(change_points(&scaled, ChangeSearch::at_level(level)))
    }

    /// The last change: the position of the first value after it.
    pub(super) fn last(&self) -> Option<usize> {
        self.0.last().map(|change| change.at)
    }

    /// The position of the first value after the change before `position`.
    pub(super) fn before(&self, position: usize) -> usize {
        self.0.iter().rev().map(|change| change.at).find(|at| *at < position).unwrap_or(0)
    }

    fn after(&self, position: usize, end: usize) -> usize {
        self.0.iter().map(|change| change.at).find(|at| *at > position).unwrap_or(end)
    }

    /// Each as a change of one figure.
    fn changes(&self, primary: Primary, values: &Values) -> Vec<Change> {
        let level = |from: usize, until: usize| {
            let scaled: Vec<f64> = values[from..until].iter().map(|(_, value)| *value).collect();
            primary.unscaled(median(&scaled).unwrap_or_default())
        };
        let one = |point: &ChangePoint| Change {
            at: values[point.at].0,
            after: values[point.earliest - 1].0,
            until: values[point.latest].0,
            shifts: vec![Shift {
                metric: primary,
                before: level(self.before(point.at), point.at),
                after: level(point.at, self.after(point.at, values.len())),
                p_value: point.p_value,
            }],
        };
        self.0.iter().map(one).collect()
    }
}

/// The changes of all figures in their order. Those that may have been one are one: it lies where
/// it is surest.
pub(super) fn together(figures: &[(Primary, Values, Found)]) -> Vec<Change> {
    let mut all: Vec<Change> = figures
        .iter()
        .flat_map(|(primary, values, found)| found.changes(*primary, values))
        .collect();
    all.sort_by_key(|change| change.at);
    let mut merged: Vec<Change> = Vec::new();
    for change in all {
        match merged.last_mut() {
            Some(last) if last.until > change.after && !last.has(change.shifts[0].metric) => {
                last.join(change);
            }
            _ => merged.push(change),
        }
    }
    merged
}

impl Change {
    fn has(&self, metric: Primary) -> bool {
        self.shifts.iter().any(|shift| shift.metric == metric)
    }

    fn join(&mut self, other: Self) {
        if other.until - other.after < self.until - self.after {
            (self.at, self.after, self.until) = (other.at, other.after, other.until);
        }
        self.shifts.extend(other.shifts);
        self.shifts.sort_by_key(|shift| shift.metric);
    }
}

impl Shift {
    /// By which factor it changed; `None` of a share, where a factor says little.
    pub fn ratio(&self) -> Option<f64> {
        (self.metric != Primary::Errors && self.before > 0.0).then(|| self.after / self.before)
    }

    /// Whether it got worse: every one of these figures is better when lower.
    pub fn is_worse(&self) -> bool {
        self.after > self.before
    }
}
