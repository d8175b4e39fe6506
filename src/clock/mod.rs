//! Time has one home: nothing else in the crate reads a clock.
//!
//! A [`Clock`] counts from the run's origin. Wall time is read once, for names and headings; every
//! figure is an [`Offset`]. An [`Alarm`] wakes a task at an offset, far closer to it than tokio's
//! own timer can.

mod alarm;
mod origin;

pub use alarm::Alarm;
pub use origin::{Clock, cpu_time, wall_time};
