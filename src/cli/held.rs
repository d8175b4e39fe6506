//! What a run in a directory is held to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::artifact::{Ending, ReadError, StoredRun};
use crate::report::{self, BrokenExpectations, Gate, RunGates, gates};
use crate::sample::{Failure, Outcome};

/// Everything it is held to, with what was seen; a baseline as well, where there was one.
///
/// # Errors
/// Its samples, or the comparison, cannot be read.
pub(super) fn gates_of(run: &StoredRun) -> Result<Vec<Gate>, ReadError> {
    let also = RunGates {
        unended: unended(run).map(str::to_owned),
        failures: run.failures_allowed(),
        expectations: expectations(run)?,
    };
    let mut gates = gates(&run.summary, &also);
    if let Some(kept) = run.comparison()? {
        let base = kept.comparison.base.first().map(|run| run.id.clone());
        let named = kept.baseline.or(base).unwrap_or_default();
        for mut gate in report::comparison_gates(&kept.comparison, kept.strict) {
            gate.name = format!("{} against baseline {named}", gate.name);
            gates.push(gate);
        }
    }
    Ok(gates)
}

/// The report as Markdown, with the comparison where there was one.
///
/// # Errors
/// As of [`gates_of`].
pub(super) fn markdown_of(run: &StoredRun) -> Result<String, ReadError> {
    let text = report::run_markdown(&run.summary, &gates_of(run)?);
    let compared = run.comparison()?.map(|kept| report::comparison_markdown(&kept.comparison));
    Ok(text + &compared.unwrap_or_default())
}

/// Why it did not come to its end, if so.
pub(super) fn unended(run: &StoredRun) -> Option<&'static str> {
    match run.ending() {
        Ending::Finished => None,
        Ending::Interrupted => Some("it was interrupted"),
        Ending::Failed => Some("it could not go on"),
        Ending::Killed => Some("it was killed, or it is still running"),
    }
}

/// The kinds of expectation the scenario has, and the turns that broke them.
fn expectations(run: &StoredRun) -> Result<BTreeMap<String, BrokenExpectations>, ReadError> {
    let mut kinds = BTreeMap::new();
    let scenario = &run.manifest.scenario;
    note_kinds(&scenario["expect"], &mut kinds);
    look_for_kinds(&scenario["sessions"], &mut kinds);
    // Most often there is nothing to look for.
    let any = run.summary.errors.iter().any(|group| group.error == Failure::Expectation.word());
    let samples = if any { run.samples()? } else { None };
    for sample in samples.into_iter().flatten() {
        let sample = run.row(sample)?;
        if sample.outcome != Outcome::Failed(Failure::Expectation) || sample.retried {
            continue;
        }
        let message = sample.message.as_deref().unwrap_or_default();
        let (kind, why) = match message.strip_prefix("expect.").and_then(|m| m.split_once(": ")) {
            Some((kind, why)) => (kind, why),
            None => ("anything", message),
        };
        let broken: &mut BrokenExpectations = kinds.entry(kind.to_owned()).or_default();
        if broken.turns == 0 {
            why.clone_into(&mut broken.example);
        }
        broken.turns += 1;
    }
    Ok(kinds)
}

fn look_for_kinds(value: &Value, kinds: &mut BTreeMap<String, BrokenExpectations>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| look_for_kinds(one, kinds)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match name.as_str() {
            "expect" => note_kinds(value, kinds),
            _ => look_for_kinds(value, kinds),
        }),
        _ => {}
    }
}

fn note_kinds(expect: &Value, kinds: &mut BTreeMap<String, BrokenExpectations>) {
    for (kind, wanted) in expect.as_object().into_iter().flatten() {
        if *wanted != Value::Bool(false) {
            kinds.entry(kind.clone()).or_default();
        }
    }
}
