//! Runs over time: for a terminal, as Markdown, as a table, as JSON.

mod document;
mod markdown;
mod rows;
mod sparkline;
mod text;
pub(super) mod words;

pub use document::history_json;
pub use markdown::history_markdown;
pub use rows::{HISTORY_COLUMNS, history_csv};
pub use text::history_text;
