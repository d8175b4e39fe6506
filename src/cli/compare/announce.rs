//! What the CI system around a comparison is told of it.

use std::io::Write;

use crate::cli::ci::{Ci, Told};
use crate::cli::exit::Exit;
use crate::compare::{Comparison, SweepsCompared};
use crate::report;

/// Tells of a comparison that is all a command does.
pub(super) fn announce(
    ci: &Ci,
    comparison: &Comparison,
    strict: bool,
    exit: Exit,
    err: &mut dyn Write,
) {
    let markdown = report::comparison_markdown(comparison);
    let subject = comparison.new.first().map_or("compare", |run| run.id.as_str());
    let outputs = vec![
        ("verdict", comparison.verdict.words().to_owned()),
        ("exit-code", exit.code().to_string()),
    ];
    let gates = report::comparison_gates(comparison, strict);
    ci.tell(&Told { subject, markdown: &markdown, outputs, gates: &gates, strict }, err);
}

/// Tells of two sweeps.
pub(super) fn sweeps(
    ci: &Ci,
    sweeps: &SweepsCompared,
    strict: bool,
    exit: Exit,
    err: &mut dyn Write,
) {
    let markdown = report::sweeps_markdown(sweeps);
    let outputs = vec![
        ("verdict", sweeps.verdict.words().to_owned()),
        ("exit-code", exit.code().to_string()),
    ];
    let gates = report::sweeps_gates(sweeps, strict);
    ci.tell(
        &Told { subject: &sweeps.new, markdown: &markdown, outputs, gates: &gates, strict },
        err,
    );
}
