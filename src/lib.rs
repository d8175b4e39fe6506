//! Load-test, batch and benchmark streaming AI agents.
//!
//! Reading order is the order of the modules below; a module uses only modules above it.
//! `docs/architecture.md` has the flow on one page.

// Words. Pure.
pub mod metric;
pub mod sample;
pub mod secret;
pub mod threshold;
pub mod units;

// Learnt, while it happens. Pure.
pub mod measure;

// Asked. Pure.
pub mod scenario;

// Happens.
pub mod clock;

// Kept.
pub mod artifact;
