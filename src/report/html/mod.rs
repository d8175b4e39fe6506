//! Pages for people: one file each, which needs nothing else, loads nothing and asks nobody.
//!
//! Numbers in, page out. A page is made of aggregates: its size does not follow the number of turns.
//! Without its script it says everything; the script adds zoom, hover and sorting.

mod cell;
mod chart;
mod comparison;
mod document;
mod gather;
mod history;
mod run;
mod scale;
mod spread;
mod svg;
mod sweep;
mod tables;
mod timeline;
mod verdict;
mod waterfall;

pub use comparison::{Sides, comparison_page};
pub use gather::{Chosen, Gather, Gathered, Message, SPREADS, Turn};
pub use history::history_page;
pub use run::{RunPage, run_page};
pub use spread::Spread;
pub use sweep::sweep_page;
pub use timeline::{Further, POINTS, Point, Timeline};
pub use verdict::Ended;
