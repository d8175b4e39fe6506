//! What a good answer is: expectations, and checking an answer against them after it has ended.
//!
//! An expectation is made once, when the scenario (or a row of a batch) is read, and checked as
//! often as there are answers. What is broken is named without a word of the answer, so that it
//! can stand in files that hold no answers.

mod answer;
mod broken;
mod expectation;
mod path;

pub use answer::Answer;
pub use broken::Broken;
pub use expectation::{Demand, Expectation, Expectations};
pub use path::{JsonPath, PathError};
