//! `streamgauge history`: runs over time, and what the newest comes to.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::Exit;
use super::page;
use super::refused::{Refused, settle};
use super::terminal::{self, Colour};
use crate::artifact::history::read;
use crate::history::{Budget, Policy, Word, tracks};
use crate::report;
use crate::scenario::Surroundings;
use crate::units::Share;

/// Arguments of `streamgauge history`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The folder of run directories, or a history.jsonl
    #[arg(value_name = "DIR", default_value = "reports")]
    pub place: PathBuf,
    /// Only runs of this branch
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// How many false alarms are looked into: so many a day, week, month, quarter or year
    #[arg(long, value_name = "BUDGET", default_value_t = Budget::default())]
    pub false_alarms: Budget,
    /// A change of the newest run below this does not count
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub min_change: Share,
    /// How it is written to standard output
    #[arg(long, value_enum, default_value_t = HistoryFormat::Text)]
    pub format: HistoryFormat,
    /// How many runs of each fingerprint are listed
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub runs: usize,
    /// Too few runs to judge the newest are a failure: exit code 97
    #[arg(long)]
    pub strict: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// How a history is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people.
    Text,
    /// Everything, for programs.
    Json,
    /// A row a run.
    Csv,
    /// Markdown, for a job summary.
    Md,
    /// One page for a browser, with links to the runs' own; keep it beside their directories.
    Html,
}

/// Shows the runs over time; the exit code says what the newest comes to.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    settle(show(world, args, out, err), err)
}

fn show(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let place = args.place.display();
    let mut kept = read(&args.place).map_err(|error| {
        Refused::usage(&format!("the history in {place} cannot be read: {error}"))
    })?;
    for sentence in &kept.passed_over {
        let _ = writeln!(err, "note: passed over {sentence}");
    }
    if let Some(branch) = &args.branch {
        kept.entries.retain(|entry| entry.branch.as_ref() == Some(branch));
    }
    if kept.entries.is_empty() {
        let which = match &args.branch {
            Some(branch) => format!("no run of branch `{branch}` in {place}"),
            None => format!("no run in {place}"),
        };
        return Err(Refused::usage(&format!(
            "{which}: `streamgauge run` adds one, and --out says where"
        )));
    }
    let policy = Policy { false_alarms: args.false_alarms, min_change: args.min_change.fraction() };
    let tracks = tracks(kept.entries, &policy);
    let said = match args.format {
        HistoryFormat::Text => {
            let width = terminal::width();
            let style = terminal::style(args.color, world);
            report::history_text(&tracks, &policy, (args.runs, width), style).into_bytes()
        }
        HistoryFormat::Json => report::history_json(&tracks, &policy).into_bytes(),
        HistoryFormat::Html => {
            let folder =
                if args.place.is_dir() { Some(args.place.as_path()) } else { args.place.parent() };
            let has_page = |run: &str| {
                folder.is_some_and(|folder| folder.join(run).join(page::NAME).is_file())
            };
            let page = report::html::history_page(&tracks, &policy, "./", &has_page);
            page.map_err(|error| Refused::broken(&error))?.into_bytes()
        }
        HistoryFormat::Csv => {
            let mut rows = Vec::new();
            report::history_csv(&tracks, &mut rows).map_err(|error| Refused::broken(&error))?;
            rows
        }
        HistoryFormat::Md => {
            let text = report::history_markdown(&tracks, &policy, args.runs);
            report::cut_to(&text, report::JOB_SUMMARY_BYTES).into_bytes()
        }
    };
    super::say(out, &said)?;
    let newest = tracks.last().and_then(|track| track.newest.as_ref());
    Ok(match newest.map(|newest| newest.verdict) {
        Some(Word::Regressed) => Exit::Regression,
        Some(Word::Invalid | Word::Incomplete) => Exit::Invalid,
        Some(Word::TooFew) | None if args.strict => Exit::Inconclusive,
        _ => Exit::Done,
    })
}
