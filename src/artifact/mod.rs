//! A run is a directory; these are its files, as functions over readers and writers.

pub mod samples;
