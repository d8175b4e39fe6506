//! One test binary; a file per capability.

/// What is decided before anything is sent.
mod plan;

/// What a summary says of known samples, live or read again from samples.csv.
#[cfg(test)]
mod summary;

/// What the report of a run looks like, and that it stays within 80 columns.
#[cfg(test)]
mod report;

/// The files that have a line a second: timeline.csv and histograms.hlog.
#[cfg(test)]
mod measure_files;
