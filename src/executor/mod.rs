//! Lets the plan happen: workers, loops, arrivals, admission, stopping.
//!
//! Each worker is a thread with its own event loop, connections and recorder; nothing on the way of
//! a turn is shared between workers but the next session's number (once a session) and, where the
//! scenario asks for one, the bound on turns in flight or the request limiter (once a turn).
//! Sessions are sequential inside; a session stays on the worker that opened it.

mod admission;
mod arrivals;
mod control;
mod errand;
mod gauges;
mod job;
mod loops;
mod outbox;
mod retry;
mod run;
mod session;
mod slots;
mod stop;
mod strand;
#[cfg(test)]
mod tests;
mod turn;
mod warmup;
mod worker;

pub use control::Equipment;
pub use errand::{Errand, Errands, Intent, Pending};
pub use gauges::{Gauges, Load};
pub use job::{Job, Record};
pub use retry::jitter;
pub use run::{Ended, ExecutorError, run};
pub use stop::{Stop, StopPhase};
