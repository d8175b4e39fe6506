//! Arguments, printing, exit codes.

pub mod agent;
pub mod args;
pub mod completions;
pub mod baseline;
pub mod batch;
pub mod calibrate;
pub mod ci;
mod command_line;
pub mod compare;
pub mod exit;
mod health;
mod held;
pub mod history;
pub mod init;
mod onlookers;
mod page;
pub mod plan;
mod prometheus;
mod refused;
pub mod report;
pub mod run;
pub mod schema;
mod signals;
pub mod terminal;
#[cfg(feature = "tui")]
mod tui;
mod voice;

use std::io::{self, Write, stderr, stdout};

use clap::{Parser, Subcommand};

use crate::surroundings::Process;
use exit::Exit;

/// Load-test, batch and benchmark streaming AI agents.
///
/// A scenario file says who asks what, how much at once, and what must hold. Without an agent at
/// hand, the embedded one answers: `streamgauge run scenarios/quickstart.yaml`.
#[derive(Debug, Parser)]
#[command(name = "streamgauge", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, everything held · 1 could not go on · 2 usage or unreadable input ·
3 turns without an answer · 75 stopped, can be resumed (batch) · 96 run invalid (--strict), or
runs not comparable · 97 inconclusive (--strict) · 98 regression · 99 a threshold failed ·
130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Load-test or benchmark an agent; writes a run directory
    Run(Box<run::Args>),
    /// Send each prompt of a file once; crash-safe, resumable
    Batch(Box<batch::Args>),
    /// Compare runs: differences with intervals, a verdict, an exit code
    Compare(Box<compare::Args>),
    /// Measure this machine's and this tool's own error against the embedded agent
    Calibrate(Box<calibrate::Args>),
    /// Check a scenario and show what would be done; sends nothing
    Plan(Box<plan::Args>),
    /// Serve the embedded agent (POST /v2/stream/ and friends)
    Agent(Box<agent::Args>),
    /// Show a run that is over, from its directory: text, JSON, CSV, Markdown or JUnit
    Report(report::Args),
    /// Show runs over time: trends, changes, and what the newest comes to
    History(Box<history::Args>),
    /// Keep a run under a name, to compare others with
    Baseline(baseline::Args),
    /// Write a first scenario, with comments
    Init(init::Args),
    /// Write the JSON Schema of the scenario, for editors
    Schema,
    /// Write completions for a shell
    Completions(completions::Args),
}

/// Writes what a command came to. Whoever read enough of it may close the pipe.
fn say(out: &mut dyn Write, said: &[u8]) -> Result<(), refused::Refused> {
    match out.write_all(said).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let why = format!("cannot write to standard output: {error}");
            Err(refused::Refused::broken(&why))
        }
        _ => Ok(()),
    }
}

/// How a command ended that only writes to standard output.
fn told(written: io::Result<()>, err: &mut dyn Write) -> Exit {
    match written {
        Ok(()) => Exit::Done,
        // Whoever read it has seen enough: `streamgauge schema | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            let _ = writeln!(err, "error: standard output cannot be written: {error}");
            Exit::Broken
        }
    }
}

/// Whether these words (without the program's name) are a command line that is understood; if not,
/// what is said to them. Documents are held to this.
///
/// # Errors
/// The words are not understood.
pub fn understands(words: &[&str]) -> Result<(), String> {
    let words = std::iter::once("streamgauge").chain(words.iter().copied());
    Cli::try_parse_from(words).map(drop).map_err(|error| error.to_string())
}

/// Does what the command line says; the exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, with code 0.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let (mut out, mut err) = (stdout(), stderr());
    // Before anything is opened: every stream is a descriptor.
    let _ = crate::machine::raise_descriptors();
    match cli.command {
        Command::Run(args) => run::run(&Process, &args, &mut out, &mut err).code(),
        Command::Batch(args) => batch::run(&Process, &args, &mut out, &mut err).code(),
        Command::Compare(args) => compare::run(&Process, &args, &mut out, &mut err).code(),
        Command::Calibrate(args) => calibrate::run(&Process, &args, &mut out, &mut err).code(),
        Command::Plan(args) => plan::run(&args, &mut out, &mut err),
        Command::Agent(args) => agent::run(*args),
        Command::Report(args) => report::run(&Process, &args, &mut out, &mut err).code(),
        Command::History(args) => history::run(&Process, &args, &mut out, &mut err).code(),
        Command::Baseline(args) => baseline::run(&args, &mut out, &mut err).code(),
        Command::Init(args) => init::run(&args, &mut out, &mut err).code(),
        Command::Schema => schema::run(&mut out, &mut err).code(),
        Command::Completions(args) => completions::run(&args, &mut out, &mut err).code(),
    }
}
