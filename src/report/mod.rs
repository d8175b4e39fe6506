//! What a summary looks like: for a terminal, and as a table for other programs.
//!
//! Everything is made from a [`Summary`](crate::summary::Summary) alone, so that a report of a
//! finished run is the one that was shown at its end.

mod comparison;
mod calibration;
mod csv;
mod curve;
mod gates;
mod history;
pub mod html;
mod junit;
mod markdown;
mod style;
mod table;
mod text;

pub use calibration::calibration;
pub use comparison::{comparison_gates, comparison_junit, comparison_markdown, comparison_text};
pub use comparison::{sweeps_gates, sweeps_junit, sweeps_markdown, sweeps_text};
pub use csv::{SUMMARY_COLUMNS, SWEEP_COLUMNS, summary_csv, sweep_csv};
pub use curve::curve;
pub use gates::{BrokenExpectations, Gate, GateKind, RunGates, gates};
pub use history::{HISTORY_COLUMNS, history_csv, history_json, history_markdown, history_text};
pub use junit::{Suite, junit};
pub use markdown::{JOB_SUMMARY_BYTES, cut_to, run_markdown, sweep_markdown};
pub use style::Style;
pub use table::{millis, one_line, percent, rate, thousands};
pub use text::{failures, observed, text};
