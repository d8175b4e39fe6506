//! What is kept of a run: a line of `history.jsonl`. Keys are only ever added.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::primary::Primary;
use crate::summary::{Summary, ValidityVerdict};

/// Version of a line. It changes when a key no longer means what it did.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORMAT`].
    pub format: u32,
    /// The run's id: the name of its directory.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// RFC 3339.
    pub started_at: String,
    /// How it ended.
    pub state: State,
    /// Equal for runs whose figures may be compared.
    pub fingerprint: String,
    /// The tool's version.
    pub version: String,
    /// The commit of the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Files differed from it.
    #[serde(default)]
    pub dirty: bool,
    /// Who was asked.
    #[serde(default)]
    pub target: String,
    /// Whether the tool kept up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<ValidityVerdict>,
    /// The figures that decide, by [`Primary::name`]; none of a run that was killed.
    pub metrics: BTreeMap<String, Measured>,
}

/// A figure, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Milliseconds, or a fraction.
    pub value: f64,
    /// In the same unit, of this run by itself; null where there were too few turns to tell.
    pub standard_error: Option<f64>,
    /// Of so many turns.
    pub count: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// By itself.
    Finished,
    /// Stopped by a signal, or by a rule of `stop_when`.
    Interrupted,
    /// It could not go on.
    Failed,
    /// It goes on, or was killed.
    Running,
}

impl Entry {
    /// Takes the figures of a summary.
    #[must_use]
    pub fn with_figures(mut self, summary: &Summary) -> Self {
        self.validity = Some(summary.validity.verdict);
        self.metrics = Primary::ALL
            .into_iter()
            .filter_map(|primary| Some((primary.name().to_owned(), primary.of(summary)?)))
            .collect();
        if summary.run.stopped.is_some() && self.state == State::Finished {
            self.state = State::Interrupted;
        }
        self
    }

    /// One figure.
    pub fn measured(&self, primary: Primary) -> Option<&Measured> {
        self.metrics.get(primary.name())
    }

    /// Whether its figures can stand beside others: it came to its end, and the tool kept up.
    pub fn is_usable(&self) -> bool {
        self.state == State::Finished
            && self.validity.is_some_and(|validity| validity != ValidityVerdict::Invalid)
    }

    /// When it began; `None` where that cannot be read.
    pub fn began(&self) -> Option<Timestamp> {
        self.started_at.parse().ok()
    }

    /// The commit as people write it.
    pub fn short_commit(&self) -> Option<String> {
        let commit: String = self.commit.as_ref()?.chars().take(7).collect();
        Some(if self.dirty { commit + "+" } else { commit })
    }
}
