//! Reading a run from its directory alone: one that is finished, was interrupted, or was killed.

mod earlier;
mod error;
mod evidence;
mod facts;
mod find;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use earlier::earlier;
pub use error::ReadError;
pub use find::find;

use super::comparison::{COMPARISON, KeptComparison};
use super::hlog::HlogReader;
use super::manifest::{FORMAT, Manifest, RunState};
use super::samples::{Row, SampleReader, SamplesError};
use crate::measure::{Replay, Totals};
use crate::sample::{Part, Phase, Sample};
use crate::scenario::Failures;
use crate::summary::{Summary, summarize};
use crate::units::Offset;

/// Rows of a run's `samples.csv`.
pub type Samples = SampleReader<BufReader<File>>;

/// A run that lies in a directory.
#[derive(Debug, Clone)]
pub struct StoredRun {
    path: PathBuf,
    /// What was run, on what, with what.
    pub manifest: Manifest,
    /// Its figures: those of `summary.json`, or made anew from `samples.csv` where the run was
    /// killed before they were written.
    pub summary: Summary,
    /// They were made anew.
    pub recomputed: bool,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Finished,
    /// It was stopped by a signal, or (a batch) before its last row.
    Interrupted,
    /// It could not go on.
    Failed,
    /// It was killed, or is still running.
    Killed,
}

impl StoredRun {
    /// Reads the run in the directory `path`.
    ///
    /// # Errors
    /// It is no run directory, one of another format version, damaged, or without any figures.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let manifest = manifest(path)?;
        let known: Option<Summary> = document(path, "summary.json")?;
        // The summary of a batch that was going on when it was killed is of the legs before.
        let known = known
            .filter(|_| manifest.state != RunState::Running || !path.join("samples.csv").exists());
        let recomputed = known.is_none();
        let summary = match known {
            Some(summary) => summary,
            None => recompute(path, &manifest)?,
        };
        Ok(Self { path: path.to_owned(), manifest, summary, recomputed })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it came to its end.
    pub fn ending(&self) -> Ending {
        match self.manifest.state {
            RunState::Running => Ending::Killed,
            RunState::Finished => Ending::Finished,
            RunState::Interrupted => Ending::Interrupted,
            RunState::Failed => Ending::Failed,
        }
    }

    /// Names of the session kinds in the scenario's order, as samples number them.
    pub fn kinds(&self) -> Vec<String> {
        facts::kinds(&self.manifest)
    }

    /// How many turns may stay without an answer.
    pub fn failures_allowed(&self) -> Failures {
        facts::failures(&self.manifest.scenario["limits"]["failures"])
    }

    /// The rows of `samples.csv`; `None` where the file is not there.
    ///
    /// # Errors
    /// It cannot be opened, or is not such a file.
    pub fn samples(&self) -> Result<Option<Samples>, ReadError> {
        samples(&self.path, &self.manifest)
    }

    /// The sample of a row that [`samples`](Self::samples) gave.
    ///
    /// # Errors
    /// It is not such a row.
    pub fn row(&self, row: Result<Row, SamplesError>) -> Result<Sample, ReadError> {
        row.map(|row| row.sample).map_err(|error| in_samples(&self.path, &error))
    }

    /// The lines of `histograms.hlog`; `None` where the file is not there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn histograms(&self) -> Result<Option<HlogReader<BufReader<File>>>, ReadError> {
        Ok(open(&self.path, "histograms.hlog")?.map(HlogReader::new))
    }

    /// The comparison with the baseline that the run was held to; `None` where it was held to none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn comparison(&self) -> Result<Option<KeptComparison>, ReadError> {
        document(&self.path, COMPARISON)
    }

    /// Everything that was counted, from `samples.csv` (gaps are not in it); `None` where that is
    /// not there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn totals(&self) -> Result<Option<Totals>, ReadError> {
        let Some(rows) = self.samples()? else { return Ok(None) };
        Ok(Some(replayed(&self.path, &self.manifest, rows)?.0))
    }
}

fn open(directory: &Path, name: &'static str) -> Result<Option<BufReader<File>>, ReadError> {
    match File::open(directory.join(name)) {
        Ok(file) => Ok(Some(BufReader::with_capacity(1 << 16, file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(unreadable(directory, name, source)),
    }
}

fn unreadable(directory: &Path, name: &str, source: io::Error) -> ReadError {
    ReadError::Io { path: directory.join(name), source }
}

/// A JSON document of the directory; `None` where the file is not there.
fn document<T: DeserializeOwned>(
    directory: &Path,
    name: &'static str,
) -> Result<Option<T>, ReadError> {
    let Some(file) = open(directory, name)? else { return Ok(None) };
    let damaged = |why: serde_json::Error| ReadError::damaged(directory, name, &why);
    let value: serde_json::Value = serde_json::from_reader(file).map_err(damaged)?;
    // The version first: what has another one may look otherwise.
    match value.get("format").map(|format| (format.as_u64(), format)) {
        Some((Some(format), _)) if format == u64::from(FORMAT) => {}
        Some((_, format)) => {
            return Err(ReadError::Format {
                path: directory.join(name),
                found: format.to_string(),
            });
        }
        None => return Err(ReadError::NotARun { path: directory.to_owned() }),
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

fn manifest(path: &Path) -> Result<Manifest, ReadError> {
    let found = std::fs::metadata(path);
    if found.is_ok_and(|found| !found.is_dir()) {
        return Err(ReadError::NotARun { path: path.to_owned() });
    }
    if !path.exists() {
        return Err(ReadError::NotThere { path: path.to_owned() });
    }
    if let Some(levels) = find::levels(path) {
        return Err(ReadError::Sweep { path: path.to_owned(), levels });
    }
    document(path, "run.json")?.ok_or_else(|| ReadError::NotARun { path: path.to_owned() })
}

fn samples(path: &Path, manifest: &Manifest) -> Result<Option<Samples>, ReadError> {
    let Some(mut file) = open(path, "samples.csv")? else { return Ok(None) };
    let begun = file.fill_buf().map_err(|source| unreadable(path, "samples.csv", source))?;
    // Killed before the first rows were written.
    if begun.is_empty() {
        return Ok(None);
    }
    let rows = match facts::is_listed(manifest) {
        true => SampleReader::together(file, facts::kinds_of_scenarios(manifest)),
        false => SampleReader::new(file, facts::kinds(manifest)),
    };
    rows.map(Some).map_err(|error| in_samples(path, &error))
}

fn in_samples(path: &Path, error: &SamplesError) -> ReadError {
    ReadError::damaged(path, "samples.csv", error)
}

/// What is known of time from samples alone.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// When the first turn after the warm-up was due, where there was one.
    warm: Option<Offset>,
    last_ended: Offset,
}

fn replayed(path: &Path, manifest: &Manifest, rows: Samples) -> Result<(Totals, Span), ReadError> {
    let mut replay = Replay::new(Arc::new(facts::layout(path, manifest)?));
    let mut span = Span { warm: None, last_ended: Offset::ZERO };
    let mut cold = false;
    for row in rows {
        let sample = row.map_err(|error| in_samples(path, &error))?.sample;
        span.last_ended = span.last_ended.max(sample.timeline.ended);
        if sample.part == Part::Main {
            let due = sample.timeline.intended;
            cold |= sample.phase == Phase::Warmup;
            if sample.phase != Phase::Warmup && span.warm.is_none_or(|known| due < known) {
                span.warm = Some(due);
            }
        }
        replay.sample(&sample);
    }
    span.warm = span.warm.filter(|_| cold);
    Ok((replay.finish(), span))
}

fn recompute(path: &Path, manifest: &Manifest) -> Result<Summary, ReadError> {
    let rows =
        samples(path, manifest)?.ok_or_else(|| ReadError::NoFigures { path: path.to_owned() })?;
    let (totals, span) = replayed(path, manifest, rows)?;
    Ok(summarize(&facts::facts(path, manifest, span)?, &totals))
}
