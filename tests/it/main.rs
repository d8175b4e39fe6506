//! One test binary; a file per capability.

/// What is decided before anything is sent.
mod plan;

/// What is read, and what is refused with its place.
mod scenario;

/// What `streamgauge plan` shows and refuses.
mod plan_command;
