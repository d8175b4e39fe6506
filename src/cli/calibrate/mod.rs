//! `streamgauge calibrate`: this machine's and this tool's own error, against an agent that writes
//! down what it does.

mod agent_process;
mod play;
pub(super) mod place;

use std::io::Write;
use std::path::PathBuf;

use super::exit::Exit;
use super::refused::{Refused, settle};
use super::run::SummaryFormat;
use super::signals::Interrupts;
use super::terminal::{self, Colour};
use crate::artifact::manifest::rfc3339;
use crate::calibration::{
    Calibration, Cell, Effort, FORMAT, Highest, Ladder, Place, Setting, grid,
};
use crate::clock::Clock;
use crate::machine;
use crate::report;
use crate::scenario::Surroundings;
use crate::units::Offset;

/// Measure this machine's and this tool's own error against the embedded agent.
///
/// Starts the agent as a process of its own, plays known schedules (10 to 5,000 open streams, replies
/// of 5 and of 200 chunks, rates from 10/s up to what is too much), and compares every turn with what
/// the agent wrote down. Later runs on this machine cite the result. Takes about two minutes and all
/// processors; everything stays on loopback.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// About 20 seconds: fewer streams, coarser steps
    #[arg(long)]
    quick: bool,
    /// Keep the result in this file instead of the machine's own place
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    format: SummaryFormat,
    /// Threads that send; without it, one less than there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Say nothing while it goes
    #[arg(short, long)]
    quiet: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

/// A ladder ends after so many rungs, whatever the machine can do.
const RUNGS: usize = 14;
/// The quick one plays no further rung after this.
const QUICK_S: f64 = 18.0;

/// Calibrates; the exit code.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let ended = calibrate(world, args, out, err);
    settle(ended, err)
}

fn calibrate(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let stored = args.calibration.clone().or_else(|| place::of_this_machine(world));
    if let Some(stored) = &stored {
        // Before two minutes are spent.
        place::can_be_kept(stored).map_err(|why| Refused::usage(&why))?;
    }
    let interrupts = Interrupts::listen().map_err(|error| Refused::broken(&error))?;
    let cpus = machine::cpus();
    let workers = args.workers.map_or(cpus.saturating_sub(1).max(1), usize::from);
    let agent_cpu = machine::split_off_a_processor();
    let mut session = Session {
        effort: if args.quick { Effort::Quick } else { Effort::Full },
        place: Place { agent_cpu, workers },
        clock: Clock::start(),
        interrupts,
        err: (!args.quiet).then_some(err),
        cells: Vec::new(),
    };
    session.say(&format!(
        "Calibrating on loopback, {}: the agent {}, {workers} worker(s). Ctrl-C stops.",
        if args.quick { "about 20 s" } else { "about two minutes" },
        match agent_cpu {
            Some(cpu) => format!("on processor {cpu}"),
            None => "on the same processors as streamgauge".into(),
        }
    ));
    let measured_at = rfc3339(session.clock.wall_origin());
    let Some((highest_requests, highest_chunks)) = session.play_all()? else {
        session.say("Stopped: nothing was stored.");
        return Ok(Exit::Interrupted);
    };
    let calibration = Calibration {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        transport: play::transport(),
        measured_at,
        quick: args.quick,
        machine: place::describe(&machine::machine(), cpus),
        place: session.place,
        cells: session.cells,
        highest_requests,
        highest_chunks,
    };
    if let Some(stored) = &stored {
        place::keep(stored, &calibration).map_err(|why| Refused::broken(&why))?;
    }
    let said = match args.format {
        SummaryFormat::Json => {
            serde_json::to_string_pretty(&calibration).unwrap_or_default() + "\n"
        }
        SummaryFormat::Text => {
            let place = stored.as_ref().map(|path| path.display().to_string());
            report::calibration(&calibration, terminal::style(args.color, world), place.as_deref())
        }
    };
    super::run::say(out, &said)?;
    Ok(Exit::Done)
}

/// What has been played so far.
struct Session<'a> {
    effort: Effort,
    place: Place,
    clock: Clock,
    interrupts: Interrupts,
    err: Option<&'a mut dyn Write>,
    cells: Vec<Cell>,
}

impl Session<'_> {
    fn say(&mut self, text: &str) {
        if let Some(err) = &mut self.err {
            // Talk that nobody hears is no error.
            let _ = writeln!(err, "{text}");
        }
    }

    /// Plays everything; `None` where somebody wants to stop.
    fn play_all(&mut self) -> Result<Option<(Highest, Highest)>, Refused> {
        for setting in grid(self.effort) {
            if self.play(&setting)?.is_none() {
                return Ok(None);
            }
        }
        let Some(requests) = self.climb(Ladder::Requests)? else { return Ok(None) };
        let Some(chunks) = self.climb(Ladder::Chunks)? else { return Ok(None) };
        Ok(Some((requests, chunks)))
    }

    /// Plays one schedule and says what came of it.
    fn play(&mut self, setting: &Setting) -> Result<Option<Cell>, Refused> {
        let needed = u64::from(setting.streams.unwrap_or(0)) + 100;
        if machine::descriptor_limit().is_some_and(|limit| limit < needed) {
            let streams = setting.streams.unwrap_or(0);
            self.say(&format!("  {streams} streams left out: raise `ulimit -n` to {needed}"));
            return Ok(self.cells.last().cloned());
        }
        let Some(cell) = play::play(setting, &self.place, &self.interrupts)? else {
            return Ok(None);
        };
        let millis = |ms: Option<f64>| ms.map_or("n/a".into(), |ms| format!("{ms:.3} ms"));
        self.say(&format!(
            "  {} {}, {} chunks: {:.0} requests/s, {:.0} chunks/s, error p99 {}",
            match setting.rate {
                Some(rate) => format!("{rate}/s"),
                None => cell.streams.to_string(),
            },
            if setting.rate.is_some() { "offered" } else { "streams" },
            cell.chunks,
            cell.requests_per_s,
            cell.chunks_per_s,
            millis(cell.error_ms()),
        ));
        self.cells.push(cell.clone());
        Ok(Some(cell))
    }

    /// Goes up until a rate is too high.
    fn climb(&mut self, ladder: Ladder) -> Result<Option<Highest>, Refused> {
        let mut highest = Highest { per_s: None, ended_by: "nothing was tried".into() };
        for setting in ladder.rungs(self.effort).take(RUNGS) {
            if self.effort == Effort::Quick && self.spent() > QUICK_S {
                highest.ended_by = "the time was over; the full calibration goes further".into();
                break;
            }
            let Some(mut cell) = self.play(&setting)? else { return Ok(None) };
            if !cell.sustained {
                // One bad moment of the machine is no limit of it.
                let Some(again) = self.play(&setting)? else { return Ok(None) };
                cell = again;
            }
            let rate = match ladder {
                Ladder::Requests => cell.requests_per_s,
                Ladder::Chunks => cell.chunks_per_s,
            };
            if !cell.sustained {
                highest.ended_by = why(&cell);
                break;
            }
            let before = highest.per_s.unwrap_or(0.0);
            highest.per_s = Some(before.max(rate));
            highest.ended_by = "the highest that was tried".into();
            // A closed load gets slower by itself when somebody is out of time.
            if rate < 1.1 * before {
                highest.ended_by = format!("no more came out of it: {}", who(&cell));
                break;
            }
        }
        Ok(Some(highest))
    }

    fn spent(&self) -> f64 {
        self.clock.now().since(Offset::ZERO).as_secs_f64()
    }
}

/// Why a rate was too high.
fn why(cell: &Cell) -> String {
    let at = format!("at {:.0} requests/s", cell.requests_per_s);
    if cell.failed > 0 {
        return format!("{} turns failed {at}", cell.failed);
    }
    match (cell.error_ms(), cell.lateness) {
        (Some(error), _) if error >= play::BOUND_MS => {
            format!("{at} the error was {error:.1} ms: {}", who(cell))
        }
        (_, Some(late)) if late.p99_ms >= play::BOUND_MS => {
            format!("{at} turns left {:.1} ms late: {}", late.p99_ms, who(cell))
        }
        _ => format!(
            "only {:.0} of {:.0}/s were reached: {}",
            cell.requests_per_s,
            cell.offered_per_s.unwrap_or(0.0),
            who(cell)
        ),
    }
}

/// Whose processor was out of time.
fn who(cell: &Cell) -> &'static str {
    let full = |busy: Option<f64>| busy.is_some_and(|busy| busy > 0.9);
    match (full(cell.worker_busy), full(cell.agent_busy)) {
        (true, false) => "streamgauge was out of processor time",
        (false, true) => "the agent was out of processor time",
        (true, true) => "both were out of processor time",
        (false, false) => "neither was out of processor time for long",
    }
}
