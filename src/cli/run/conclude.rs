//! From what was collected to the files people and CI read, the report, and the exit code.

use std::io::Write;

use super::conduct::Conducted;
use super::facts::facts;
use super::{Args, Refused, SummaryFormat};
use crate::artifact::manifest::{Manifest, RunState};
use crate::artifact::{RunDirectory, StoreError, history};
use crate::cli::exit::Exit;
use crate::cli::health::Health;
use crate::cli::page;
use crate::cli::terminal;
use crate::report;
use crate::scenario::{Surroundings, Via};
use crate::summary::{Summary, summarize};

/// A run whose files are complete.
pub(super) struct Concluded {
    pub(super) manifest: Manifest,
    pub(super) summary: Summary,
    pub(super) directory: RunDirectory,
    /// Turns after the warm-up that were completed and met every `slo`.
    pub(super) good: u64,
    /// Turns after the warm-up, but those that we cut ourselves.
    pub(super) judged: u64,
    /// How it ended, or why it could not go on.
    pub(super) outcome: Result<Exit, Refused>,
}

impl Concluded {
    /// How the command ends, if this run is all it does.
    pub(super) fn exit(&self) -> Exit {
        self.outcome.as_ref().map_or_else(|refused| refused.exit, |exit| *exit)
    }

    /// Adds a line to the history beside the run directories. A run is none the worse for a history
    /// that cannot be written: its directory stands in for the line.
    pub(super) fn remember(&self, args: &Args, err: &mut dyn Write) {
        let entry = history::entry(&self.manifest, Some(&self.summary));
        if let Err(error) = history::append(&args.out, &entry) {
            let place = args.out.join(history::HISTORY);
            let _ = writeln!(err, "note: {} cannot be written: {error}", place.display());
        }
    }

    /// Says the summary.
    pub(super) fn tell(
        &self,
        world: &dyn Surroundings,
        args: &Args,
        out: &mut dyn Write,
    ) -> Result<(), Refused> {
        let summary = &self.summary;
        let said = match args.format {
            SummaryFormat::Json => serde_json::to_string_pretty(summary).unwrap_or_default() + "\n",
            SummaryFormat::Text if args.quiet => report::failures(summary),
            SummaryFormat::Text => {
                let place = self.directory.path().display().to_string();
                report::text(summary, terminal::style(args.color, world), Some(&place))
            }
        };
        super::say(out, &said)
    }
}

/// Writes the summary and judges it.
pub(super) fn conclude(args: &Args, mut conducted: Conducted) -> Result<Concluded, Refused> {
    let mut summary = summarize(&facts(&conducted), &conducted.collected.totals);
    let all = conducted.collected.totals.all();
    let chunks = all.chunks as f64 / all.counts.completed.max(1) as f64;
    let calibration = conducted.calibration.as_ref();
    summary.accuracy = calibration.and_then(|one| one.cite(summary.load.in_flight_max, chunks));
    let broken = why_broken(&conducted, &summary);
    write_files(&mut conducted, &summary, broken.is_some())
        .map_err(|error| Refused::broken(&error))?;
    let verdict = summary.verdict(conducted.job.shared().limits.failures);
    let exit = Exit::first([
        (conducted.interrupted, Exit::Interrupted),
        (args.strict && verdict.invalid, Exit::Invalid),
        (verdict.thresholds_failed > 0, Exit::Threshold),
        (verdict.too_many_failures, Exit::Unanswered),
    ]);
    let all = conducted.collected.totals.all();
    Ok(Concluded {
        good: all.good,
        judged: all.counts.planned() - all.counts.cancelled,
        summary,
        manifest: conducted.manifest,
        directory: conducted.directory,
        outcome: broken.map_or(Ok(exit), |why| Err(Refused::broken(&why))),
    })
}

/// Why the run could not go on, if so.
fn why_broken(conducted: &Conducted, summary: &Summary) -> Option<String> {
    if let Some(error) = &conducted.failure {
        return Some(error.to_string());
    }
    if let Some(error) = &conducted.collected.failure {
        let place = conducted.directory.path().display();
        return Some(format!("the files of the run in {place} cannot be written: {error}"));
    }
    let tally = conducted.collected.totals.tally();
    for (scenario, plan) in (0..).zip(&conducted.job.plans) {
        let own = tally.scenario(scenario);
        let told = own.counts.planned() + own.aside.planned();
        let planned = plan.turn_count().filter(|_| plan.load_end().is_none());
        let Some(planned) = planned.filter(|&planned| planned != told) else { continue };
        return Some(format!(
            "the counts do not add up: {planned} turns were planned and {told} are accounted for. \
             This is a defect in streamgauge: the figures of this run cannot be trusted"
        ));
    }
    (conducted.key_refused && !conducted.interrupted).then(|| {
        let variable = conducted.job.shared().key_variable().to_owned();
        let refusal = summary.errors.iter().find(|group| matches!(group.status, Some(401 | 403)));
        let said = refusal.map_or(String::new(), |group| match &group.example {
            Some(example) if !example.is_empty() => format!(" (it says: {example})"),
            _ => String::new(),
        });
        match conducted.manifest.target.with_key {
            true => format!(
                "the target refuses the key{said}: check the one in {variable}, and that it \
                 belongs to this agent"
            ),
            false => format!("the target wants a key{said}: put it into {variable}"),
        }
    })
}

fn write_files(
    conducted: &mut Conducted,
    summary: &Summary,
    broken: bool,
) -> Result<(), StoreError> {
    let Conducted { directory, manifest, collected, interrupted, cpu, connections, .. } = conducted;
    let counted = (manifest.transport == Via::Wire.to_string()).then_some(*connections);
    let health =
        Health::of(&collected.totals, collected.lag, *cpu, counted, summary.health.clone());
    manifest.counts = serde_json::to_value(summary.counts).ok();
    manifest.validity = serde_json::to_value(&summary.validity).ok();
    manifest.health = serde_json::to_value(&health).ok();
    manifest.state = match (broken, *interrupted) {
        (true, _) => RunState::Failed,
        (false, true) => RunState::Interrupted,
        (false, false) => RunState::Finished,
    };
    directory.json("summary.json", summary)?;
    directory.whole("summary.csv", |out| {
        report::summary_csv(summary, out).map_err(std::io::Error::other)
    })?;
    directory.json("run.json", manifest)?;
    page::write(directory, manifest, summary)
}
