//! `--find-max`: the highest concurrency or rate at which enough turns are good.

use std::io::Write;

use super::series::{Series, only};
use super::{Args, Refused};
use crate::cli::args::ScenarioArgs;
use crate::cli::exit::Exit;
use crate::cli::signals::Interrupts;
use crate::scenario::{Scenario, Slo, Surroundings};
use crate::summary::ValidityVerdict;
use crate::sweep::{Kind, LevelResult, Met, Parameter, Probe, Search, SearchResult};
use crate::units::Span;

/// Searches; 0 where a level was found, 99 where none meets the goal.
pub(super) fn run(
    world: &dyn Surroundings,
    args: &Args,
    parameter: Parameter,
    interrupts: &Interrupts,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let mut search = Search::new(parameter);
    let first = scenario(world, args, parameter)?;
    let mut series =
        Series::begin(world, args, err, interrupts, (Kind::FindMax, parameter, &first))?;
    note(&mut series, &search, first.slo);
    while let Some(level) = search.next() {
        match probe(&mut series, &mut search, parameter, level) {
            Ok(true) => note(&mut series, &search, first.slo),
            Ok(false) => break,
            Err(refused) => {
                note(&mut series, &search, first.slo);
                return Err(series.fail(refused, out));
            }
        }
    }
    note(&mut series, &search, first.slo);
    let ended = series.end(out)?;
    let nothing_found = search.highest_met().is_none();
    Ok(Exit::first([(true, ended), (nothing_found, Exit::Threshold)]))
}

/// The scenario at the first level: checked before anything is sent.
fn scenario(
    world: &dyn Surroundings,
    args: &Args,
    parameter: Parameter,
) -> Result<Scenario, Refused> {
    let flags = &args.scenario;
    let given = [
        ("-c", flags.concurrency.is_some()),
        ("-r", flags.rate.is_some()),
        ("-z", flags.duration.is_some()),
        ("-n", flags.iterations.is_some()),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Refused::usage(&format!(
            "error: {flag} does not go with --find-max, which sets the load itself (how long a \
             probe is: --probe)"
        )));
    }
    let goal = args.goal.fraction();
    if goal <= 0.0 {
        return Err(Refused::usage(&"error: --goal 0% is met by anything: write 99%"));
    }
    if args.probe.0.is_zero() {
        return Err(Refused::usage(&"error: --probe has to be above zero"));
    }
    let scenario = only(world, args, &at_level(args, parameter, 1.0), "--find-max")?;
    if scenario.slo == Slo::default() {
        return Err(Refused::usage(
            &"error: --find-max needs to know what a good turn is\n  = help: add it to the \
             scenario, `slo: { ttfc: 1s, total: 20s }`, or give --set slo.ttfc=1s",
        ));
    }
    Ok(scenario)
}

/// One probe; whether to go on.
fn probe(
    series: &mut Series<'_>,
    search: &mut Search,
    parameter: Parameter,
    level: f64,
) -> Result<bool, Refused> {
    let written = parameter.level(level);
    let repeated = series.summary.levels.last().is_some_and(|last| last.level == written);
    let changed = at_level(series.args, parameter, level);
    let Some(concluded) = series.level(&written, changed)? else { return Ok(false) };
    let summary = &concluded.summary;
    let exit = concluded.exit();
    let probe = Probe::new(concluded.good, concluded.judged, repeated);
    let goal = series.args.goal.fraction();
    let met = match summary.validity.verdict {
        _ if probe.judged > 0 && probe.good_share >= goal => Met::Yes,
        ValidityVerdict::Invalid => Met::Unknown,
        _ => Met::No { close: probe.is_close_to(goal) },
    };
    let word = match met {
        Met::Yes => "met",
        Met::No { .. } => "missed",
        Met::Unknown => "unknown",
    };
    let value = parameter.value(&written).unwrap_or(level);
    let mut result = LevelResult::new(&written, value, summary, exit.code(), word);
    result.probe = Some(probe);
    // That turns fail is what a search is about; only what ends it counts.
    let counts = if exit <= Exit::Interrupted { exit } else { Exit::Done };
    series.keep(result, counts)?;
    if counts == Exit::Done {
        search.observe(level, met);
    }
    concluded.outcome.map(|_| series.goes_on())
}

/// Writes into the summary how far the search has come.
fn note(series: &mut Series<'_>, search: &Search, slo: Slo) {
    let bounds = [("ttfc", slo.ttfc), ("total", slo.total)];
    let good_turn: Vec<String> = bounds
        .into_iter()
        .filter_map(|(name, bound)| Some(format!("{name} within {}", Span(bound?))))
        .collect();
    series.summary.search = Some(SearchResult {
        goal: series.args.goal.fraction(),
        good_turn: good_turn.join(", "),
        probe_s: series.args.probe.0.as_secs_f64(),
        highest_met: search.highest_met(),
        lowest_missed: search.lowest_missed(),
        limit: search.limit(),
    });
}

/// The command line with the load of a probe.
fn at_level(args: &Args, parameter: Parameter, level: f64) -> ScenarioArgs {
    let mut scenario = args.scenario.clone();
    scenario.duration = Some(args.probe.to_string());
    let level = parameter.level(level);
    match parameter {
        Parameter::Concurrency => scenario.concurrency = Some(level),
        Parameter::Rate => scenario.rate = Some(level),
    }
    scenario
}
