//! The report of a sweep: of several runs.

use std::fs;
use std::io;
use std::path::Path;

use super::ReportFormat;
use crate::artifact::StoredRun;
use crate::cli::held;
use crate::cli::page;
use crate::cli::refused::Refused;
use crate::report::{self, Gate, GateKind, Style, Suite};
use crate::sweep::{FORMAT, LevelResult, SweepSummary};

/// The sweep in a directory; `None` if it holds none.
pub(in crate::cli) fn read(directory: &Path) -> Result<Option<SweepSummary>, Refused> {
    let path = directory.join("sweep.json");
    let bad = |why: &dyn std::fmt::Display| {
        Refused::usage(&format!("{} cannot be read: {why}", path.display()))
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                _ => Err(bad(&error)),
            };
        }
    };
    let sweep: serde_json::Value = serde_json::from_slice(&text).map_err(|error| bad(&error))?;
    match sweep["format"].as_u64() {
        Some(format) if format == u64::from(FORMAT) => {}
        _ => return Err(bad(&"it is of another format version")),
    }
    serde_json::from_value(sweep).map(Some).map_err(|error| bad(&error))
}

/// The report.
pub(super) fn written(
    directory: &Path,
    sweep: &SweepSummary,
    format: ReportFormat,
    style: Style,
) -> Result<Vec<u8>, Refused> {
    Ok(match format {
        ReportFormat::Text => report::curve(sweep, style, None).into_bytes(),
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(sweep);
            (text.map_err(|error| Refused::broken(&error))? + "\n").into_bytes()
        }
        ReportFormat::Csv => {
            let mut rows = Vec::new();
            report::sweep_csv(sweep, &mut rows).map_err(|error| Refused::broken(&error))?;
            rows
        }
        ReportFormat::Md => {
            let text = report::sweep_markdown(sweep);
            report::cut_to(&text, report::JOB_SUMMARY_BYTES).into_bytes()
        }
        ReportFormat::Html => {
            page::sweep_page(sweep).map_err(|error| Refused::broken(&error))?.into_bytes()
        }
        ReportFormat::Junit => junit(directory, sweep)?,
    })
}

/// A suite for each level.
fn junit(directory: &Path, sweep: &SweepSummary) -> Result<Vec<u8>, Refused> {
    let mut levels = Vec::new();
    for level in &sweep.levels {
        let name = format!("{} {}={}", sweep.name, sweep.parameter, level.level);
        let place = directory.join(&level.run);
        let (duration_s, gates) = if place.exists() {
            let run = StoredRun::open(&place).map_err(|error| Refused::usage(&error))?;
            let gates = held::gates_of(&run).map_err(|error| Refused::usage(&error))?;
            (run.summary.run.duration_s, gates)
        } else {
            // Only the line in sweep.json is left of it.
            (0.0, vec![ended(level)])
        };
        levels.push((name, &level.run, duration_s, gates));
    }
    let suites = levels.iter().map(|(name, id, duration_s, gates)| Suite {
        name,
        id,
        duration_s: *duration_s,
        gates,
    });
    Ok(report::junit("streamgauge", suites).into_bytes())
}

fn ended(level: &LevelResult) -> Gate {
    Gate {
        kind: GateKind::End,
        name: "the run holds".into(),
        held: level.exit == 0,
        seen: format!("{} (exit code {})", level.verdict, level.exit),
    }
}
