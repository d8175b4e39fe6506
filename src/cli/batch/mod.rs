//! `streamgauge batch`: each prompt of a file once, whatever happens.

mod asked;
mod conclude;
mod conduct;
mod inspect;
mod options;
mod place;
mod prepare;
mod progress;
mod stdout;
mod verify;

use std::io::Write;

pub use options::{Args, Kind};

use super::exit::Exit;
use super::refused::{Refused, settle};
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
    settle(ended, err)
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
            let conducted = conduct::conduct(args, *prepared)?;
            conclude::conclude(world, args, conducted, out, err)
        }
    }
}
