//! What a process sees of itself while it measures others: processor time, hiccups, what is used up.
//!
//! One thread of its own looks; nothing is asked of those who work but two numbers that they keep
//! anyway. What it sees becomes an [`Observed`](crate::summary::Observed), and `summary` judges it.

mod kernel;
mod seen;
mod sleeps;
mod watch;

pub use kernel::process_time;
pub use seen::Seen;
pub use watch::Watch;
