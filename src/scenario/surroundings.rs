//! What a scenario may ask of the world: files it names and environment variables.
//!
//! The scenario itself touches neither; whoever reads one hands in the surroundings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files and environment variables.
pub trait Surroundings {
    /// The whole of a file, or one sentence on why it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// The value of an environment variable; `None` where it is not set or not text.
    fn var(&self, name: &str) -> Option<String>;
}

/// Surroundings made of values, for tests and for scenarios that need no files.
#[derive(Debug, Clone, Default)]
pub struct Imagined {
    files: BTreeMap<PathBuf, Vec<u8>>,
    vars: BTreeMap<String, String>,
}

impl Imagined {
    /// Without files and variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }
}

impl Surroundings for Imagined {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.files.get(path).cloned().ok_or_else(|| "there is no such file".into())
    }

    fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }
}
