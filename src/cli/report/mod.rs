//! `streamgauge report`: a run that is over, shown again from its directory alone.
//!
//! Nothing in a report depends on where the directory lies: a copy on another machine gives the
//! same.

mod sweep;

pub(super) use sweep::read as read_sweep;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::Exit;
use super::held;
use super::page;
use super::refused::{Refused, settle};
use super::terminal::{self, Colour};
use crate::artifact::{RunDirectory, StoredRun, find};
use crate::report::{self, Style, Suite};
use crate::scenario::Surroundings;

/// Arguments of `streamgauge report`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The run: a directory (also of a sweep or a batch), reports/latest, or a run's id
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Where runs lie that are named by their id
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub out: PathBuf,
    /// How it is written to standard output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people, as at the end of the run.
    Text,
    /// summary.json (of a sweep: sweep.json).
    Json,
    /// summary.csv (of a sweep: a row a level).
    Csv,
    /// Markdown, for a job summary.
    Md,
    /// What the run is held to, as tests.
    Junit,
    /// One page for a browser: report.html.
    Html,
}

/// Shows a run; the exit code says whether it could be read, not how it went.
pub fn run(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    settle(show(world, args, out), err)
}

fn show(world: &dyn Surroundings, args: &Args, out: &mut dyn Write) -> Result<Exit, Refused> {
    let directory = find(&args.run, &args.out);
    let style = terminal::style(args.color, world);
    let said = match sweep::read(&directory)? {
        Some(found) => sweep::written(&directory, &found, args.format, style)?,
        None => written(&directory, args.format, style)?,
    };
    super::say(out, &said)?;
    Ok(Exit::Done)
}

/// The report of one run.
fn written(directory: &Path, format: ReportFormat, style: Style) -> Result<Vec<u8>, Refused> {
    let run = StoredRun::open(directory).map_err(|error| Refused::usage(&error))?;
    let summary = &run.summary;
    Ok(match format {
        ReportFormat::Text => {
            let note = held::unended(&run).map_or(String::new(), |why| {
                let from = match run.recomputed {
                    true => " The figures are made anew from samples.csv.",
                    false => "",
                };
                format!("This run did not come to its end: {why}.{from}\n\n")
            });
            let compared = run.comparison().map_err(|error| Refused::usage(&error))?;
            let compared = compared.map_or(String::new(), |kept| {
                format!("\n{}", report::comparison_text(&kept.comparison, style))
            });
            (note + &report::text(summary, style, None) + &compared).into_bytes()
        }
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(summary);
            (text.map_err(|error| Refused::broken(&error))? + "\n").into_bytes()
        }
        ReportFormat::Csv => {
            let mut rows = Vec::new();
            report::summary_csv(summary, &mut rows).map_err(|error| Refused::broken(&error))?;
            rows
        }
        ReportFormat::Md => {
            let text = held::markdown_of(&run).map_err(|error| Refused::usage(&error))?;
            report::cut_to(&text, report::JOB_SUMMARY_BYTES).into_bytes()
        }
        ReportFormat::Html => {
            let directory =
                RunDirectory::open(directory).map_err(|error| Refused::usage(&error))?;
            let page = page::page(&directory, &run.manifest, summary);
            page.map_err(|error| Refused::broken(&error))?.into_bytes()
        }
        ReportFormat::Junit => {
            let gates = held::gates_of(&run).map_err(|error| Refused::usage(&error))?;
            let suite = Suite {
                name: &summary.run.name,
                id: &summary.run.id,
                duration_s: summary.run.duration_s,
                gates: &gates,
            };
            report::junit("streamgauge", [suite]).into_bytes()
        }
    })
}
