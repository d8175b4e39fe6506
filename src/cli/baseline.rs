//! `streamgauge baseline`: runs kept under a name, to compare others with.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::refused::{Refused, settle};
use crate::artifact::{Ending, ReadError, StoredRun, baseline, find};
use crate::summary::ValidityVerdict;

/// Where baselines are kept, beside the reports and not in them.
pub const FOLDER: &str = "baselines";

/// Where a run lies that is named by its id, or as a baseline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// Run directories.
    pub(super) out: &'a Path,
    /// Baselines.
    pub(super) baselines: &'a Path,
}

impl Places<'_> {
    /// The directory that `named` means.
    pub(super) fn find(self, named: &Path) -> PathBuf {
        baseline::find_base(named, self.out, self.baselines)
    }

    /// Opens the run that `named` means; where there is none, says which baselines there are.
    pub(super) fn open(self, named: &Path) -> Result<StoredRun, Refused> {
        StoredRun::open(&self.find(named)).map_err(|error| {
            let mut refused = Refused::usage(&error);
            if let ReadError::NotThere { .. } = error {
                refused.why += &format!("\n  = help: {}", self.baselines_there_are());
            }
            refused
        })
    }

    fn baselines_there_are(self) -> String {
        let folder = self.baselines.display();
        match baseline::names(self.baselines) {
            Ok(names) if names.is_empty() => format!(
                "there are no baselines in {folder}: `streamgauge baseline save NAME` keeps one"
            ),
            Ok(names) => format!("the baselines in {folder} are {}", names.join(", ")),
            Err(error) => format!("the baselines in {folder} cannot be listed: {error}"),
        }
    }
}

/// Arguments of `streamgauge baseline`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Where baselines are kept
    #[arg(long, value_name = "DIR", default_value = FOLDER, global = true)]
    baselines: PathBuf,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Keep a run under a name; one of that name is replaced
    Save {
        /// What it is called: letters, digits, `.`, `_` and `-`
        #[arg(value_name = "NAME")]
        name: String,
        /// The run: a directory, reports/latest, or a run's id
        #[arg(value_name = "RUN", default_value = "latest")]
        run: PathBuf,
        /// Where runs lie that are named by their id
        #[arg(long, value_name = "DIR", default_value = "reports")]
        out: PathBuf,
    },
    /// List what is kept
    List,
    /// Take one away
    Remove {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Does what was asked; the exit code.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let folder = &args.baselines;
    let done = match &args.command {
        Command::Save { name, run, out } => save(folder, name, run, out, err),
        Command::List => list(folder, out, err),
        Command::Remove { name } => baseline::remove(folder, name)
            .map(|()| Exit::Done)
            .map_err(|error| Refused::usage(&error)),
    };
    settle(done, err)
}

fn save(
    folder: &Path,
    name: &str,
    run: &Path,
    out: &Path,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let run = StoredRun::open(&find(run, out)).map_err(|error| Refused::usage(&error))?;
    let id = &run.manifest.id;
    // What is compared with it later would be refused then: better now.
    if run.ending() != Ending::Finished {
        return Err(Refused::usage(&format!(
            "run {id} did not come to its end: nothing can be compared with it"
        )));
    }
    if run.summary.validity.verdict == ValidityVerdict::Invalid {
        return Err(Refused::usage(&format!(
            "run {id} is invalid ({}): nothing can be compared with it",
            run.summary.validity.reasons.join(" ")
        )));
    }
    let saved = baseline::save(folder, name, &run).map_err(|error| match error {
        baseline::BaselineError::Name(_) => Refused::usage(&error),
        error => Refused::broken(&error),
    })?;
    let was = if saved.replaced { "replaced by" } else { "is" };
    let _ = writeln!(err, "Baseline {name} {was} run {id}, in {}.", saved.path.display());
    if saved.without_samples {
        let _ =
            writeln!(err, "Its samples are too large to be kept; comparisons use its histograms.");
    }
    Ok(Exit::Done)
}

fn list(folder: &Path, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Refused> {
    let names = baseline::names(folder).map_err(|error| {
        Refused::broken(&format!("{} cannot be read: {error}", folder.display()))
    })?;
    if names.is_empty() {
        let _ = writeln!(
            err,
            "No baselines in {}: `streamgauge baseline save NAME` keeps one.",
            folder.display()
        );
    }
    let mut text = String::new();
    for name in names {
        match StoredRun::open(&folder.join(&name)) {
            Ok(run) => text.push_str(&format!(
                "{name:<24} {:<16} {:.16} {}\n",
                run.manifest.fingerprint, run.manifest.started_at, run.manifest.id
            )),
            Err(error) => {
                let _ = writeln!(err, "note: {name}: {error}");
            }
        }
    }
    super::say(out, text.as_bytes())?;
    Ok(Exit::Done)
}
