//! A run is a directory; these are its files, as functions over readers and writers.

pub mod hlog;
pub mod samples;
pub mod timeline;
