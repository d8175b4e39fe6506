//! Reads what a page is made of. Samples go by one after the other.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::PathBuf;

use hdrhistogram::Histogram;

use super::{chunks, facts, health, messages, seconds};
use crate::artifact::RunDirectory;
use crate::artifact::hlog::HlogReader;
use crate::artifact::manifest::Manifest;
use crate::artifact::samples::SampleReader;
use crate::artifact::timeline::TimelineTable;
use crate::metric::Metric;
use crate::report::html::{Gather, Gathered, RunPage, Spread, Timeline};
use crate::summary::{Group, Summary};

/// Everything that the page of a run says.
pub(super) fn load(directory: &RunDirectory, manifest: &Manifest, summary: &Summary) -> RunPage {
    let mut missing = Vec::new();
    let (mut gathered, kinds) = gathered(directory, summary, &mut missing);
    match open(directory, "chunks.jsonl") {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        lines => {
            if let Err(error) = lines.and_then(|lines| chunks::tell(lines, &mut gathered.turns)) {
                missing.push(format!("Single chunks are missing: {error}."));
            }
        }
    }
    let (timeline, gap) = over_time(directory, summary, &mut missing);
    RunPage {
        summary: summary.clone(),
        ended: facts::ended(manifest.state),
        failures: facts::failures(&manifest.scenario),
        target: facts::target(&manifest.target),
        facts: facts::about(manifest, summary),
        tester: manifest.health.as_ref().map_or_else(Vec::new, health::of_the_tester),
        batch: facts::batch(directory),
        command: manifest.command.clone(),
        scenario: manifest.scenario.clone(),
        kinds,
        messages: messages::of_the_scenario(&manifest.scenario, &summary.groups),
        gathered,
        gap,
        timeline,
        missing,
    }
}

fn open(directory: &RunDirectory, name: &str) -> std::io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(1 << 17, File::open(directory.path().join(name))?))
}

fn gathered(
    directory: &RunDirectory,
    summary: &Summary,
    missing: &mut Vec<String>,
) -> (Gathered, Vec<String>) {
    let groups = &summary.groups;
    // Kinds of several scenarios may have the same names.
    let pair = |group: &Group| Some((group.session.clone(), group.scenario.clone()?));
    let pairs: Option<Vec<_>> = groups.iter().map(pair).collect();
    let kinds: Vec<String> = groups.iter().map(Group::label).collect();
    let median = summary.metrics.get(Metric::Total).percentiles.p50;
    let mut gather = Gather::new(median.map(|millis| (millis * 1e3).round() as u64));
    let rows = open(directory, "samples.csv")
        .map_err(|error| format!("samples.csv cannot be read: {error}"))
        .and_then(|file| {
            let reader = match pairs.filter(|pairs| !pairs.is_empty()) {
                Some(pairs) => SampleReader::together(file, pairs),
                None => SampleReader::new(file, kinds.clone()),
            };
            reader.map_err(|error| error.to_string())
        });
    let mut rows = match rows {
        Ok(rows) => rows,
        Err(why) => {
            missing.push(format!("Distributions, messages and turns are missing: {why}."));
            return (Gathered::default(), kinds);
        }
    };
    for row in rows.by_ref() {
        match row {
            Ok(row) => gather.sample(&row.sample),
            Err(error) => {
                missing.push(format!("Distributions, messages and turns end early: {error}."));
                break;
            }
        }
    }
    // A kind that the summary does not know has a name all the same.
    let further = rows.kinds().iter().skip(kinds.len()).cloned();
    let kinds = kinds.iter().cloned().chain(further).collect();
    (gather.finish(), kinds)
}

/// The distributions of several runs together. A run whose samples cannot be read adds nothing.
pub(super) fn spreads(runs: &[PathBuf]) -> Vec<(Metric, Spread)> {
    let mut gather = Gather::new(None);
    for path in runs {
        let none: [String; 0] = [];
        let rows = RunDirectory::open(path)
            .ok()
            .and_then(|directory| open(&directory, "samples.csv").ok())
            .and_then(|file| SampleReader::new(file, none).ok());
        for row in rows.into_iter().flatten().map_while(Result::ok) {
            gather.sample(&row.sample);
        }
    }
    gather.finish().spreads
}

fn over_time(
    directory: &RunDirectory,
    summary: &Summary,
    missing: &mut Vec<String>,
) -> (Timeline, Spread) {
    let table = open(directory, "timeline.csv")
        .map_err(csv::Error::from)
        .and_then(TimelineTable::read)
        .unwrap_or_else(|error| {
            missing.push(format!("What happened when is missing: {error}."));
            TimelineTable::default()
        });
    let mut seconds = seconds::Seconds::new(&table, summary);
    let mut gap: Option<Histogram<u64>> = None;
    let mut take = |name: &str, is_last: bool| -> std::io::Result<()> {
        let wanted = [Metric::Gap, Metric::Ttfc, Metric::Total, Metric::Lateness];
        for line in HlogReader::new(open(directory, name)?).only(&wanted) {
            let line = line?;
            if line.metric == Metric::Gap {
                match &mut gap {
                    // Both have the bounds that every file of this tool has.
                    Some(sum) => drop(sum.add(&line.histogram)),
                    None => gap = Some(line.histogram),
                }
            } else if is_last {
                seconds.add(&line);
            }
        }
        Ok(())
    };
    // A batch that was gone on with has a file for each time; second by second there is the last.
    let earlier: Vec<String> = (1..)
        .map(|leg| format!("histograms.leg{leg}.hlog"))
        .take_while(|name| directory.path().join(name).is_file())
        .collect();
    let mut read = earlier.iter().try_for_each(|name| take(name, false));
    if !earlier.is_empty() {
        missing
            .push("What happened when is shown of the last time that it was gone on with.".into());
    }
    read = read.and_then(|()| take("histograms.hlog", true));
    if let Err(error) = read {
        missing.push(format!("Gaps and lateness are incomplete: {error}."));
    }
    (seconds.finish(), gap.map_or_else(Spread::default, |gap| Spread::of_histogram(&gap)))
}
