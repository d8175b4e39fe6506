//! What one attempt left behind: when each thing happened, and how it ended.
//!
//! A sample is never invented, edited or dropped. Everything that reports, judges or compares
//! works from samples (and, for gaps, from the histograms taken beside them).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::units::Offset;

/// The record of one attempt at one turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The session's number in the plan.
    pub session_number: u64,
    /// The session kind, an index into the plan's kinds.
    pub kind: u16,
    /// `session_id` as sent.
    pub session_id: Arc<str>,
    /// `user_id` as sent.
    pub user_id: Arc<str>,
    /// Position of the message in its session, from 1; set-up and closing messages count.
    pub turn: u32,
    /// Which part of its session the turn belongs to.
    pub part: Part,
    /// How many turns its session has that the figures are of; fewer are told of one that the end of
    /// the load cut short.
    pub session_turns: u32,
    /// From 1; a retry is a further sample.
    pub attempt: u32,
    /// Another attempt at the same turn followed, so that this one does not decide the turn.
    pub retried: bool,
    /// Where in the run the turn belongs.
    pub phase: Phase,
    /// When each thing happened.
    pub timeline: Timeline,
    /// Waiting that the load asked for: a free slot, a limiter, and before a further attempt the
    /// earlier ones and their back-off.
    pub queue: Duration,
    /// The opening of a connection, where one was opened for this attempt.
    pub connect: Option<Box<Connect>>,
    /// Which connection carried it, where that is known: from 1, in the order they were opened.
    pub connection: Option<u64>,
    /// The longest that bytes of its response lay in the kernel before we had them, where the kernel
    /// tells.
    pub client_lag: Option<Duration>,
    /// Pieces of reply that carried text.
    pub chunks: u64,
    /// Reads that brought those chunks; fewer than chunks where several came in one.
    pub reads: u64,
    /// Bytes of body.
    pub bytes: u64,
    /// Tools the agent asked to be called in its reply.
    pub tool_calls: u64,
    /// What the server says it counted.
    pub tokens: Tokens,
    /// HTTP status, where a response head came.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// More about a failure, without reply text or secrets.
    pub message: Option<Box<str>>,
}

/// How long the opening of a connection took. A part is `None` where it was not reached, not needed, or
/// is not known apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connect {
    /// All of it: DNS + TCP + TLS.
    pub total: Duration,
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// Until TCP was connected.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
}

impl Connect {
    /// One of which only the whole is known.
    pub fn of_total(total: Duration) -> Self {
        Self { total, ..Self::default() }
    }
}

/// Tokens as the server counted them; a `None` it did not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of what was asked, earlier messages included.
    pub input: Option<u64>,
    /// Of what was answered, reasoning and tool calls included.
    pub output: Option<u64>,
    /// Of the output, those of reasoning.
    pub reasoning: Option<u64>,
}

/// The time points of one attempt. A `None` did not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeline {
    /// When the turn was first due.
    pub intended: Offset,
    /// Handed to the transport.
    pub started: Option<Offset>,
    /// The response head was read.
    pub headers: Option<Offset>,
    /// The read that brought the first non-empty text.
    pub first_chunk: Option<Offset>,
    /// The read that brought the last non-empty text.
    pub last_chunk: Option<Offset>,
    /// The read that brought the first reasoning: thinking out loud, not text of the answer.
    pub first_reasoning: Option<Offset>,
    /// The reply ended, or the attempt was given up.
    pub ended: Offset,
}

/// Where in a run a turn belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Due before the warm-up was over: kept, marked, left out of the figures.
    Warmup,
    /// What the figures are of.
    Steady,
    /// Still on its way when no more turns were started.
    Drain,
}

/// Which part of its session a turn belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// What the figures are of.
    #[default]
    Main,
    /// Before it: kept, marked, counted apart, left out of the figures.
    Setup,
    /// After it: the same.
    Closing,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The whole reply came.
    Completed,
    /// Something went wrong.
    Failed(Failure),
    /// We gave up waiting.
    TimedOut(Limit),
    /// Cut by us while on its way: the run was stopped.
    Cancelled,
    /// Never sent.
    Dropped(Reason),
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// A status other than 2xx.
    Status,
    /// The connection was closed or reset before the response head.
    Closed,
    /// The agent reported an error inside a 200.
    Agent,
    /// A 200 whose reply carried no text.
    Empty,
    /// The reply was cut.
    Truncated,
    /// What came was not what the protocol allows.
    Protocol,
    /// The reply broke an expectation of the scenario.
    Expectation,
    /// Our own side could not do it (descriptors, memory, a template).
    Local,
}

/// Which time-out expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Opening a connection.
    Connect,
    /// Waiting for the first chunk.
    FirstChunk,
    /// Waiting for the next chunk.
    Idle,
    /// The whole reply.
    Total,
}

/// Why a turn was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No free slot, and the scenario said to drop.
    Overload,
    /// An earlier turn of its session failed.
    SessionEnded,
    /// The run was stopped before its turn came.
    Stopped,
}

impl Outcome {
    /// The word in the `outcome` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::TimedOut(_) => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Dropped(_) => "dropped",
        }
    }

    /// The word in the `error` column; empty for a completed turn.
    pub fn error(self) -> &'static str {
        match self {
            Self::Completed => "",
            Self::Failed(failure) => failure.word(),
            Self::TimedOut(Limit::Connect) => "timeout_connect",
            Self::TimedOut(Limit::FirstChunk) => "timeout_first_chunk",
            Self::TimedOut(Limit::Idle) => "timeout_idle",
            Self::TimedOut(Limit::Total) => "timeout_total",
            Self::Cancelled | Self::Dropped(Reason::Stopped) => "stopped",
            Self::Dropped(Reason::Overload) => "overload",
            Self::Dropped(Reason::SessionEnded) => "session_ended",
        }
    }

    /// Reads the two words back; `None` where they do not belong together.
    pub fn from_words(outcome: &str, error: &str) -> Option<Self> {
        ALL_OUTCOMES.iter().copied().find(|one| one.word() == outcome && one.error() == error)
    }

    /// Whether the turn has its whole answer.
    pub fn is_completed(self) -> bool {
        self == Self::Completed
    }
}

impl Failure {
    /// The word in the `error` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Status => "status",
            Self::Closed => "closed",
            Self::Agent => "agent",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Protocol => "protocol",
            Self::Expectation => "expectation",
            Self::Local => "local",
        }
    }
}

/// Every way an attempt can end.
pub const ALL_OUTCOMES: [Outcome; 20] = [
    Outcome::Completed,
    Outcome::Failed(Failure::Dns),
    Outcome::Failed(Failure::Connect),
    Outcome::Failed(Failure::Tls),
    Outcome::Failed(Failure::Status),
    Outcome::Failed(Failure::Closed),
    Outcome::Failed(Failure::Agent),
    Outcome::Failed(Failure::Empty),
    Outcome::Failed(Failure::Truncated),
    Outcome::Failed(Failure::Protocol),
    Outcome::Failed(Failure::Expectation),
    Outcome::Failed(Failure::Local),
    Outcome::TimedOut(Limit::Connect),
    Outcome::TimedOut(Limit::FirstChunk),
    Outcome::TimedOut(Limit::Idle),
    Outcome::TimedOut(Limit::Total),
    Outcome::Cancelled,
    Outcome::Dropped(Reason::Overload),
    Outcome::Dropped(Reason::SessionEnded),
    Outcome::Dropped(Reason::Stopped),
];

impl Phase {
    /// The word in the `phase` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warmup => "warmup",
            Self::Steady => "steady",
            Self::Drain => "drain",
        }
    }
}

impl Part {
    /// The word in the `part` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Setup => "setup",
            Self::Closing => "closing",
        }
    }
}

impl FromStr for Part {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Main, Self::Setup, Self::Closing]
            .into_iter()
            .find(|one| one.word() == word)
            .ok_or(())
    }
}

impl FromStr for Phase {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Warmup, Self::Steady, Self::Drain]
            .into_iter()
            .find(|one| one.word() == word)
            .ok_or(())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Timeline {
    /// First chunk since the turn was due.
    pub fn ttfc(&self) -> Option<Duration> {
        self.first_chunk.map(|at| at.since(self.intended))
    }

    /// First chunk since the request was really sent.
    pub fn ttfc_service(&self) -> Option<Duration> {
        Some(self.first_chunk?.since(self.started?))
    }

    /// End of the reply since the turn was due.
    pub fn total(&self) -> Option<Duration> {
        self.started.map(|_| self.ended.since(self.intended))
    }

    /// End of the reply since the request was really sent.
    pub fn total_service(&self) -> Option<Duration> {
        self.started.map(|at| self.ended.since(at))
    }

    /// Response head since the request was really sent.
    pub fn headers_service(&self) -> Option<Duration> {
        Some(self.headers?.since(self.started?))
    }

    /// How late we were ourselves: started − due − `queue`.
    pub fn lateness(&self, queue: Duration) -> Option<Duration> {
        self.started.map(|at| at.since(self.intended).saturating_sub(queue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_read_back_from_its_two_words() {
        for one in ALL_OUTCOMES {
            assert_eq!(Outcome::from_words(one.word(), one.error()), Some(one));
        }
        assert_eq!(Outcome::from_words("completed", "status"), None);
    }
}
