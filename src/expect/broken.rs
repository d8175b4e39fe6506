//! An expectation that an answer did not meet.

/// Which expectation was broken, and how: one sentence, without text of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub(super) String);
