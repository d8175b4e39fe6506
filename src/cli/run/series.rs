//! Several runs after each other, each at a level of its own, in one directory.

use std::io::Write;
use std::time::Duration;

use super::conclude::{Concluded, conclude};
use super::prepare::{name_directory, prepare};
use super::{Args, Refused, SummaryFormat, announce, conduct};
use crate::artifact::RunDirectory;
use crate::artifact::manifest::rfc3339;
use crate::cli::args::ScenarioArgs;
use crate::cli::command_line;
use crate::cli::exit::Exit;
use crate::cli::page;
use crate::cli::signals::Interrupts;
use crate::cli::terminal;
use crate::clock::Clock;
use crate::report;
use crate::scenario::{Scenario, Surroundings};
use crate::summary::ValidityVerdict;
use crate::sweep::{FORMAT, Kind, LevelResult, Parameter, SweepState, SweepSummary};

/// How often a rest looks whether somebody wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Runs under way.
pub(super) struct Series<'a> {
    pub(super) world: &'a dyn Surroundings,
    pub(super) args: &'a Args,
    pub(super) err: &'a mut dyn Write,
    pub(super) summary: SweepSummary,
    interrupts: &'a Interrupts,
    directory: RunDirectory,
    clock: Clock,
    /// The gravest exit so far.
    gravest: Exit,
}

impl<'a> Series<'a> {
    /// Makes the directory. `scenario` is that of the first level.
    pub(super) fn begin(
        world: &'a dyn Surroundings,
        args: &'a Args,
        err: &'a mut dyn Write,
        interrupts: &'a Interrupts,
        (kind, parameter, scenario): (Kind, Parameter, &Scenario),
    ) -> Result<Self, Refused> {
        let clock = Clock::start();
        let id = name_directory(&format!("{} {parameter}", scenario.name), clock.wall_origin());
        let directory =
            RunDirectory::create(&args.out, &id).map_err(|error| Refused::broken(&error))?;
        let summary = SweepSummary {
            format: FORMAT,
            kind,
            id,
            name: scenario.name.clone(),
            state: SweepState::Running,
            parameter,
            seed: args.scenario.target.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: rfc3339(clock.wall_origin()),
            ended_at: None,
            command: Some(command_line::kept(&[])),
            levels: Vec::new(),
            search: None,
        };
        let gravest = Exit::Done;
        let series = Self { world, args, err, summary, interrupts, directory, clock, gravest };
        series.write()?;
        Ok(series)
    }

    /// One run, after a rest where it is not the first. `None`: somebody wants to stop.
    pub(super) fn level(
        &mut self,
        level: &str,
        changed: ScenarioArgs,
    ) -> Result<Option<Concluded>, Refused> {
        if !self.summary.levels.is_empty() {
            self.rest();
        }
        if self.interrupts.came() {
            self.gravest = self.gravest.min(Exit::Interrupted);
            return Ok(None);
        }
        if !self.args.quiet {
            let parameter = self.summary.parameter;
            let _ = writeln!(self.err, "{parameter} {level}");
        }
        let args =
            Args { scenario: changed, out: self.directory.path().to_owned(), ..self.args.clone() };
        let prepared = prepare(self.world, &args, None, self.err)?;
        let conducted = conduct::conduct(&args, prepared, self.interrupts)?;
        conclude(&args, conducted).map(Some)
    }

    /// Keeps what came of a level, and its exit where it counts.
    pub(super) fn keep(&mut self, result: LevelResult, exit: Exit) -> Result<(), Refused> {
        self.summary.levels.push(result);
        self.gravest = self.gravest.min(exit);
        self.write()
    }

    /// Whether to go on to another level.
    pub(super) fn goes_on(&self) -> bool {
        !self.interrupts.came() && self.gravest > Exit::Interrupted
    }

    fn rest(&self) {
        let until = self.clock.now() + self.args.rest.0;
        while self.clock.now() < until && !self.interrupts.came() {
            std::thread::sleep(until.since(self.clock.now()).min(LOOK));
        }
    }

    /// Writes everything and says it; the exit code.
    pub(super) fn end(mut self, out: &mut dyn Write) -> Result<Exit, Refused> {
        self.summary.state = match self.gravest {
            _ if self.interrupts.came() => SweepState::Interrupted,
            Exit::Broken | Exit::Usage => SweepState::Failed,
            _ => SweepState::Finished,
        };
        self.summary.ended_at = Some(rfc3339(
            self.clock.wall_origin() + self.clock.now().since(crate::units::Offset::ZERO),
        ));
        self.write()?;
        page::write_sweep(&self.directory, &self.summary)
            .map_err(|error| Refused::broken(&error))?;
        self.directory.point_latest();
        let said = match self.args.format {
            SummaryFormat::Json => {
                serde_json::to_string_pretty(&self.summary).unwrap_or_default() + "\n"
            }
            SummaryFormat::Text if self.args.quiet => String::new(),
            SummaryFormat::Text => {
                let place = self.directory.path().display().to_string();
                let style = terminal::style(self.args.color, self.world);
                report::curve(&self.summary, style, Some(&place))
            }
        };
        super::say(out, &said)?;
        let told = (self.directory.path().display().to_string(), self.gravest);
        announce::sweep(self.world, self.args, &self.summary, told, self.err);
        Ok(self.gravest)
    }

    /// The same after a run that could not go on: what there is is kept and said first.
    pub(super) fn fail(mut self, refused: Refused, out: &mut dyn Write) -> Refused {
        self.gravest = self.gravest.min(refused.exit);
        match self.end(out) {
            Ok(_) => refused,
            Err(second) => second,
        }
    }

    fn write(&self) -> Result<(), Refused> {
        let written = self.directory.json("sweep.json", &self.summary);
        written.map_err(|error| Refused::broken(&error))
    }
}

/// The scenario at a level; refused where the file lists several.
pub(super) fn only(
    world: &dyn Surroundings,
    args: &Args,
    changed: &ScenarioArgs,
    flag: &str,
) -> Result<Scenario, Refused> {
    let several = || {
        Refused::usage(&format!(
            "error: {flag} changes one load, and the file lists `scenarios`\n  = help: give it a file \
             with one of them alone"
        ))
    };
    match changed.load(world) {
        Ok((scenarios, _)) => scenarios.only().ok_or_else(several),
        Err(problems) => match args.scenario.load(world) {
            Ok((scenarios, _)) if scenarios.listed => Err(several()),
            _ => Err(Refused::usage(&problems)),
        },
    }
}

/// What a run's exit is called in a line of a table.
pub(super) fn verdict(exit: Exit, validity: ValidityVerdict) -> &'static str {
    match exit {
        Exit::Usage | Exit::Broken => "broken",
        Exit::Interrupted | Exit::Stopped => "stopped",
        Exit::Threshold => "threshold",
        Exit::Regression => "regressed",
        Exit::Inconclusive => "inconclusive",
        Exit::Unanswered => "failures",
        Exit::Invalid => "invalid",
        Exit::Done => match validity {
            ValidityVerdict::Valid => "ok",
            ValidityVerdict::Degraded => "degraded",
            ValidityVerdict::Invalid => "invalid",
        },
    }
}
