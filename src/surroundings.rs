//! The real files and environment variables that a scenario names: the only reader of either.

use std::io::{self, Read};
use std::path::Path;

use crate::scenario::Surroundings;

/// The process's own files and environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process;

impl Surroundings for Process {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        if path.as_os_str() == "-" {
            let mut content = Vec::new();
            return match io::stdin().lock().read_to_end(&mut content) {
                Ok(_) => Ok(content),
                Err(error) => Err(format!("standard input cannot be read: {error}")),
            };
        }
        std::fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".into(),
            io::ErrorKind::IsADirectory => "it is a directory".into(),
            io::ErrorKind::PermissionDenied => "permission is denied".into(),
            _ => error.to_string(),
        })
    }

    fn var(&self, name: &str) -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        std::env::var(name).ok()
    }
}
