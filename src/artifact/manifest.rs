//! `run.json`: what was run, on what, with what.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the run directory's format. It changes when a file is no longer what it was;
/// columns and keys are only ever appended.
pub const FORMAT: u32 = 1;

/// Wall time as files say it: RFC 3339, UTC, milliseconds. Takes the time since the Unix epoch.
pub fn rfc3339(since_epoch: Duration) -> String {
    timestamp(since_epoch).to_string()
}

/// Wall time as it can stand in a path: `2026-11-22T21-30-00Z`.
pub fn path_stamp(since_epoch: Duration) -> String {
    timestamp(since_epoch).strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}

fn timestamp(since_epoch: Duration) -> Timestamp {
    let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

/// The document. Written when the run begins, and again when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of streamgauge.
    pub version: String,
    /// The run's id: fresh session ids begin with it.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// `running`, then `finished`, `interrupted` or `failed`. One that stays `running` was killed.
    pub state: RunState,
    /// The scenario with its defaults filled in, `${VAR}` unexpanded, key-like headers masked.
    pub scenario: serde_json::Value,
    /// What the random choices came from.
    pub seed: u64,
    /// The command line, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Equal for runs whose figures may be compared.
    pub fingerprint: String,
    /// What was asked.
    pub target: TargetFacts,
    /// The transport that asked.
    pub transport: String,
    /// Threads that carried it out.
    pub workers: usize,
    /// The commit of the working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitFacts>,
    /// What it ran on.
    pub machine: MachineFacts,
    /// Wall time of the run's origin, RFC 3339.
    pub started_at: String,
    /// Wall time of the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Turns by outcome, as in `summary.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<serde_json::Value>,
    /// What the run saw of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<serde_json::Value>,
    /// As in `summary.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<serde_json::Value>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Not ended, or killed.
    Running,
    /// Ended by itself.
    Finished,
    /// Stopped by a signal.
    Interrupted,
    /// Could not go on.
    Failed,
}

/// What was asked, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// The URL requests went to.
    pub url: String,
    /// It was the embedded agent, started for this run.
    pub embedded: bool,
    /// The protocol's name.
    pub protocol: String,
    /// Who answered.
    pub agent_id: String,
    /// A key was sent.
    pub with_key: bool,
}

/// The commit of the working directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitFacts {
    /// Its hash.
    pub commit: String,
    /// The branch, where one is checked out.
    pub branch: Option<String>,
    /// Files differ from it.
    pub dirty: bool,
}

/// What a run ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// Operating system and its release.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Processor model, where the system tells.
    pub cpu: Option<String>,
    /// Processors this process may use.
    pub cpus: usize,
    /// Memory in MiB, where the system tells.
    pub memory_mib: Option<u64>,
}
