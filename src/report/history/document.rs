//! Runs over time as JSON, for programs. Keys are only ever added.

use serde::Serialize;

use crate::history::{Change, Entry, Newest, Policy, Track};

/// Version of the document.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    /// As written: `1/quarter`.
    false_alarms: String,
    /// A fraction.
    min_change: f64,
    /// Each with its runs; that of the newest run is the last.
    tracks: Vec<TrackDocument<'a>>,
}

#[derive(Serialize)]
struct TrackDocument<'a> {
    name: &'a str,
    fingerprint: &'a str,
    /// The fingerprint of the runs of this name before the scenario was changed.
    follows: Option<&'a str>,
    runs: &'a [Entry],
    /// `at`, `after` and `until` are indices into `runs`.
    changes: &'a [Change],
    newest: Option<&'a Newest>,
}

/// The document.
pub fn history_json(tracks: &[Track], policy: &Policy) -> String {
    let document = Document {
        format: FORMAT,
        false_alarms: policy.false_alarms.to_string(),
        min_change: policy.min_change,
        tracks: tracks
            .iter()
            .map(|track| TrackDocument {
                name: &track.name,
                fingerprint: &track.fingerprint,
                follows: track.follows.as_deref(),
                runs: &track.runs,
                changes: &track.changes,
                newest: track.newest.as_ref(),
            })
            .collect(),
    };
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
