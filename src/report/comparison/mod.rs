//! Two sides compared: for a terminal, and for a page.

pub(super) mod cells;
mod gates;
mod levels;
mod markdown;
mod text;

pub use gates::{comparison_gates, comparison_junit};
pub use levels::{sweeps_gates, sweeps_junit, sweeps_markdown, sweeps_text};
pub use markdown::comparison_markdown;
pub use text::comparison_text;
