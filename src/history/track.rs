//! Runs whose figures may be compared, in their order, with what is to be said of them.

use std::collections::BTreeMap;

use super::budget::Budget;
use super::changes::{Change, Found, Values, together};
use super::entry::Entry;
use super::newest::{Newest, judge};
use super::primary::Primary;

/// How the newest run is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// How many false alarms are looked into.
    pub false_alarms: Budget,
    /// Less than this, a fraction, does not matter.
    pub min_change: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { false_alarms: Budget::default(), min_change: 0.05 }
    }
}

/// The runs of one fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The name of the scenario, as the newest run has it.
    pub name: String,
    /// What they have in common.
    pub fingerprint: String,
    /// All of them, the newest last.
    pub runs: Vec<Entry>,
    /// Where they changed.
    pub changes: Vec<Change>,
    /// What the newest comes to.
    pub newest: Option<Newest>,
    /// The fingerprint of the runs of the same name that ended before these began: then the
    /// scenario was changed, and what came before is not tested against what came after.
    pub follows: Option<String>,
}

/// Every track, that of the newest run last. Runs may come in any order.
pub fn tracks(entries: impl IntoIterator<Item = Entry>, policy: &Policy) -> Vec<Track> {
    let mut grouped: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        grouped.entry(entry.fingerprint.clone()).or_default().push(entry);
    }
    let mut tracks: Vec<Track> = grouped
        .into_iter()
        .map(|(fingerprint, mut runs)| {
            runs.sort_by(|a, b| (a.began(), &a.id).cmp(&(b.began(), &b.id)));
            let name = runs.last().map(|run| run.name.clone()).unwrap_or_default();
            Track { name, fingerprint, runs, changes: Vec::new(), newest: None, follows: None }
        })
        .collect();
    tracks.sort_by_cached_key(|track| track.runs.last().map(|run| (run.began(), run.id.clone())));
    for at in 0..tracks.len() {
        let began = tracks[at].runs.first().and_then(Entry::began);
        let earlier = tracks[..at].iter().rev().find(|other| {
            other.name == tracks[at].name && other.runs.last().and_then(Entry::began) < began
        });
        tracks[at].follows = earlier.map(|other| other.fingerprint.clone());
    }
    tracks.iter_mut().for_each(|track| track.look(policy));
    tracks
}

impl Track {
    /// A figure of every run: `None` where a run has none, or cannot stand beside the others.
    pub fn values(&self, primary: Primary) -> Vec<Option<f64>> {
        let value = |run: &Entry| Some(run.measured(primary).filter(|_| run.is_usable())?.value);
        self.runs.iter().map(value).collect()
    }

    /// Finds the changes and judges the newest run.
    fn look(&mut self, policy: &Policy) {
        let figures: Vec<(Primary, Values, Found)> = Primary::ALL
            .into_iter()
            .map(|primary| {
                let values: Values = self
                    .values(primary)
                    .into_iter()
                    .enumerate()
                    .filter_map(|(at, value)| Some((at, primary.scaled(value?))))
                    .collect();
                let found = Found::in_values(&values);
                (primary, values, found)
            })
            .collect();
        self.changes = together(&figures);
        self.newest = judge(self, &figures, policy);
    }
}
