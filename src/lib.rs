//! Load-test, batch and benchmark streaming AI agents.
//!
//! Reading order is the order of the modules below; a module uses only modules above it.
//! `docs/architecture.md` has the flow on one page.

// Words. Pure.
pub mod units;
pub mod metric;
pub mod sample;
pub mod secret;
pub mod threshold;

// Reckoned. Pure.
pub mod stats;

// Measured. Pure.
pub mod measure;

// Asked. Pure.
pub mod expect;
pub mod scenario;

// Decided. Pure.
pub mod plan;

// Said. Pure.
pub mod protocol;

// Learnt. Pure.
pub mod summary;
pub mod calibration;
pub mod sweep;
pub mod compare;
pub mod history;

// Shown. Pure.
pub mod report;

// Happens.
pub mod clock;
pub mod surroundings;
pub mod client;
pub mod exchange;
pub mod event;
pub mod executor;

// Kept.
pub mod artifact;
pub mod machine;
pub mod vitals;
pub mod sink;
pub mod journal;
pub mod batch;

// Answers, for those who have no agent.
pub mod agent;

// Typed and told.
pub mod cli;
