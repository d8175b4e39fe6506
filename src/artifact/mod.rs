//! A run is a directory; these are its files, as functions over readers and writers.

pub mod baseline;
mod comparison;
pub mod history;
pub mod hlog;
pub mod manifest;
pub mod samples;
mod store;
mod stored;
pub mod timeline;

pub use comparison::{COMPARISON, KeptComparison};
pub use store::{RunDirectory, StoreError};
pub use stored::{Ending, ReadError, Samples, StoredRun, earlier, find};
