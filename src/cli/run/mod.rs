//! `streamgauge run`: load-tests or benchmarks an agent; leaves a run directory.

mod against;
mod announce;
mod conclude;
mod conduct;
mod control;
mod facts;
mod find_max;
pub(super) mod prepare;
mod room;
mod series;
mod sweep;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use super::args::ScenarioArgs;
use super::baseline::FOLDER;
use super::ci::CiChoice;
use super::exit::Exit;
use super::onlookers::Wanted;
use super::refused::{Refused, settle};
use super::signals::Interrupts;
use super::terminal::{Colour, ProgressChoice};
use crate::executor::Record;
use crate::scenario::Surroundings;
use crate::sweep::{Levels, Parameter};
use crate::units::{Share, Span};

/// Arguments of `streamgauge run`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Which scenario, and what is changed in it.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Make the run directory in this folder
    #[arg(long, value_name = "DIR", default_value = "reports", help_heading = "Output")]
    pub out: PathBuf,
    /// How the summary is written to standard output
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text, help_heading = "Output")]
    pub format: SummaryFormat,
    /// Compare with this run at the end: a baseline's name, a run directory, latest, or a run's id
    #[arg(
        long,
        value_name = "NAME|DIR",
        conflicts_with_all = ["sweep", "find_max"],
        help_heading = "Baseline"
    )]
    pub baseline: Option<PathBuf>,
    /// Where baselines are kept
    #[arg(long, value_name = "DIR", default_value = FOLDER, help_heading = "Baseline")]
    pub baselines: PathBuf,
    /// Run at each of these levels, as in concurrency=1,2,4,8 or rate=10/s,20/s
    #[arg(long, value_name = "LEVELS", conflicts_with = "find_max", help_heading = "Levels")]
    pub sweep: Option<Levels>,
    /// Between the runs of --sweep and --find-max
    #[arg(long, value_name = "TIME", default_value = "2s", help_heading = "Levels")]
    pub rest: Span,
    /// Find the highest concurrency or rate at which turns meet the scenario's slo
    #[arg(long, value_name = "concurrency|rate", help_heading = "Levels")]
    pub find_max: Option<Parameter>,
    /// Share of turns that has to meet it
    #[arg(long, value_name = "SHARE", default_value = "99%", help_heading = "Levels")]
    pub goal: Share,
    /// How long each try is
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = "Levels")]
    pub probe: Span,
    /// Keep what was said: whole answers, or every chunk with its time
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Output")]
    pub record: Option<RecordChoice>,
    /// Say nothing while it runs, and of the summary only what failed
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, help_heading = "Output")]
    pub progress: ProgressChoice,
    /// Serve live numbers for Prometheus on this address, as in 127.0.0.1:9464, under /metrics
    #[arg(long, value_name = "ADDRESS", help_heading = "Output")]
    pub prometheus: Option<SocketAddr>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,
    /// Say more of what is being done
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// Tell the CI system around: a summary, outputs, an error for each gate that failed
    #[arg(long, value_enum, default_value_t = CiChoice::Auto, help_heading = "Output")]
    pub ci: CiChoice,
    /// An invalid run is a failure: exit code 96; and an inconclusive --baseline: 97
    #[arg(long)]
    pub strict: bool,
    /// Cite the calibration in this file instead of the last one of this machine
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Send no control turns (a few a second, to an agent of known timing in this process)
    #[arg(long)]
    pub no_control: bool,
    /// Threads that send; without it, one less than there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

/// How a summary is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people.
    Text,
    /// summary.json.
    Json,
}

/// What is kept of what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordChoice {
    /// answers.jsonl: messages and answers.
    Answers,
    /// chunks.jsonl: also when each chunk came.
    Chunks,
}

impl Args {
    fn onlookers(&self) -> Wanted {
        let Self { progress, quiet, color, prometheus, .. } = *self;
        Wanted { progress, quiet, color, prometheus }
    }

    fn record(&self) -> Record {
        match self.record {
            None => Record::Nothing,
            Some(RecordChoice::Answers) => Record::Answers,
            Some(RecordChoice::Chunks) => Record::Chunks,
        }
    }
}

/// Runs a scenario to its end; the exit code.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let ended = Interrupts::listen().map_err(|error| Refused::broken(&error)).and_then(
        |interrupts| match (&args.sweep, args.find_max) {
            (Some(levels), _) => sweep::run(world, args, levels, &interrupts, out, err),
            (None, Some(what)) => find_max::run(world, args, what, &interrupts, out, err),
            (None, None) => once(world, args, &interrupts, out, err),
        },
    );
    settle(ended, err)
}

/// A single run.
fn once(
    world: &dyn Surroundings,
    args: &Args,
    interrupts: &Interrupts,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let baseline = against::open(args)?;
    let prepared = prepare::prepare(world, args, baseline.as_ref(), err)?;
    let conducted = conduct::conduct(args, prepared, interrupts)?;
    let concluded = conclude::conclude(args, conducted)?;
    concluded.directory.point_latest();
    concluded.remember(args, err);
    concluded.tell(world, args, out)?;
    // A run that could not go on says that, and is compared with nothing.
    let compared = match baseline.filter(|_| concluded.outcome.is_ok()) {
        Some(baseline) => baseline.compare(world, args, &concluded, out)?,
        None => Exit::Done,
    };
    announce::run(world, args, &concluded, concluded.exit().min(compared), err);
    concluded.outcome.map(|exit| exit.min(compared))
}

pub(super) fn say(out: &mut dyn Write, text: &str) -> Result<(), Refused> {
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Refused::broken(&format!("cannot write to standard output: {error}")))
}
