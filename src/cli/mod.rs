//! Arguments, printing, exit codes.

pub mod agent;
pub mod args;
pub mod plan;
