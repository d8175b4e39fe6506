//! From text to a checked scenario: one reader per part of the file.

mod arrivals;
mod bounds;
mod data;
mod entry;
mod connections;
mod environment;
mod expect;
mod load;
mod messages;
mod own;
mod sessions;
mod stages;
mod stop_when;
mod target;
mod templates;
mod together;
mod users;
mod warmup;

pub use entry::{from_message, load, load_file, read, read_file};
pub use expect::expectations;

use std::path::Path;

use super::checker::Checker;
use super::surroundings::Surroundings;

/// What every reader needs: where to note mistakes, and where files are.
struct Reading<'a> {
    checker: Checker,
    world: &'a dyn Surroundings,
    base_dir: &'a Path,
    /// Whether prompt files have to say what was answered: `target.history` is `recorded`.
    recorded: bool,
}
