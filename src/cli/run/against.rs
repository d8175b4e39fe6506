//! `--baseline`: a run against one that was kept, or that was made before.

use std::io::Write;

use super::conclude::Concluded;
use super::{Args, Refused, SummaryFormat};
use crate::artifact::manifest::Manifest;
use crate::artifact::{StoredRun, history};
use crate::cli::baseline::Places;
use crate::cli::compare::exit;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::compare::{Comparison, Earlier, Run, Settings, compare};
use crate::history::{Entry, Primary};
use crate::report::{self, Gate};
use crate::scenario::Surroundings;

/// The file in the run directory that keeps the comparison.
const FILE: &str = "comparison.json";

/// What a run is measured by.
pub(super) struct Baseline {
    named: String,
    run: Run,
}

/// A run, measured.
pub(super) struct Against {
    named: String,
    comparison: Comparison,
    exit: Exit,
}

/// Finds the baseline, before anything is sent: `latest` is another run afterwards.
pub(super) fn open(args: &Args) -> Result<Option<Baseline>, Refused> {
    let Some(named) = &args.baseline else { return Ok(None) };
    let places = Places { out: &args.out, baselines: &args.baselines };
    let run = places
        .open(named)?
        .evidence(&Settings::default())
        .map_err(|error| Refused::usage(&error))?;
    Ok(Some(Baseline { named: named.display().to_string(), run }))
}

impl Baseline {
    /// Refuses a run that could not be compared: better before it is made than after.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), Refused> {
        if self.run.fingerprint == manifest.fingerprint {
            return Ok(());
        }
        Err(Refused {
            exit: Exit::Invalid,
            why: format!(
                "error: the scenario is not that of baseline {} ({} and {} are the fingerprints), so \
                 nothing was sent\n  = help: run it without --baseline, and keep that run with \
                 `streamgauge baseline save`",
                self.named, manifest.fingerprint, self.run.fingerprint
            ),
        })
    }

    /// Compares a run that has ended, keeps the comparison beside it, and says it.
    pub(super) fn compare(
        self,
        world: &dyn Surroundings,
        args: &Args,
        concluded: &Concluded,
        out: &mut dyn Write,
    ) -> Result<Against, Refused> {
        let directory = &concluded.directory;
        let new = StoredRun::open(directory.path())
            .and_then(|run| run.evidence(&Settings::default()))
            .map_err(|error| Refused::broken(&error))?;
        let earlier = self.earlier(args, &new);
        let comparison = compare(&[self.run], &[new], &earlier, &Settings::default());
        directory.json(FILE, &comparison).map_err(|error| Refused::broken(&error))?;
        let exit = exit(&comparison, args.strict);
        // In JSON the summary is all of standard output; what is quiet says only what failed.
        if args.format == SummaryFormat::Text && (!args.quiet || exit != Exit::Done) {
            let style = terminal::style(args.color, world);
            let said = report::comparison_text(&comparison, style);
            super::say(out, &format!("\n{said}"))?;
        }
        Ok(Against { named: self.named, comparison, exit })
    }

    /// Runs of the same fingerprint that tell how much runs differ by themselves: those of the
    /// history, whose directories may be gone.
    fn earlier(&self, args: &Args, new: &Run) -> Vec<Earlier> {
        let Ok(kept) = history::read(&args.out) else { return Vec::new() };
        let mut entries = kept.entries;
        entries.retain(|entry| {
            let own = [&self.run.id, &new.id].contains(&&entry.id);
            !own && entry.fingerprint == new.fingerprint && entry.is_usable()
        });
        entries.sort_by_cached_key(Entry::began);
        let value = |entry: &Entry, primary| entry.measured(primary).map(|one| one.value);
        let figures = [Primary::TtfcP50, Primary::TtfcP95, Primary::TotalP95];
        entries
            .iter()
            .map(|entry| Earlier {
                figures: figures.iter().map(|primary| value(entry, *primary)).collect(),
                errors: entry.measured(Primary::Errors).map_or((0, 0), |errors| {
                    ((errors.value * errors.count as f64).round() as u64, errors.count)
                }),
            })
            .collect()
    }
}

impl Against {
    /// The exit code that the comparison alone would have.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The comparison as gates, and as Markdown.
    pub(super) fn told(&self, strict: bool) -> (Vec<Gate>, String) {
        let mut gates = report::comparison_gates(&self.comparison, strict);
        for gate in &mut gates {
            gate.name = format!("{} against baseline {}", gate.name, self.named);
        }
        (gates, report::comparison_markdown(&self.comparison))
    }
}
