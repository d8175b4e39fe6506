//! From what was named on the command line to runs.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Refused;
use crate::artifact::earlier;
use crate::cli::baseline::Places;
use crate::compare::{Earlier, Run, Settings};

/// The runs that were named.
pub(in crate::cli) fn runs(
    named: &[PathBuf],
    places: Places<'_>,
    settings: &Settings,
) -> Result<Vec<Run>, Refused> {
    let each = named
        .iter()
        .map(|name| places.open(name)?.evidence(settings).map_err(|error| Refused::usage(&error)));
    each.collect()
}

/// A run is not compared with itself, and counts once.
pub(super) fn apart(base: &[Run], new: &[Run]) -> Result<(), Refused> {
    let mut seen = Vec::new();
    for run in base.iter().chain(new) {
        if seen.contains(&run.id.as_str()) {
            return Err(twice(&run.id));
        }
        seen.push(run.id.as_str());
    }
    Ok(())
}

/// The refusal of what is on both sides.
pub(super) fn twice(id: &str) -> Refused {
    Refused::usage(&format!("{id} is given twice: a run says nothing about itself"))
}

/// Earlier runs of the same fingerprint, and a word on `err` where they are too few.
pub(in crate::cli) fn history(
    directory: Option<&Path>,
    base: &[Run],
    new: &[Run],
    settings: &Settings,
    err: &mut dyn Write,
) -> Result<Vec<Earlier>, Refused> {
    let Some(directory) = directory else { return Ok(Vec::new()) };
    let found =
        earlier(directory, base, new, settings).map_err(|error| no_history(directory, &error))?;
    too_few(directory, found.len(), settings, err);
    Ok(found)
}

/// The refusal of a history that cannot be read.
pub(super) fn no_history(place: &Path, error: &std::io::Error) -> Refused {
    Refused::usage(&format!("cannot read the history {}: {error}", place.display()))
}

/// A word where `found` earlier runs are too few to tell how much runs differ.
pub(super) fn too_few(place: &Path, found: usize, settings: &Settings, err: &mut dyn Write) {
    if found < ENOUGH && settings.run_noise.is_none() {
        let _ = writeln!(
            err,
            "note: {} has {found} earlier runs of this fingerprint with these figures; from \
             {ENOUGH} on they tell how much runs differ by themselves",
            place.display()
        );
    }
}

const ENOUGH: usize = crate::compare::ENOUGH_HISTORY;
