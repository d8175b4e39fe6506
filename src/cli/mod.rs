//! Arguments, printing, exit codes.

pub mod agent;
