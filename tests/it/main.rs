//! One test binary; a file per capability.

/// What is decided before anything is sent.
mod plan;
/// Conventions that matter: layers, purity, sizes, names in documents.
mod tidy;
