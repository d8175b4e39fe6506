//! What stands before any figure: whether the same was asked, and whether the runs can be relied
//! on.

use super::differences::differences;
use super::evidence::Source;
use super::model::Verdict;
use super::run::Run;
use crate::summary::ValidityVerdict;

/// Why the two sides cannot be compared at all, if so.
pub(super) fn refused(base: &[Run], new: &[Run]) -> Option<(Verdict, Vec<String>)> {
    let first = base.first()?;
    let other = base.iter().chain(new).find(|run| run.fingerprint != first.fingerprint);
    if let Some(other) = other {
        let mut reasons = vec![format!(
            "{} and {} did not do the same (fingerprints {} and {}):",
            first.id, other.id, first.fingerprint, other.fingerprint
        )];
        reasons.extend(differences(&first.scenario, &other.scenario));
        return Some((Verdict::Incomparable, reasons));
    }
    let mut reasons = Vec::new();
    for run in base.iter().chain(new) {
        if let Some(why) = &run.incomplete {
            reasons.push(format!("{} {why}: it is a part of what its scenario asks.", run.id));
        }
        if run.validity.verdict == ValidityVerdict::Invalid {
            let why = run.validity.reasons.join(" ");
            reasons.push(format!("{} is invalid: {why}", run.id));
        }
    }
    (!reasons.is_empty()).then_some((Verdict::Invalid, reasons))
}

/// What does not keep the sides from being compared, but should be known.
pub(super) fn caveats(base: &[Run], new: &[Run]) -> Vec<String> {
    let mut found = Vec::new();
    let mut all = base.iter().chain(new);
    let Some(first) = base.first() else { return found };
    if let Some(other) = all.clone().find(|run| run.version != first.version) {
        found.push(format!(
            "The runs are of streamgauge {} and {}: what one version measures differently would \
             look like a difference of the agent. Compare runs of one version.",
            first.version, other.version
        ));
    }
    if let Some(other) = all.clone().find(|run| run.machine != first.machine) {
        found.push(format!(
            "The runs were made on different machines ({} and {}): the way to the agent is part of \
             what was measured.",
            first.machine, other.machine
        ));
    }
    for run in all.clone().filter(|run| run.validity.verdict == ValidityVerdict::Degraded) {
        found.push(format!("{} is degraded: {}", run.id, run.validity.reasons.join(" ")));
    }
    if all.any(|run| run.evidence.source() == Source::Histograms) {
        found.push(
            "A run has no samples.csv: its figures are resampled by seconds of histograms.hlog, \
             without sessions, and session kinds are not compared."
                .into(),
        );
    }
    found
}
