//! What will be done, and when it is due: same scenario and seed, same plan.
//!
//! A plan keeps no state. Session *n* is a function of the plan and *n*: everything random about
//! it comes from a generator that is seeded with the run's seed, a purpose and *n*. So sessions
//! can be asked for in any order, by any worker, and a shard of the plan is the plan with gaps.

mod arrivals;
mod chance;
mod curve;
mod feed;
mod mix;
mod session;
mod whole;

pub use arrivals::{Arrivals, Shard};
pub use session::{Given, PlannedSession, RenderError};
pub use whole::{Kind, Plan};
