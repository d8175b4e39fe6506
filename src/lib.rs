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

// Measured. Pure.
pub mod measure;

// Asked. Pure.
pub mod scenario;

// Decided. Pure.
pub mod plan;

// Said. Pure.
pub mod protocol;

// Happens.
pub mod client;
pub mod clock;
pub mod event;
pub mod exchange;
pub mod surroundings;

// Kept.
pub mod artifact;

// The endpoint for real.
pub mod agent;

pub mod cli;
