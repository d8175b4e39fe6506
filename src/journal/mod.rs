//! An append-only, checksummed file of records: what is in it has happened, whatever happens next.
//!
//! [`frame`] is the format: pure. [`Journal`] is the file: one writer, a lock against a second one,
//! and a thread that writes and syncs what has come meanwhile in one go.

mod file;
pub mod frame;

pub use file::{Durability, Journal, JournalError, RecordReader, Sealed, Seat};
pub use frame::{Found, Frames};
