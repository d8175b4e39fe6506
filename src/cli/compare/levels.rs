//! Two sweeps: compared level by level.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use super::load;
use crate::artifact::{StoredRun, earlier};
use crate::cli::baseline::Places;
use crate::cli::exit::Exit;
use crate::cli::refused::Refused;
use crate::cli::report::read_sweep;
use crate::compare::{LevelPair, Settings, SweepsCompared, compare_levels};
use crate::sweep::{LevelResult, SweepSummary};

/// A sweep and where it lies.
struct Found {
    directory: PathBuf,
    sweep: SweepSummary,
}

/// The comparison, where both sides are one sweep each; `None` where they are not.
pub(super) fn sweeps(
    (base, new): (&[PathBuf], &[PathBuf]),
    places: Places<'_>,
    history: Option<&Path>,
    settings: &Settings,
    err: &mut dyn Write,
) -> Result<Option<SweepsCompared>, Refused> {
    let found = |named: &[PathBuf]| -> Result<Option<Found>, Refused> {
        let [one] = named else { return Ok(None) };
        let directory = places.find(one);
        Ok(read_sweep(&directory)?.map(|sweep| Found { directory, sweep }))
    };
    let (Some(base), Some(new)) = (found(base)?, found(new)?) else { return Ok(None) };
    if base.sweep.id == new.sweep.id {
        return Err(load::twice(&base.sweep.id));
    }
    if base.sweep.parameter != new.sweep.parameter {
        return Err(incomparable(&format!(
            "{} is a sweep of {} and {} one of {}: no level of one is a level of the other",
            base.sweep.id, base.sweep.parameter, new.sweep.id, new.sweep.parameter
        )));
    }
    let mut pairs = Vec::new();
    for (one, other) in common(&base.sweep, &new.sweep) {
        let (base, new) = (base.run(one, settings)?, new.run(other, settings)?);
        let history = match history {
            Some(place) => earlier(place, from_ref(&base), from_ref(&new), settings)
                .map_err(|error| load::no_history(place, &error))?,
            None => Vec::new(),
        };
        pairs.push(LevelPair { level: one.level.clone(), base, new, history });
    }
    if pairs.is_empty() {
        return Err(incomparable(&format!(
            "{} and {} have no level in common: {} and {}",
            base.sweep.id,
            new.sweep.id,
            listed(&base.sweep),
            listed(&new.sweep)
        )));
    }
    if let Some(place) = history {
        let fewest = pairs.iter().map(|pair| pair.history.len()).min().unwrap_or(0);
        load::too_few(place, fewest, settings, err);
    }
    let ids = (base.sweep.id.clone(), new.sweep.id.clone());
    let mut compared = compare_levels(base.sweep.parameter, ids, pairs, settings);
    compared.left_out.extend(alone(&base.sweep, &new.sweep, "BASE"));
    compared.left_out.extend(alone(&new.sweep, &base.sweep, "NEW"));
    Ok(Some(compared))
}

impl Found {
    fn run(
        &self,
        level: &LevelResult,
        settings: &Settings,
    ) -> Result<crate::compare::Run, Refused> {
        StoredRun::open(&self.directory.join(&level.run))
            .and_then(|run| run.evidence(settings))
            .map_err(|error| Refused::usage(&error))
    }
}

fn incomparable(why: &str) -> Refused {
    Refused { exit: Exit::Invalid, why: format!("error: {why}") }
}

fn same(one: &LevelResult, other: &LevelResult) -> bool {
    (one.value - other.value).abs() <= 1e-9 * one.value.abs()
}

/// Levels of `base` that `new` has as well, in the order of `base`.
fn common<'a>(
    base: &'a SweepSummary,
    new: &'a SweepSummary,
) -> impl Iterator<Item = (&'a LevelResult, &'a LevelResult)> {
    let both = |one| Some((one, new.levels.iter().find(|other| same(one, other))?));
    base.levels.iter().filter_map(both)
}

/// Levels that one has and the other has not.
fn alone(one: &SweepSummary, other: &SweepSummary, side: &str) -> Option<String> {
    let missing = one.levels.iter().filter(|level| !other.levels.iter().any(|it| same(level, it)));
    let missing: Vec<&str> = missing.map(|level| level.level.as_str()).collect();
    let only = format!("{} {}: only {side} has it.", one.parameter, missing.join(", "));
    (!missing.is_empty()).then_some(only)
}

fn listed(sweep: &SweepSummary) -> String {
    let levels: Vec<&str> = sweep.levels.iter().map(|one| one.level.as_str()).collect();
    if levels.is_empty() { "none".into() } else { levels.join(", ") }
}
