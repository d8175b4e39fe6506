//! `history.jsonl`: a line for each run, beside the run directories. It outlives them, and they
//! stand in for it where it is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::manifest::{self, Manifest, RunState};
use crate::history::{Entry, FORMAT, State};
use crate::summary::Summary;

/// The file's name.
pub const HISTORY: &str = "history.jsonl";

/// What is kept of a run.
pub fn entry(manifest: &Manifest, summary: Option<&Summary>) -> Entry {
    let git = manifest.git.as_ref();
    let entry = Entry {
        format: FORMAT,
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        state: match manifest.state {
            RunState::Running => State::Running,
            RunState::Finished => State::Finished,
            RunState::Interrupted => State::Interrupted,
            RunState::Failed => State::Failed,
        },
        fingerprint: manifest.fingerprint.clone(),
        version: manifest.version.clone(),
        commit: git.map(|git| git.commit.clone()),
        branch: git.and_then(|git| git.branch.clone()),
        dirty: git.is_some_and(|git| git.dirty),
        target: manifest.target.url.clone(),
        validity: None,
        metrics: BTreeMap::new(),
    };
    match summary {
        Some(summary) => entry.with_figures(summary),
        None => entry,
    }
}

/// Adds a line to the history in `parent`. Several may do so at once: each line is written whole,
/// after the others. A line that was cut (a crash, a full disk) is left as it is and ended first.
///
/// # Errors
/// The file cannot be written.
pub fn append(parent: &Path, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).open(parent.join(HISTORY))?;
    // Where a file system knows no locks, appending is still in one piece.
    let locked = file.lock().is_ok();
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    file.write_all(&line)?;
    file.sync_data()?;
    if locked {
        let _ = file.unlock();
    }
    Ok(())
}

/// The runs of a folder.
#[derive(Debug, Default)]
pub struct Kept {
    /// Each once, in no order.
    pub entries: Vec<Entry>,
    /// A sentence for each thing that could not be read.
    pub passed_over: Vec<String>,
}

/// Reads the history at `place`, a folder of run directories or a `history.jsonl`: the lines, and
/// the run directories that have none.
///
/// # Errors
/// `place` cannot be read.
pub fn read(place: &Path) -> io::Result<Kept> {
    let mut runs = BTreeMap::new();
    let mut passed_over = Vec::new();
    if place.is_file() {
        lines(place, &mut runs, &mut passed_over)?;
    } else {
        let directories = fs::read_dir(place)?;
        let file = place.join(HISTORY);
        if file.is_file() {
            lines(&file, &mut runs, &mut passed_over)?;
        }
        let known: BTreeSet<String> = runs.keys().cloned().collect();
        for directory in directories {
            let directory = directory?;
            let name = directory.file_name();
            let has_line = name.to_str().is_some_and(|name| known.contains(name));
            // `latest` is a link to one of the others.
            if has_line || directory.file_type()?.is_symlink() {
                continue;
            }
            match run_directory(&directory.path()) {
                Ok(Some(entry)) => {
                    runs.entry(entry.id.clone()).or_insert(entry);
                }
                Ok(None) => {}
                Err(why) => passed_over.push(format!("{}: {why}", directory.path().display())),
            }
        }
    }
    passed_over.sort();
    Ok(Kept { entries: runs.into_values().collect(), passed_over })
}

/// Reads lines; of two with one id the later counts.
fn lines(
    path: &Path,
    runs: &mut BTreeMap<String, Entry>,
    passed_over: &mut Vec<String>,
) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    let mut number = 0u64;
    while reader.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        match parse::<Entry>(&line) {
            Ok(entry) => {
                runs.insert(entry.id.clone(), entry);
            }
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(why) => passed_over.push(format!("{}, line {number}: {why}", path.display())),
        }
        line.clear();
    }
    Ok(())
}

/// A document of a format that is known.
fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        format: u32,
    }
    let versioned: Versioned =
        serde_json::from_slice(text).map_err(|error| format!("it cannot be read ({error})"))?;
    if versioned.format > FORMAT.max(manifest::FORMAT) {
        return Err(format!("its format {} is of a later version", versioned.format));
    }
    serde_json::from_slice(text).map_err(|error| format!("it cannot be read ({error})"))
}

/// What is to be kept of a run directory; `None` if it is none.
fn run_directory(path: &Path) -> Result<Option<Entry>, String> {
    let read = |name: &str| match fs::read(path.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(format!("{name} cannot be read ({error})")),
    };
    let Some(manifest) = read("run.json")? else { return Ok(None) };
    let manifest: Manifest = parse(&manifest).map_err(|why| format!("run.json: {why}"))?;
    // Without one it was killed, or goes on.
    let summary: Option<Summary> = match read("summary.json")? {
        Some(summary) => Some(parse(&summary).map_err(|why| format!("summary.json: {why}"))?),
        None => None,
    };
    Ok(Some(entry(&manifest, summary.as_ref())))
}
