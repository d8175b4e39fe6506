//! A run is a directory below a parent; `latest` in the parent points to the newest.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The directory of one run.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    path: PathBuf,
}

/// A run directory that cannot be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct StoreError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl StoreError {
    /// A file of a run directory that cannot be written.
    pub fn writing(directory: &RunDirectory, name: &str, source: io::Error) -> Self {
        Self { doing: "write", path: directory.path.join(name), source }
    }

    fn of(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { doing, path, source }
    }
}

impl RunDirectory {
    /// Makes the directory `name` below `parent`, and the parent where it is missing.
    ///
    /// # Errors
    /// It cannot be made, or is there already: a run never writes over another.
    pub fn create(parent: &Path, name: &str) -> Result<Self, StoreError> {
        fs::create_dir_all(parent).map_err(StoreError::of("create", parent))?;
        let path = parent.join(name);
        fs::create_dir(&path).map_err(StoreError::of("create", &path))?;
        Ok(Self { path })
    }

    /// A directory that is there already.
    ///
    /// # Errors
    /// It is not.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(Self { path: path.to_owned() }),
            Ok(_) => Err(io::Error::from(io::ErrorKind::NotADirectory)),
            Err(error) => Err(error),
        }
        .map_err(StoreError::of("open", path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file that grows while the run goes.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn growing(&self, name: &str) -> Result<BufWriter<File>, StoreError> {
        let path = self.path.join(name);
        let file = File::create(&path).map_err(StoreError::of("create", &path))?;
        Ok(BufWriter::with_capacity(1 << 16, file))
    }

    /// Writes a whole file, so that a reader sees the old one or the new one and nothing between.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn whole(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let partial = self.path.join(format!(".{name}.partial"));
        let written = File::create(&partial).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        let renamed = written.and_then(|()| fs::rename(&partial, &path));
        renamed.map_err(|error| {
            let _ = fs::remove_file(&partial);
            StoreError::of("write", &path)(error)
        })
    }

    /// Writes `value` as a JSON document.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn json(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        self.whole(name, |mut out| {
            serde_json::to_writer_pretty(&mut out, value)?;
            out.write_all(b"\n")
        })
    }

    /// Points `latest` in the parent to this run. Where links cannot be made it is left out.
    pub fn point_latest(&self) {
        let (Some(parent), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return;
        };
        let latest = parent.join("latest");
        // A new link is moved over the old one, so that there is always one; never over something
        // that is not a link.
        if latest.symlink_metadata().is_ok_and(|old| !old.is_symlink()) {
            return;
        }
        let fresh = parent.join(format!(".latest-{}", std::process::id()));
        #[cfg(unix)]
        if std::os::unix::fs::symlink(name, &fresh).is_ok() && fs::rename(&fresh, &latest).is_err()
        {
            let _ = fs::remove_file(&fresh);
        }
        #[cfg(not(unix))]
        let _ = (name, fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_writes_over_another_and_latest_follows() {
        let parent = tempfile::tempdir().unwrap();
        let first = RunDirectory::create(parent.path(), "one").unwrap();
        first.point_latest();
        let error = RunDirectory::create(parent.path(), "one").unwrap_err().to_string();
        assert!(error.starts_with("cannot create "), "{error}");
        let second = RunDirectory::create(parent.path(), "two").unwrap();
        second.point_latest();
        assert_eq!(fs::read_link(parent.path().join("latest")).unwrap(), Path::new("two"));
        second.json("x.json", &[1, 2]).unwrap();
        let names: Vec<_> =
            fs::read_dir(second.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["x.json"], "nothing half-written is left");
    }
}
