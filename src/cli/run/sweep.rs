//! `--sweep`: the same scenario at one level of load after another.

use std::io::Write;

use super::series::{Series, only, verdict};
use super::{Args, Refused};
use crate::cli::args::ScenarioArgs;
use crate::cli::exit::Exit;
use crate::cli::signals::Interrupts;
use crate::scenario::Surroundings;
use crate::sweep::{Kind, LevelResult, Levels, Parameter};

/// Runs every level; the gravest exit.
pub(super) fn run(
    world: &dyn Surroundings,
    args: &Args,
    levels: &Levels,
    interrupts: &Interrupts,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    // All levels are checked before the first is run.
    let mut first = None;
    for level in &levels.levels {
        let changed = at_level(args, levels.parameter, level)?;
        let scenario = only(world, args, &changed, "--sweep")?;
        first.get_or_insert(scenario);
    }
    let Some(first) = first else {
        return Err(Refused::usage(&"error: --sweep has no level"));
    };
    let what = (Kind::Sweep, levels.parameter, &first);
    let mut series = Series::begin(world, args, err, interrupts, what)?;
    for level in &levels.levels {
        match one(&mut series, levels.parameter, level) {
            Ok(true) => {}
            Ok(false) => break,
            Err(refused) => return Err(series.fail(refused, out)),
        }
    }
    series.end(out)
}

/// Whether to go on.
fn one(series: &mut Series<'_>, parameter: Parameter, level: &str) -> Result<bool, Refused> {
    let changed = at_level(series.args, parameter, level)?;
    let Some(concluded) = series.level(level, changed)? else { return Ok(false) };
    let exit = concluded.exit();
    let summary = &concluded.summary;
    let value = parameter.value(level).unwrap_or_default();
    let word = verdict(exit, summary.validity.verdict);
    series.keep(LevelResult::new(level, value, summary, exit.code(), word), exit)?;
    concluded.outcome.map(|_| series.goes_on())
}

/// The command line with the load of a level.
fn at_level(args: &Args, parameter: Parameter, level: &str) -> Result<ScenarioArgs, Refused> {
    let mut scenario = args.scenario.clone();
    let (flag, place) = match parameter {
        Parameter::Concurrency => ("-c", &mut scenario.concurrency),
        Parameter::Rate => ("-r", &mut scenario.rate),
    };
    if place.is_some() {
        return Err(Refused::usage(&format!(
            "error: {flag} and --sweep {parameter} both set the {parameter}: keep one"
        )));
    }
    *place = Some(level.to_owned());
    Ok(scenario)
}
