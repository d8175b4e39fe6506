//! Why a run cannot be read, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::FORMAT;

/// A run that cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// There is nothing at this place.
    NotThere {
        /// Where.
        path: PathBuf,
    },
    /// Something is there, but no run.
    NotARun {
        /// Where.
        path: PathBuf,
    },
    /// It is a sweep: several runs.
    Sweep {
        /// Where.
        path: PathBuf,
        /// The names of its runs, with the level of each.
        levels: Vec<(String, String)>,
    },
    /// The file has another format version.
    Format {
        /// Which file.
        path: PathBuf,
        /// The version it says.
        found: String,
    },
    /// The file is not what it should be.
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is neither a summary nor rows of samples to make one from.
    NoFigures {
        /// Where.
        path: PathBuf,
    },
    /// The system refuses.
    Io {
        /// What.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

impl ReadError {
    pub(super) fn damaged(directory: &Path, name: &str, why: &dyn fmt::Display) -> Self {
        Self::Damaged { path: directory.join(name), why: why.to_string() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere { path } => write!(
                f,
                "there is no run at {}: give a run directory, `reports/latest`, or the id of a \
                 run below --out",
                path.display()
            ),
            Self::NotARun { path } => write!(
                f,
                "{} is not a run directory: there is no run.json of this tool in it",
                path.display()
            ),
            Self::Sweep { path, levels } => {
                write!(
                    f,
                    "{} is a sweep, which is several runs: give one of its levels, such as ",
                    path.display()
                )?;
                for (at, (level, run)) in levels.iter().take(3).enumerate() {
                    let between = if at > 0 { ", " } else { "" };
                    write!(f, "{between}{} (level {level})", path.join(run).display())?;
                }
                Ok(())
            }
            Self::Format { path, found } => write!(
                f,
                "{} has format version {found}, and this streamgauge knows {FORMAT}: use the \
                 version of streamgauge that wrote it",
                path.display()
            ),
            Self::Damaged { path, why } => {
                write!(f, "{} is damaged: {why}", path.display())?;
                if path.ends_with("summary.json") {
                    f.write_str("; take it away, and the summary is made anew from samples.csv")?;
                }
                Ok(())
            }
            Self::NoFigures { path } => write!(
                f,
                "{} has neither summary.json nor rows in samples.csv: nothing is left of the run's \
                 figures",
                path.display()
            ),
            Self::Io { path, source } => write!(f, "cannot read {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
