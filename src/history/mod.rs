//! Runs over time: what is kept of each, where they changed, and what the newest comes to.
//!
//! Runs whose figures may be compared (one fingerprint) make a [`Track`]; nothing is tested across
//! tracks. Pure: entries in, findings out.

mod budget;
mod changes;
mod entry;
mod newest;
mod primary;
mod track;

pub use budget::{Budget, BudgetError};
pub use changes::{Change, Shift};
pub use entry::{Entry, FORMAT, Measured, State};
pub use newest::{Expected, Judged, Newest, Word};
pub use primary::Primary;
pub use track::{Policy, Track, tracks};
