//! `streamgauge run`: load-tests or benchmarks an agent; leaves a run directory.

mod conclude;
mod conduct;
mod facts;
mod prepare;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::args::ScenarioArgs;
use super::exit::Exit;
use super::terminal::{Colour, ProgressChoice};
use crate::executor::Record;
use crate::scenario::Surroundings;

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
    /// Keep what was said: whole answers, or every chunk with its time
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Output")]
    pub record: Option<RecordChoice>,
    /// Say nothing while it runs, and of the summary only what failed
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, help_heading = "Output")]
    pub progress: ProgressChoice,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,
    /// Say more of what is being done
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// An invalid run is a failure: exit code 96
    #[arg(long)]
    pub strict: bool,
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
    let ended = prepare::prepare(world, args, err)
        .and_then(|prepared| conduct::conduct(world, args, prepared))
        .and_then(|conducted| conclude::conclude(world, args, conducted, out));
    match ended {
        Ok(exit) => exit,
        Err(Refused { exit, why }) => {
            // Where even standard error is closed, the exit code still tells.
            let _ = writeln!(err, "{why}");
            exit
        }
    }
}

/// A run that did not come about, or not to its end.
#[derive(Debug)]
struct Refused {
    exit: Exit,
    /// As it is printed, `error: ` included.
    why: String,
}

impl Refused {
    fn broken(error: &dyn std::fmt::Display) -> Self {
        Self { exit: Exit::Broken, why: format!("error: {error}") }
    }
}
