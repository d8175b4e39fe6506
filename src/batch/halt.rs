//! Why a batch stops before its end.

use std::time::Duration;

use crate::units::Span;

/// Why no more rows are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The target says that credits have run out.
    Credits(String),
    /// The target refuses us.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// It could not be reached for so long.
    Outage(Duration),
    /// It asks to wait longer than is allowed.
    TooLong(Duration),
    /// The time given was over.
    Deadline,
    /// More rows have failed than allowed.
    Failures,
    /// It cannot go on: one sentence.
    Broken(String),
}

impl Halt {
    /// Whether the same command can go on later without anything mended first.
    pub fn can_be_resumed(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Broken(_))
    }

    /// In one word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Credits(_) => "credits",
            Self::Refused { .. } => "refused",
            Self::Outage(_) => "outage",
            Self::TooLong(_) => "max_retry_after",
            Self::Deadline => "deadline",
            Self::Failures => "max_failures",
            Self::Broken(_) => "broken",
        }
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        let whole = |time: &Duration| Span(Duration::from_secs(time.as_secs()));
        match self {
            Self::Credits(said) => format!("the target's credits have run out (it says: {said})"),
            Self::Refused { status, said } => format!(
                "the target refuses the requests: {status} {said}; check the key and the agent id"
            ),
            Self::Outage(time) => {
                format!("the target could not be reached for {}", whole(time))
            }
            Self::TooLong(time) => {
                format!("the target asks to wait {}, longer than --max-retry-after", whole(time))
            }
            Self::Deadline => "the time of --deadline is over".into(),
            Self::Failures => "more rows have failed than --max-failures allows".into(),
            Self::Broken(why) => why.clone(),
        }
    }
}
