//! One test binary; a file per capability.

/// What is decided before anything is sent.
mod plan;
// The embedded agent over real sockets: replies, refusals, faults, sessions, the truth.
mod agent;
