//! Where a batch lies: found by its results file, or by its prompts, whichever folder the command is
//! given in.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Refused;

/// The journal in a run directory.
pub(super) const JOURNAL: &str = "journal";

/// The folder below `--out` that knows which run directory belongs to which results.
const KNOWN: &str = ".batches";

fn note(out: &Path, key: &Path) -> PathBuf {
    let digest = Sha256::digest(key.as_os_str().as_encoded_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    out.join(KNOWN).join(name)
}

/// The run directory of the batch known by `key`, where there is one with a journal.
pub(super) fn find(out: &Path, key: &Path) -> Option<PathBuf> {
    let name = fs::read_to_string(note(out, key)).ok()?;
    let directory = out.join(name.lines().next()?);
    directory.join(JOURNAL).is_file().then_some(directory)
}

/// Remembers that `key` belongs to the run directory `name`.
pub(super) fn remember(out: &Path, key: &Path, name: &str) -> Result<(), Refused> {
    let note = note(out, key);
    let partial = note.with_extension("partial");
    let text = format!("{name}\n{}\n", key.display());
    fs::create_dir_all(out.join(KNOWN))
        .and_then(|()| fs::write(&partial, text))
        .and_then(|()| fs::rename(&partial, &note))
        .map_err(|error| Refused::broken(&format!("cannot write {}: {error}", note.display())))
}
