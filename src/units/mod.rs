//! Words with a unit: points in time, durations, rates, shares and delays as people write them.
//!
//! Everything here is pure: text in, value out, and back.

mod count;
mod delay;
mod duration;
mod offset;
mod rate;
mod share;

pub use count::counted;
pub use delay::Delay;
pub use duration::{Span, parse_duration};
pub use offset::Offset;
pub use rate::Rate;
pub use share::Share;

/// Why a word with a unit could not be read: one sentence, lower case, without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub(crate) String);
