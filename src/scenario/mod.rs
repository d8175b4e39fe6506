//! What the user wrote: read, checked, and refused with its place where it is wrong.

mod model;

pub use model::*;
