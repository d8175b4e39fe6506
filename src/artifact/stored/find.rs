//! From what a user names to the directory of a run.

use std::path::{Path, PathBuf};

use crate::sweep::SweepSummary;

/// The directory that `named` means: itself, where it is there; else a run of that id (or `latest`)
/// below `out`. What is not there at all is given back as named, for the reader to say so.
pub fn find(named: &Path, out: &Path) -> PathBuf {
    let below = out.join(named);
    if !named.exists() && named.components().count() == 1 && below.exists() {
        below
    } else {
        named.to_owned()
    }
}

/// The levels of a sweep and the names of their runs; `None` where the directory is no sweep.
pub(super) fn levels(directory: &Path) -> Option<Vec<(String, String)>> {
    let text = std::fs::read(directory.join("sweep.json")).ok()?;
    let sweep: SweepSummary = serde_json::from_slice(&text).ok()?;
    Some(sweep.levels.into_iter().map(|one| (one.level, one.run)).collect())
}
