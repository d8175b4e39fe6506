//! `comparison.json`: a run beside what it was measured by, kept in its directory.

use serde::{Deserialize, Serialize};

use crate::compare::Comparison;

/// The file's name.
pub const COMPARISON: &str = "comparison.json";

/// The comparison that a run ended with (`run --baseline`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptComparison {
    /// What was compared, and the verdict.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// How the baseline was named; `None` of a file that was written before this was kept.
    #[serde(default)]
    pub baseline: Option<String>,
    /// What cannot be told was not to pass (`--strict`).
    #[serde(default)]
    pub strict: bool,
}
