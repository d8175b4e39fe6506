//! Statistics, each with its source: how sure a figure is, and whether two differ.
//!
//! Nothing here knows of runs or turns: slices in, numbers out, and the same numbers every time
//! (what is random is seeded). Everything below stands on this one module.

pub mod block_length;
pub mod bootstrap;
pub mod change_points;
pub mod dispersion;
pub mod multiplicity;
pub mod order;
pub mod prediction;
pub mod proportion;
pub mod quantile;
pub mod signed_rank;
pub mod spread;
