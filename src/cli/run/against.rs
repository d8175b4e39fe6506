//! `--baseline`: a run against one that was kept, or that was made before.

use std::io::Write;

use super::conclude::Concluded;
use super::{Args, Refused, SummaryFormat};
use crate::artifact::manifest::Manifest;
use crate::artifact::{COMPARISON, KeptComparison, StoredRun, earlier};
use crate::cli::baseline::Places;
use crate::cli::compare::exit;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::compare::{Run, Settings, compare};
use crate::report;
use crate::scenario::Surroundings;

/// What a run is measured by.
pub(super) struct Baseline {
    named: String,
    run: Run,
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

    /// Compares a run that has ended, keeps the comparison beside it, and says it; the exit code that
    /// the comparison alone would have.
    pub(super) fn compare(
        self,
        world: &dyn Surroundings,
        args: &Args,
        concluded: &Concluded,
        out: &mut dyn Write,
    ) -> Result<Exit, Refused> {
        let directory = &concluded.directory;
        let new = StoredRun::open(directory.path())
            .and_then(|run| run.evidence(&Settings::default()))
            .map_err(|error| Refused::broken(&error))?;
        let (base, new, settings) = ([self.run], [new], Settings::default());
        // Without a history the noise is not known, and the comparison says so.
        let before = earlier(&args.out, &base, &new, &settings).unwrap_or_default();
        let comparison = compare(&base, &new, &before, &settings);
        let exit = exit(comparison.verdict, args.strict);
        let kept = KeptComparison { comparison, baseline: Some(self.named), strict: args.strict };
        directory.json(COMPARISON, &kept).map_err(|error| Refused::broken(&error))?;
        // In JSON the summary is all of standard output; what is quiet says only what failed.
        if args.format == SummaryFormat::Text && (!args.quiet || exit != Exit::Done) {
            let style = terminal::style(args.color, world);
            let said = report::comparison_text(&kept.comparison, style);
            super::say(out, &format!("\n{said}"))?;
        }
        Ok(exit)
    }
}
