//! Reports as Markdown: for a GitHub job summary, a comment, a wiki.

mod escape;
mod limit;
mod run;
mod sweep;

pub use limit::{JOB_SUMMARY_BYTES, cut_to};
pub use run::run_markdown;
pub use sweep::sweep_markdown;

pub(super) use escape::{code, plain};
