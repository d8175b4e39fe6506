//! What stands in the journal of a batch: one JSON document a record.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Version of these records.
pub const FORMAT: u32 = 1;

/// One record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first: what the batch is.
    Begin(Box<Begin>),
    /// A process took up the work.
    Leg {
        /// Wall time of its origin, milliseconds since the Unix epoch.
        started_ms: u64,
    },
    /// An attempt is about to be made.
    Intent {
        /// Which item.
        item: u64,
        /// Its turn, from 1.
        turn: u32,
        /// The attempt at that turn, from 1.
        attempt: u32,
        /// The `session_id` that is sent.
        session: String,
        /// How many sessions the item has begun, this one included.
        sessions: u32,
    },
    /// The intent was not carried out: nothing was sent.
    Withdrawn {
        /// Which item.
        item: u64,
    },
    /// An attempt has ended.
    Ended {
        /// Which item.
        item: u64,
        /// Its row of `samples.csv`; empty where nothing was sent.
        sample: String,
        /// The agent has not taken the turn.
        safe: bool,
        /// As it stands under `attempts` in the result.
        note: Box<RawValue>,
        /// The item's result, if this was its last attempt.
        last: Option<Last>,
    },
    /// An item came to its end without an attempt.
    Last {
        /// Which item.
        item: u64,
        /// Its result.
        last: Last,
    },
}

/// What an item came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Last {
    /// In one word.
    pub status: Status,
    /// The line in the results.
    pub line: Box<RawValue>,
}

/// What a row came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has its whole answer.
    Completed,
    /// Something went wrong, for good.
    Failed,
    /// We gave up waiting, for good.
    TimedOut,
    /// Cut when the batch was stopped, and must not be sent again.
    Cancelled,
    /// It was sent, what came of it is not known, and it must not be sent again.
    InDoubt,
    /// It was not sent: it cannot be asked, or its session had ended before.
    Skipped,
}

/// Every status, in the order they are told.
pub const STATUSES: [Status; 6] = [
    Status::Completed,
    Status::Failed,
    Status::TimedOut,
    Status::Cancelled,
    Status::InDoubt,
    Status::Skipped,
];

impl Status {
    /// The word in the results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::InDoubt => "in_doubt",
            Self::Skipped => "skipped",
        }
    }
}

/// What a batch is: what has to be the same when it is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// [`FORMAT`].
    pub format: u32,
    /// The run's id: fresh session ids begin with it.
    pub run_id: String,
    /// How many items there are: results, in the end.
    pub items: u64,
    /// What must not change, by name, in words.
    pub facts: Vec<(String, String)>,
    /// The prompts, as an absolute path.
    pub input: String,
    /// How they are written.
    pub input_format: String,
    /// Where the results go, as an absolute path.
    pub results: String,
    /// Names of the session kinds, for `samples.csv`.
    pub kinds: Vec<String>,
    /// The scenario's name.
    pub name: String,
}

impl Begin {
    /// What is said of one thing that must not change.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, said)| said.as_str())
    }

    /// What is not as it was: a sentence each.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, old) in &self.facts {
            match now.facts.iter().find(|(known, _)| known == name) {
                Some((_, new)) if new == old => {}
                Some((_, new)) => found.push(format!("{name}: was {old}, is {new}")),
                None => found.push(format!("{name}: was {old}, is not said now")),
            }
        }
        for (name, new) in &now.facts {
            if !self.facts.iter().any(|(known, _)| known == name) {
                found.push(format!("{name}: was not said, is {new}"));
            }
        }
        found
    }
}

impl Record {
    /// As it is written.
    pub fn payload(&self) -> Vec<u8> {
        // Names and numbers can always be written as JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// One sentence on what is wrong with it.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(payload).map_err(|error| error.to_string())
    }
}
