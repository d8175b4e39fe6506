//! From samples to distributions: what a worker records while it runs, and the sum of it all.
//!
//! Everything here adds up exactly and in any order: a worker's seconds, several workers, or the
//! rows of `samples.csv` read again later give the same [`Totals`]. Memory grows with the length of
//! a run in seconds and with the number of session kinds, never with the number of samples.

mod blocks;
mod control;
mod counts;
mod distribution;
mod figure;
mod within;
mod interval;
mod layout;
mod recorder;
mod replay;
mod tally;
mod totals;
mod values;
mod window;

pub use control::{ControlSecond, ControlSeconds, Excess, allowed_micros, excess_percentile};
pub use counts::{Counts, ScenarioCounts};
pub(crate) use distribution::rank_of;
pub use distribution::{Distribution, HIGHEST_MICROS};
pub use interval::{Flow, Interval, Seconds};
pub use layout::{Goal, Layout};
pub use recorder::Recorder;
pub use replay::Replay;
pub use tally::{EndedSession, ErrorGroup, Late, Series, Tally};
pub use totals::Totals;
pub use values::{Values, micros, values};
pub use window::Window;
pub use within::Within;

#[cfg(test)]
mod tests;
