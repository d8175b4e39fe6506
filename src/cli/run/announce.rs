//! What the CI system around a run is told of it.

use std::io::Write;

use super::Args;
use super::conclude::Concluded;
use crate::artifact::StoredRun;
use crate::cli::ci::{Ci, Told};
use crate::cli::exit::Exit;
use crate::cli::held;
use crate::metric::Metric;
use crate::report::{self, Gate, GateKind};
use crate::scenario::Surroundings;
use crate::summary::Summary;
use crate::sweep::SweepSummary;

/// Tells of one run, and of the comparison with its baseline.
pub(super) fn run(
    world: &dyn Surroundings,
    args: &Args,
    concluded: &Concluded,
    exit: Exit,
    err: &mut dyn Write,
) {
    let Some(ci) = Ci::around(args.ci, world) else { return };
    let read = StoredRun::open(concluded.directory.path())
        .and_then(|run| Ok((held::gates_of(&run)?, held::markdown_of(&run)?, run)));
    let (gates, markdown, run) = match read {
        Ok(read) => read,
        Err(error) => {
            let _ = writeln!(err, "note: CI is told nothing: {error}");
            return;
        }
    };
    let mut outputs = vec![
        ("run-id", run.summary.run.id.clone()),
        ("directory", concluded.directory.path().display().to_string()),
        ("exit-code", exit.code().to_string()),
        ("verdict", if exit == Exit::Done { "passed" } else { "failed" }.to_owned()),
    ];
    outputs.extend(figures(&run.summary));
    let subject = run.summary.run.name.as_str();
    let told = Told { subject, markdown: &markdown, outputs, gates: &gates, strict: args.strict };
    ci.tell(&told, err);
}

fn figures(summary: &Summary) -> Vec<(&'static str, String)> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let ttfc = summary.metrics.get(Metric::Ttfc).percentiles;
    let total = summary.metrics.get(Metric::Total).percentiles;
    let validity = serde_json::to_value(summary.validity.verdict).unwrap_or_default();
    vec![
        ("validity", validity.as_str().unwrap_or_default().to_owned()),
        ("planned", summary.counts.planned.to_string()),
        ("completed", summary.counts.completed.to_string()),
        ("error-rate", number(summary.rates.error_rate)),
        ("ttfc-p50-ms", number(ttfc.p50)),
        ("ttfc-p95-ms", number(ttfc.p95)),
        ("total-p95-ms", number(total.p95)),
        ("throughput-per-s", number(summary.rates.throughput_per_s)),
    ]
}

/// Tells of several runs: each level that counts is a gate.
pub(super) fn sweep(
    world: &dyn Surroundings,
    args: &Args,
    sweep: &SweepSummary,
    (directory, exit): (String, Exit),
    err: &mut dyn Write,
) {
    let Some(ci) = Ci::around(args.ci, world) else { return };
    let gates: Vec<Gate> = sweep
        .levels
        .iter()
        // That levels fail is what a search is about.
        .filter(|_| sweep.search.is_none())
        .map(|level| Gate {
            kind: GateKind::End,
            name: format!("{}={}", sweep.parameter, level.level),
            held: level.exit == 0,
            seen: format!("{} (exit code {})", level.verdict, level.exit),
        })
        .collect();
    let outputs = vec![
        ("run-id", sweep.id.clone()),
        ("directory", directory),
        ("exit-code", exit.code().to_string()),
        ("verdict", if exit == Exit::Done { "passed" } else { "failed" }.to_owned()),
    ];
    let markdown = report::sweep_markdown(sweep);
    let told = Told {
        subject: &sweep.name,
        markdown: &markdown,
        outputs,
        gates: &gates,
        strict: args.strict,
    };
    ci.tell(&told, err);
}
