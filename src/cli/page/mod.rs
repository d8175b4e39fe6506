//! `report.html`: from the files of a run directory to its page.

mod chunks;
mod facts;
mod health;
mod load;
mod messages;
mod seconds;

use std::io;
use std::path::PathBuf;

use crate::artifact::manifest::Manifest;
use crate::artifact::{RunDirectory, StoreError};
use crate::compare::Comparison;
use crate::report::html;
use crate::summary::Summary;
use crate::sweep::SweepSummary;

/// The file a page is in.
pub(super) const NAME: &str = "report.html";

/// The page of a run, from what its directory has and the two documents that have been read or made
/// already. What cannot be read is said in the page: a report with a gap is better than none.
///
/// # Errors
/// It cannot be put together.
pub(super) fn page(
    directory: &RunDirectory,
    manifest: &Manifest,
    summary: &Summary,
) -> io::Result<String> {
    html::run_page(&load::load(directory, manifest, summary)).map_err(io::Error::other)
}

/// The page of a comparison of the runs in these directories.
///
/// # Errors
/// It cannot be put together.
pub(super) fn comparison_page(
    comparison: &Comparison,
    base: &[PathBuf],
    new: &[PathBuf],
) -> io::Result<String> {
    let sides = html::Sides { base: load::spreads(base), new: load::spreads(new) };
    html::comparison_page(comparison, &sides).map_err(io::Error::other)
}

/// The page of a sweep or a search.
///
/// # Errors
/// It cannot be put together.
pub(super) fn sweep_page(sweep: &SweepSummary) -> io::Result<String> {
    html::sweep_page(sweep, sweep.command.as_deref()).map_err(io::Error::other)
}

/// Writes the page of a sweep or a search into its directory.
///
/// # Errors
/// It cannot be written.
pub(super) fn write_sweep(
    directory: &RunDirectory,
    sweep: &SweepSummary,
) -> Result<(), StoreError> {
    let page = sweep_page(sweep);
    directory.whole(NAME, |out| out.write_all(page?.as_bytes()))
}

/// Writes the page of a run into its directory.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(
    directory: &RunDirectory,
    manifest: &Manifest,
    summary: &Summary,
) -> Result<(), StoreError> {
    let page = page(directory, manifest, summary);
    directory.whole(NAME, |out| out.write_all(page?.as_bytes()))
}
