//! How a batch stands, for those who watch it.

use super::record::Status;
use crate::units::Offset;

/// How a batch stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// Rows there are.
    pub items: u64,
    /// With a result, by status in the order of `STATUSES`.
    pub counts: [u64; 6],
    /// Of those, before this leg.
    pub before: u64,
    /// On their way.
    pub under_way: u32,
    /// Waiting to be tried again.
    pub waiting: usize,
    /// How many may be on their way.
    pub limit: u32,
    /// Requests may leave again then.
    pub closed_until: Option<Offset>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl Standing {
    /// Rows with a result.
    pub fn finished(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Rows whose result is not an answer.
    pub fn unanswered(&self) -> u64 {
        self.finished() - self.counts[Status::Completed as usize]
    }
}
