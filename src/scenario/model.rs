//! A scenario as it stands after checking: every value in range, every file read.
//!
//! These are the words of the scenario file with their defaults filled in. What will be done with
//! them is decided in `plan`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::loads::{Load, Warmup};
pub use super::target::{
    ClientIdentity, Connections, Framing, History, Keep, PemFile, Protocol, Target, TargetUrl,
    Timeouts, Via, WrittenTarget,
};
use super::template;
use crate::expect::Expectations;
use crate::threshold::Threshold;
use crate::units::{Delay, Rate, Share};

/// A checked scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What the run is called.
    pub name: String,
    /// Who is asked.
    pub target: Target,
    /// Who asks.
    pub users: Users,
    /// What is asked, kind by kind; never empty.
    pub sessions: Vec<Session>,
    /// Rows that templates take values from, by feeder name.
    pub data: BTreeMap<String, Feeder>,
    /// What templates see as `env.NAME`: the variables the scenario names, with their values.
    pub env: BTreeMap<String, String>,
    /// How much is asked at once.
    pub load: Load,
    /// Which turns are kept, marked, and left out of the figures.
    pub warmup: Warmup,
    /// How long turns on their way may go on after the end of the load.
    pub drain: Duration,
    /// What a failed turn does to the rest of its session.
    pub on_error: OnError,
    /// What every answer of a main message has to be.
    pub expect: Expectations,
    /// What must not be exceeded.
    pub limits: Limits,
    /// What a good turn is.
    pub slo: Slo,
    /// What the run must hold to pass.
    pub thresholds: Vec<Threshold>,
    /// What ends the run before its time.
    pub stop_when: Vec<StopRule>,
}

/// What ends a run before its time: a condition on the turns that ended in the last seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct StopRule {
    /// The run is stopped when this holds.
    pub condition: Threshold,
    /// How far back it looks, in whole seconds.
    pub over: Duration,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Users {
    /// How many identities, where given.
    pub count: Option<u32>,
    /// A row an identity, from `users.from`.
    pub rows: Vec<Row>,
    /// The file the rows are from, as written.
    pub from: Option<PathBuf>,
    /// Template of the `user_id`.
    pub id: String,
    /// Each identity's `user_id`; never empty. Loop or session *i* is identity *i* mod their
    /// number.
    pub ids: Vec<Arc<str>>,
    /// How many sessions each identity opens in all, where that is bounded.
    pub sessions_per_user: Option<u32>,
}

/// One kind of session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its name, unique in the scenario.
    pub name: String,
    /// How often it is drawn against the others in a closed or open load; at least 1.
    pub weight: u32,
    /// A fixed `session_id` instead of a fresh one each time.
    pub session_id: Option<String>,
    /// A fixed `user_id` instead of the identity's.
    pub user_id: Option<String>,
    /// Overrides the scenario's.
    pub on_error: Option<OnError>,
    /// What every answer of its main messages has to be.
    pub expect: Expectations,
    /// Said first; left out of the figures.
    pub setup: Vec<Message>,
    /// What is said.
    pub content: Content,
    /// Said last; left out of the figures.
    pub closing: Vec<Message>,
}

impl Session {
    /// Whether one of its messages names a row of the feeder `name`.
    pub fn takes_from(&self, name: &str) -> bool {
        let inline = match &self.content {
            Content::Inline(messages) => messages.as_slice(),
            Content::Rows { .. } => &[],
        };
        self.setup.iter().chain(inline).chain(&self.closing).any(|message| {
            template::is_template(&message.text) && template::uses_feeder(&message.text, name)
        })
    }
}

/// Where a session's messages come from.
#[derive(Debug, Clone)]
pub enum Content {
    /// Messages written in the scenario: templates. Never empty.
    Inline(Vec<Message>),
    /// Rows of a prompt file, each a session; texts are sent literally. Never empty.
    Rows {
        /// The file.
        from: PathBuf,
        /// Which of its fields hold what, where the scenario says.
        fields: RowFields,
        /// Its rows.
        rows: Vec<PromptRow>,
        /// Before every message of a row but its first.
        think: Delay,
    },
}

/// Which fields of a prompt file hold what. Without either, `message`, else `turns`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFields {
    /// The field that holds a single message.
    pub message: Option<String>,
    /// The field that holds a list of messages.
    pub turns: Option<String>,
    /// The field that names the row.
    pub id: Option<String>,
}

/// One message written in the scenario.
#[derive(Debug, Clone)]
pub struct Message {
    /// A minijinja template; without `{{`, `{%` and `{#` it is sent as it stands.
    pub text: String,
    /// Before this message is due.
    pub think: Delay,
    /// What its answer has to be.
    pub expect: Expectations,
}

/// One row of a prompt file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRow {
    /// Its own id, where the file has one.
    pub id: Option<String>,
    /// Its messages, byte for byte; never empty.
    pub turns: Vec<Arc<str>>,
    /// The answers that the file has for them, where they are sent along instead of the agent's own:
    /// at least one for each message but the last. Else empty.
    pub answers: Vec<Arc<str>>,
}

/// One row of a data or users file, as JSON values.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// Rows that templates take values from, one row a session.
#[derive(Debug, Clone)]
pub struct Feeder {
    /// The file.
    pub from: PathBuf,
    /// How a row is picked.
    pub pick: Pick,
    /// What happens when `unique` rows run out.
    pub on_end: OnEnd,
    /// The rows; never empty.
    pub rows: Arc<Vec<Row>>,
}

/// How a feeder picks rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pick {
    /// In file order, from the start again after the last.
    #[default]
    Sequential,
    /// Every row once in random order, then all again in another order.
    Shuffled,
    /// Any row, each time anew.
    Random,
    /// Every row at most once.
    Unique,
}

/// What happens when the rows of a `unique` feeder run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnEnd {
    /// The load ends.
    #[default]
    Stop,
    /// The next session that wants a row fails, and the load ends.
    Fail,
}

/// What a failed turn does to the rest of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The rest is not asked and counts as dropped.
    #[default]
    EndSession,
    /// The next message is sent all the same.
    Continue,
}

/// What must not be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Requests in a span of time, over the whole run.
    pub requests: Option<Rate>,
    /// Further attempts at a turn whose failure is safe to repeat.
    pub retries: u32,
    /// Turns that may stay without an answer.
    pub failures: Failures,
}

/// How many turns may stay without an answer before the run exits with 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Failures {
    /// So many.
    Count(u64),
    /// Such a share of the planned turns.
    Share(Share),
}

impl Failures {
    /// Whether so many turns without an answer, of `planned`, are too many.
    pub fn are_exceeded(self, unanswered: u64, planned: u64) -> bool {
        match self {
            Self::Count(allowed) => unanswered > allowed,
            Self::Share(share) => unanswered as f64 > share.fraction() * planned as f64,
        }
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self::Count(0)
    }
}

/// What a good turn is: at most these, on the response basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slo {
    /// Time to first chunk.
    pub ttfc: Option<Duration>,
    /// Until the reply ended.
    pub total: Option<Duration>,
}
