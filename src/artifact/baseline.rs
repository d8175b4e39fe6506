//! Baselines: runs kept under a name, apart from the reports, so that these can be cleaned and
//! those be committed. Each is a run directory of its own, with what a comparison needs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::RunDirectory;
use super::stored::{StoredRun, find};

/// Samples above this are left out: a comparison then uses the histograms.
const SAMPLES_BYTES: u64 = 16 << 20;

/// The longest name.
const LONGEST: usize = 64;

/// A baseline that cannot be kept or taken away.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// A name that cannot be that of a folder everywhere.
    #[error(
        "`{0}` cannot be a baseline's name: use letters, digits, `.`, `_` and `-`, at most \
         {LONGEST}, beginning with a letter or digit"
    )]
    Name(String),
    /// There is none of this name.
    #[error("there is no baseline `{name}` in {}", folder.display())]
    Unknown {
        /// As given.
        name: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// The file system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// The samples were too large to be kept.
    pub without_samples: bool,
    /// There was one of this name before.
    pub replaced: bool,
}

/// Keeps a run as `name` in `folder`; one of that name is replaced.
///
/// # Errors
/// The name will not do, or it cannot be written.
pub fn save(folder: &Path, name: &str, run: &StoredRun) -> Result<Saved, BaselineError> {
    check(name)?;
    let path = folder.join(name);
    // Made beside its place and moved there whole.
    let partial = format!(".{name}.partial");
    let _ = fs::remove_dir_all(folder.join(&partial));
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| BaselineError::Io { path, source }
    };
    let written = RunDirectory::create(folder, &partial)
        .and_then(|directory| {
            directory.json("run.json", &run.manifest)?;
            directory.json("summary.json", &run.summary)?;
            Ok(directory)
        })
        .map_err(io::Error::other)
        .and_then(|directory| Ok((keep_samples(run, &directory)?, directory)));
    let (without_samples, directory) = written.map_err(io(&path))?;
    let old = folder.join(format!(".{name}.old"));
    let replaced = fs::rename(&path, &old).is_ok();
    fs::rename(directory.path(), &path).map_err(io(&path))?;
    if replaced {
        fs::remove_dir_all(&old).map_err(io(&old))?;
    }
    Ok(Saved { path, without_samples, replaced })
}

/// Copies what the figures come from; whether the samples were too large.
fn keep_samples(run: &StoredRun, directory: &RunDirectory) -> io::Result<bool> {
    let copy = |name: &str| match fs::copy(run.path().join(name), directory.path().join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        copied => copied,
    };
    let samples = fs::metadata(run.path().join("samples.csv")).map_or(0, |found| found.len());
    let too_large = samples > SAMPLES_BYTES;
    if !too_large {
        copy("samples.csv")?;
    }
    copy("histograms.hlog")?;
    Ok(too_large)
}

/// The names of the baselines in `folder`, in order; none where there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && is_baseline(folder, &name)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Takes a baseline away.
///
/// # Errors
/// There is none, or it cannot be removed.
pub fn remove(folder: &Path, name: &str) -> Result<(), BaselineError> {
    if !is_baseline(folder, name) {
        return Err(BaselineError::Unknown { name: name.to_owned(), folder: folder.to_owned() });
    }
    let path = folder.join(name);
    fs::remove_dir_all(&path).map_err(|source| BaselineError::Io { path, source })
}

/// The directory that `named` means: of a run as [`find`] has it, or the baseline of that name in
/// `folder`. What is a run where it stands comes first.
pub fn find_base(named: &Path, out: &Path, folder: &Path) -> PathBuf {
    let found = find(named, out);
    let is_run = found.join("run.json").is_file() || found.join("sweep.json").is_file();
    match named.to_str() {
        Some(name) if !is_run && is_baseline(folder, name) => folder.join(name),
        _ => found,
    }
}

fn is_baseline(folder: &Path, name: &str) -> bool {
    check(name).is_ok() && folder.join(name).join("run.json").is_file()
}

fn check(name: &str) -> Result<(), BaselineError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins_well = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    match begins_well && name.len() <= LONGEST && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(BaselineError::Name(name.to_owned())),
    }
}
