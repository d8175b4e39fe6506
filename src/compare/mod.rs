//! Whether two runs, or two groups of runs, differ: verdicts that say how sure they are.
//!
//! A [`Run`] is what a comparison needs of a run: where it comes from, and its [`Evidence`].
//! [`compare()`] judges: first whether the runs may be compared at all, then the error rate, then at
//! most three figures of time. What two runs alone cannot tell is how much runs of an unchanged
//! agent differ from one another; every verdict says what it took that to be ([`Noise`]).
//! `docs/compare.md` has the method.

mod differences;
mod errors;
mod estimate;
mod evidence;
mod figure;
mod gates;
mod judge;
mod levels;
mod looking;
mod model;
mod noise;
mod run;
mod whole;

pub use errors::ErrorsCompared;
pub use evidence::{Evidence, Gathering, Source};
pub use figure::{Figure, Statistic};
pub use levels::{LevelCompared, LevelPair, SweepsCompared, compare_levels};
pub use model::{
    Comparison, Estimated, FigureCompared, KindCompared, Needs, RateCompared, RunNamed, Verdict,
};
pub use noise::{ENOUGH_HISTORY, Noise, NoiseSource};
pub use run::{Earlier, Run, Settings};
pub use whole::compare;
