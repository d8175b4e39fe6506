//! `streamgauge compare`: whether runs differ, with a verdict and an exit code.

mod announce;
mod levels;
mod load;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::baseline::{FOLDER, Places};
use super::ci::{Ci, CiChoice};
use super::exit::Exit;
use super::page;
use super::refused::{Refused, settle};
use super::terminal::{self, Colour};
use crate::compare::{Figure, Settings, SweepsCompared, Verdict, compare};
use crate::report;
use crate::scenario::Surroundings;
use crate::units::Share;

/// The latency figures that may decide; the error rate always does.
const MOST_FIGURES: usize = 3;

/// Arguments of `streamgauge compare`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The run that is the measure: a directory, `latest`, a run's id below --out, or a baseline
    #[arg(value_name = "BASE", required_unless_present = "base", requires = "new_run")]
    base_run: Option<PathBuf>,
    /// The run that is measured by it
    #[arg(value_name = "NEW")]
    new_run: Option<PathBuf>,
    /// Several runs that are the measure
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "new", conflicts_with = "base_run")]
    base: Vec<PathBuf>,
    /// Several runs that are measured by them
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "base")]
    new: Vec<PathBuf>,
    /// Learn how much runs differ by themselves from the runs in this folder, or from a
    /// history.jsonl (8 of the same fingerprint, or more)
    #[arg(long, value_name = "DIR", help_heading = "Verdict")]
    history: Option<PathBuf>,
    /// How much runs of an unchanged agent differ: a standard deviation, as in 5%
    #[arg(long, value_name = "SHARE", help_heading = "Verdict")]
    run_noise: Option<Share>,
    /// The smallest change that matters
    #[arg(long, value_name = "SHARE", default_value = "5%", help_heading = "Verdict")]
    min_change: Share,
    /// Let this figure decide besides the error rate, as in ttfc.p95 (again for more, at most 3);
    /// without it ttfc.p50, ttfc.p95 and total.p95
    #[arg(long = "metric", value_name = "FIGURE", help_heading = "Verdict")]
    metrics: Vec<Figure>,
    /// An inconclusive comparison is a failure: exit code 97
    #[arg(long, help_heading = "Verdict")]
    strict: bool,
    /// How the comparison is written to standard output
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// The folder in which runs named by their id lie
    #[arg(long, value_name = "DIR", default_value = "reports", help_heading = "Output")]
    out: PathBuf,
    /// Where baselines are kept
    #[arg(long, value_name = "DIR", default_value = FOLDER, help_heading = "Output")]
    baselines: PathBuf,
    /// Tell the CI system around: a summary, outputs, an error for each gate that failed
    #[arg(long, value_enum, default_value_t = CiChoice::Auto, help_heading = "Output")]
    ci: CiChoice,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    color: Colour,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a page, such as a job summary.
    Md,
    /// One page for a browser, with the distributions of both sides.
    Html,
    /// Each figure as a test.
    Junit,
}

/// Compares the runs; the exit code.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    settle(compared(world, args, out, err), err)
}

fn compared(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let settings = settings(args)?;
    let named = |one: &Option<PathBuf>, several: &[PathBuf]| {
        several.iter().chain(one).cloned().collect::<Vec<_>>()
    };
    let base_names = named(&args.base_run, &args.base);
    let new_names = named(&args.new_run, &args.new);
    let places = Places { out: &args.out, baselines: &args.baselines };
    let history = args.history.as_deref();
    let both = (base_names.as_slice(), new_names.as_slice());
    if let Some(sweeps) = levels::sweeps(both, places, history, &settings, err)? {
        return level_by_level(world, args, &sweeps, out, err);
    }
    let base = load::runs(&base_names, places, &settings)?;
    let new = load::runs(&new_names, places, &settings)?;
    load::apart(&base, &new)?;
    let history = load::history(history, &base, &new, &settings, err)?;
    let comparison = compare(&base, &new, &history, &settings);
    let said = match args.format {
        Format::Text => report::comparison_text(&comparison, terminal::style(args.color, world)),
        Format::Json => serde_json::to_string_pretty(&comparison).unwrap_or_default() + "\n",
        Format::Md => report::comparison_markdown(&comparison),
        Format::Html => {
            let found =
                |names: &[PathBuf]| names.iter().map(|name| places.find(name)).collect::<Vec<_>>();
            let page = page::comparison_page(&comparison, &found(&base_names), &found(&new_names));
            page.map_err(|error| Refused::broken(&error))?
        }
        Format::Junit => report::comparison_junit(&comparison, args.strict),
    };
    super::say(out, said.as_bytes())?;
    let exit = exit(comparison.verdict, args.strict);
    if let Some(ci) = Ci::around(args.ci, world) {
        announce::announce(&ci, &comparison, args.strict, exit, err);
    }
    Ok(exit)
}

/// Says what was found of two sweeps; the exit code.
fn level_by_level(
    world: &dyn Surroundings,
    args: &Args,
    sweeps: &SweepsCompared,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let said = match args.format {
        Format::Text => report::sweeps_text(sweeps, terminal::style(args.color, world)),
        Format::Json => serde_json::to_string_pretty(sweeps).unwrap_or_default() + "\n",
        Format::Md => report::sweeps_markdown(sweeps),
        Format::Junit => report::sweeps_junit(sweeps, args.strict),
        Format::Html => {
            return Err(Refused::usage(
                &"there is no page of two sweeps: give two of their levels, or another --format",
            ));
        }
    };
    super::say(out, said.as_bytes())?;
    let exit = exit(sweeps.verdict, args.strict);
    if let Some(ci) = Ci::around(args.ci, world) {
        announce::sweeps(&ci, sweeps, args.strict, exit, err);
    }
    Ok(exit)
}

fn settings(args: &Args) -> Result<Settings, Refused> {
    let mut primary = Vec::new();
    for figure in &args.metrics {
        if !primary.contains(figure) {
            primary.push(*figure);
        }
    }
    if primary.len() > MOST_FIGURES {
        return Err(Refused::usage(&format!(
            "{} figures are too many to decide: at most {MOST_FIGURES} besides the error rate, or \
             chance finds one that is worse",
            primary.len()
        )));
    }
    let defaults = Settings::default();
    Ok(Settings {
        run_noise: args.run_noise.map(Share::fraction),
        min_change: args.min_change.fraction(),
        primary: if primary.is_empty() { defaults.primary } else { primary },
        ..defaults
    })
}

/// The exit code that a verdict means.
pub(super) fn exit(verdict: Verdict, strict: bool) -> Exit {
    match verdict {
        Verdict::Incomparable | Verdict::Invalid => Exit::Invalid,
        Verdict::Regressed => Exit::Regression,
        Verdict::Inconclusive | Verdict::Differs if strict => Exit::Inconclusive,
        Verdict::Inconclusive
        | Verdict::Differs
        | Verdict::Improved
        | Verdict::NoWorse
        | Verdict::NoDifferenceSeen => Exit::Done,
    }
}
