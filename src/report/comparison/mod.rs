//! Two sides compared: for a terminal, and for a page.

pub(super) mod cells;
mod markdown;
mod text;

pub use markdown::comparison_markdown;
pub use text::comparison_text;
