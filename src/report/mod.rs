//! What a summary looks like: for a terminal, and as a table for other programs.
//!
//! Everything is made from a [`Summary`](crate::summary::Summary) alone, so that a report of a
//! finished run is the one that was shown at its end.

mod csv;
mod curve;
pub mod html;
mod style;
mod table;
mod text;

pub use csv::{SUMMARY_COLUMNS, summary_csv};
pub use curve::curve;
pub use style::Style;
pub use text::{failures, text};
