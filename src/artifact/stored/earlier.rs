//! Earlier runs of the same fingerprint, for how much runs differ by themselves.

use std::path::Path;

use super::{Ending, StoredRun};
use crate::compare::{Earlier, Run, Settings};
use crate::summary::ValidityVerdict;

/// The runs below `directory` that did the same as `base` and `new`, are whole and valid, and
/// began before the newest of them; in order of time, neither side's own among them. Directories
/// that are no runs, or cannot be read, are passed over.
///
/// # Errors
/// The directory cannot be read.
pub fn earlier(
    directory: &Path,
    base: &[Run],
    new: &[Run],
    settings: &Settings,
) -> std::io::Result<Vec<Earlier>> {
    let Some(fingerprint) = base.first().map(|run| run.fingerprint.as_str()) else {
        return Ok(Vec::new());
    };
    let sides = || base.iter().chain(new);
    let newest = sides().map(|run| run.started_at.as_str()).max().unwrap_or("");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        // `latest` is a link to a run that is there as well.
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let Ok(run) = StoredRun::open(&entry.path()) else { continue };
        let manifest = &run.manifest;
        if manifest.fingerprint == fingerprint
            && manifest.started_at.as_str() < newest
            && run.ending() == Ending::Finished
            && run.summary.run.stopped.is_none()
            && run.summary.validity.verdict != ValidityVerdict::Invalid
            && sides().all(|side| side.id != manifest.id)
        {
            found.push((manifest.started_at.clone(), settings.earlier(&run.summary)));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found.into_iter().map(|(_, one)| one).collect())
}
