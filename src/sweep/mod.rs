//! Several runs of one scenario, each at another level of load: which levels, and what came of them.
//!
//! A level is a number of users (`concurrency`) or of sessions a second (`rate`). A sweep goes
//! through given levels; a search finds the highest one that still meets the goal.

mod knee;
mod levels;
mod model;
mod search;

pub use knee::knee;
pub use levels::{Levels, Parameter};
pub use model::{FORMAT, Kind, LevelResult, Probe, SearchResult, SweepState, SweepSummary};
pub use search::{Limit, Met, Search, TOLERANCE};
