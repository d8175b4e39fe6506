//! `streamgauge batch`: each prompt of a file once, whatever happens.

mod asked;
mod conclude;
mod conduct;
mod inspect;
mod options;
mod place;
mod prepare;
mod progress;

use std::io::Write;

pub use options::{Args, Kind};

use super::exit::Exit;
use crate::scenario::Surroundings;

/// Carries a batch out, or looks at one; the exit code.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let ended = match &args.kind {
        Some(kind) => inspect::inspect(kind, out),
        None => carry_out(world, args, out, err),
    };
    match ended {
        Ok(exit) => exit,
        Err(Refused { exit, why }) => {
            // Where even standard error is closed, the exit code still tells.
            let _ = writeln!(err, "{why}");
            exit
        }
    }
}

fn carry_out(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    match prepare::prepare(world, args, out, err)? {
        prepare::Ready::Over(exit) => Ok(exit),
        prepare::Ready::Begin(prepared) => {
            let conducted = conduct::conduct(world, args, *prepared)?;
            conclude::conclude(world, args, conducted, out, err)
        }
    }
}

/// A batch that did not come about, or not to its end.
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

    fn usage(error: &dyn std::fmt::Display) -> Self {
        let said = error.to_string();
        let why = if said.starts_with("error") { said } else { format!("error: {said}") };
        Self { exit: Exit::Usage, why }
    }
}
