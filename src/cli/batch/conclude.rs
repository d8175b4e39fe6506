//! From the end of a leg to the files people and CI read, the report, and the exit code.

use std::fs::File;
use std::io::{BufReader, Write};
use std::sync::Arc;

use super::conduct::Conducted;
use super::prepare::Prepared;
use super::stdout::{Stdout, hand_out, say};
use super::{Args, Refused};
use crate::artifact::manifest::RunState;
use crate::artifact::samples::SampleReader;
use crate::batch::{Halt, STATUSES, View, view_rows};
use crate::cli::calibrate::place;
use crate::cli::command_line;
use crate::cli::exit::Exit;
use crate::cli::health::Health;
use crate::cli::page;
use crate::cli::run::SummaryFormat;
use crate::cli::terminal;
use crate::measure::{Replay, Totals};
use crate::report;
use crate::scenario::{Load, Surroundings, Via};
use crate::summary::{Accuracy, LoadFacts, LoadModel, RunFacts, Summary, summarize};
use crate::units::Offset;

/// The command line that goes on. It is said where a log may be kept: secrets are masked.
pub(super) fn same_command() -> String {
    command_line::kept(&["--fresh"])
}

/// A batch that had come to its end before: its results are made anew, nothing is sent.
pub(super) fn finished_before(
    args: &Args,
    prepared: Prepared,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let Prepared { journal, results, shape, input, items_again, account, .. } = prepared;
    let rows = view_rows(&input, items_again);
    View::begin(journal.path(), &results, shape, args.order, rows)
        .map_err(|error| Refused::broken(&error))?
        .end()
        .map_err(|error| Refused::broken(&error))?;
    let _ = writeln!(
        err,
        "Finished before: {}. The results are in {}; nothing was sent. --fresh begins anew.",
        account.words(),
        results.display()
    );
    if args.stdout()? == Stdout::Results {
        hand_out(&results, out)?;
    }
    Ok(Exit::Done)
}

/// Writes the summary and says it.
pub(super) fn conclude(
    world: &dyn Surroundings,
    args: &Args,
    mut conducted: Conducted,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Refused> {
    let resumed = conducted.base > std::time::Duration::ZERO;
    let again = if resumed { Some(totals(&conducted)?) } else { None };
    let totals = again.as_ref().unwrap_or(&conducted.collected.totals);
    let mut summary = summarize(&facts(&conducted), totals);
    summary.accuracy = accuracy(world, &summary, totals);
    let standing = &conducted.standing;
    let whole = standing.finished() == standing.items;
    let failed = match &conducted.halt {
        Some(halt) if !halt.can_be_resumed() => Some(halt.sentence()),
        _ => None,
    };
    let failed = conducted.failure.clone().or(failed);
    let manifest = &mut conducted.manifest;
    manifest.counts = serde_json::to_value(summary.counts).ok();
    manifest.validity = serde_json::to_value(&summary.validity).ok();
    let counted = (manifest.transport == Via::Wire.to_string()).then_some(conducted.connections);
    let health =
        Health::of(totals, conducted.collected.lag, conducted.cpu, counted, summary.health.clone());
    manifest.health = serde_json::to_value(&health).ok();
    manifest.state = match (&failed, whole) {
        (Some(_), _) => RunState::Failed,
        (None, false) => RunState::Interrupted,
        (None, true) => RunState::Finished,
    };
    let counts: serde_json::Map<_, _> = STATUSES
        .iter()
        .map(|one| (one.word().to_owned(), standing.counts[*one as usize].into()))
        .collect();
    let batch = serde_json::json!({
        "rows": standing.items,
        "left": standing.items - standing.finished(),
        "counts": counts,
        "results": conducted.results.display().to_string(),
        "concurrency": { "limit": standing.limit, "found_out": conducted.searched },
        "stopped": conducted.halt.as_ref().map(Halt::sentence),
    });
    let files = conducted
        .directory
        .json("summary.json", &summary)
        .and_then(|()| {
            conducted.directory.whole("summary.csv", |out| {
                report::summary_csv(&summary, out).map_err(std::io::Error::other)
            })
        })
        .and_then(|()| conducted.directory.json("batch.json", &batch))
        .and_then(|()| conducted.directory.json("run.json", &conducted.manifest))
        .and_then(|()| page::write(&conducted.directory, &conducted.manifest, &summary));
    conducted.directory.point_latest();
    let place = conducted.directory.path().display().to_string();
    let stdout = args.stdout()?;
    let said = match args.format {
        _ if stdout == Stdout::Events => String::new(),
        SummaryFormat::Json => serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n",
        SummaryFormat::Text if args.quiet => String::new(),
        SummaryFormat::Text => {
            report::text(&summary, terminal::style(args.color, world), Some(&place))
        }
    };
    let handed = match stdout {
        Stdout::Summary | Stdout::Events => say(&said, out),
        Stdout::Results => {
            let _ = err.write_all(said.as_bytes());
            hand_out(&conducted.results, out)
        }
    };
    tell(args, &conducted, err);
    if let Some(why) = failed {
        return Err(Refused::broken(&why));
    }
    files.map_err(|error| Refused::broken(&error))?;
    handed?;
    let verdict = summary.verdict(conducted.job.shared().limits.failures);
    let allowed = args.max_failures.unwrap_or(conducted.job.shared().limits.failures);
    let unanswered = allowed.are_exceeded(standing.unanswered(), standing.items);
    Ok(Exit::first([
        (!whole, Exit::Stopped),
        (verdict.thresholds_failed > 0, Exit::Threshold),
        (unanswered, Exit::Unanswered),
    ]))
}

/// What is said beside the report.
fn tell(args: &Args, conducted: &Conducted, err: &mut dyn Write) {
    let standing = &conducted.standing;
    let left = standing.items - standing.finished();
    let mut text = String::new();
    if !args.quiet {
        let counts: Vec<String> = STATUSES
            .iter()
            .filter(|one| standing.counts[**one as usize] > 0)
            .map(|one| format!("{} {}", standing.counts[*one as usize], one.word()))
            .collect();
        text.push_str(&format!(
            "{} of {} rows done ({}). Results: {}\n",
            standing.finished(),
            standing.items,
            counts.join(", "),
            conducted.results.display()
        ));
        if conducted.searched {
            text.push_str(&format!("-c auto came to {}.\n", standing.limit));
        }
    }
    if left > 0 {
        let why = match &conducted.halt {
            Some(halt) => halt.sentence(),
            None if conducted.interrupted => "it was interrupted".into(),
            None => "it could not go on".into(),
        };
        text.push_str(&format!(
            "Stopped: {why}. {left} rows are left; the same command again goes on:\n  {}\n",
            same_command()
        ));
    }
    let _ = err.write_all(text.as_bytes());
}

/// What the calibration of this machine, where there is one, says of our error in such a batch.
fn accuracy(world: &dyn Surroundings, summary: &Summary, totals: &Totals) -> Option<Accuracy> {
    let calibration = place::read(None, world).ok()??;
    let all = totals.all();
    let chunks = all.chunks as f64 / all.counts.completed.max(1) as f64;
    calibration.cite(summary.load.in_flight_max, chunks)
}

/// The figures of all legs, from the samples.
fn totals(conducted: &Conducted) -> Result<Totals, Refused> {
    let path = conducted.directory.path().join("samples.csv");
    let file = File::open(&path)
        .map_err(|error| Refused::broken(&format!("cannot read {}: {error}", path.display())))?;
    let kinds = conducted.job.kind_names();
    let rows =
        SampleReader::new(BufReader::new(file), kinds).map_err(|error| Refused::broken(&error))?;
    let mut replay = Replay::new(Arc::clone(&conducted.job.layout));
    for row in rows {
        replay.sample(&row.map_err(|error| Refused::broken(&error))?.sample);
    }
    Ok(replay.finish())
}

fn facts(conducted: &Conducted) -> RunFacts {
    let scenario = conducted.job.shared();
    let manifest = &conducted.manifest;
    let concurrency = match scenario.load {
        Load::Once { concurrency } if !conducted.searched => concurrency.to_string(),
        _ => format!("auto ({} in the end)", conducted.standing.limit),
    };
    RunFacts {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        started_at: manifest.started_at.clone(),
        duration: conducted.base + conducted.duration,
        seed: manifest.seed,
        version: manifest.version.clone(),
        fingerprint: manifest.fingerprint.clone(),
        kinds: conducted.job.kind_names(),
        load: LoadFacts {
            model: LoadModel::Once,
            description: format!(
                "{} of {} rows once, {concurrency} at a time",
                conducted.standing.finished(),
                conducted.standing.items
            ),
            warmup: std::time::Duration::ZERO,
            ended: None,
            offered: None,
            max_in_flight: None,
            limited: scenario.limits.requests.is_some(),
        },
        thresholds: scenario.thresholds.clone(),
        failures: scenario.limits.failures,
        collector_lag: conducted.collected.lag,
        stopped: None,
        // Of this leg: what earlier ones saw of themselves ended with them.
        observed: Some(conducted.seen.between(Offset::ZERO, Offset::NEVER)),
        scenarios: Vec::new(),
    }
}
