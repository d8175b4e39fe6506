//! Arguments, printing, exit codes.

pub mod args;
pub mod plan;
