//! The quantities that are measured, by the names users and files know them by.

use std::fmt;
use std::str::FromStr;

/// A distribution of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Metric {
    /// Time to first chunk, from when the turn was due.
    Ttfc,
    /// Time to first chunk, from when the request was sent.
    TtfcService,
    /// Until the reply ended, from when the turn was due.
    Total,
    /// Until the reply ended, from when the request was sent.
    TotalService,
    /// Between successive chunks of one reply.
    Gap,
    /// Our own lateness: sent − due − queue.
    Lateness,
    /// Waiting for a free slot or a limiter.
    Queue,
    /// Sent until the response head.
    Headers,
    /// DNS + TCP + TLS of a new connection.
    Connect,
    /// First message due until the last reply ended.
    SessionTotal,
    /// Time to the first reasoning, from when the turn was due.
    FirstReasoning,
    /// Time per output token: from the first output to the last chunk, over the tokens between.
    Tpot,
    /// How long bytes of a response lay in the kernel before we had them, for each read.
    ClientLag,
}

impl Metric {
    /// How many there are.
    pub const COUNT: usize = 13;

    /// All, in the order they are shown in.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ttfc,
        Self::TtfcService,
        Self::Total,
        Self::TotalService,
        Self::Gap,
        Self::Lateness,
        Self::Queue,
        Self::Headers,
        Self::Connect,
        Self::SessionTotal,
        Self::FirstReasoning,
        Self::Tpot,
        Self::ClientLag,
    ];

    /// The name in files, thresholds and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ttfc => "ttfc",
            Self::TtfcService => "ttfc_service",
            Self::Total => "total",
            Self::TotalService => "total_service",
            Self::Gap => "gap",
            Self::Lateness => "lateness",
            Self::Queue => "queue",
            Self::Headers => "headers",
            Self::Connect => "connect",
            Self::SessionTotal => "session_total",
            Self::FirstReasoning => "first_reasoning",
            Self::Tpot => "tpot",
            Self::ClientLag => "client_lag",
        }
    }
}

impl FromStr for Metric {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or(())
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
