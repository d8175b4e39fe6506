//! `streamgauge plan`: checks a scenario and shows what would be done. Sends nothing.

mod details;
mod load;
mod planned;
mod preview;
mod text;

use std::io::{self, Write};

use clap::{Args as ClapArgs, ValueEnum};

use super::args::ScenarioArgs;
use crate::scenario::Surroundings;
use crate::surroundings::Process;
use planned::Planned;

/// Arguments of `streamgauge plan`.
#[derive(Debug, Clone, ClapArgs)]
pub struct Args {
    /// Which scenario, and what is changed in it.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// What is written to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How the plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Shows the plan on `out`, or on `err` what is wrong; returns the exit code: 0, 2, or 1 where
/// `out` cannot be written.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    run_in(&Process, args, out, err)
}

/// The same in given surroundings.
pub fn run_in(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let (scenarios, seed) = match args.scenario.load(world) {
        Ok(loaded) => loaded,
        Err(problems) => {
            // Where even standard error is closed, the exit code still tells.
            let _ = writeln!(err, "{problems}");
            return 2;
        }
    };
    let planned = match Planned::new(scenarios, seed, world) {
        Ok(planned) => planned,
        Err(sentence) => {
            let _ = writeln!(err, "error: {sentence}");
            return 2;
        }
    };
    let written = match args.format {
        Format::Text => text::write(&planned, out),
        Format::Json => write_json(&planned, out),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => 0,
        // Whoever read it has seen enough: `streamgauge plan x | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _ = writeln!(err, "error: the plan cannot be written: {error}");
            1
        }
    }
}

fn write_json(planned: &Planned, out: &mut dyn Write) -> io::Result<()> {
    let whole = planned.json();
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    out.write_all(b"\n")
}
