//! Tables for spreadsheets and scripts: `summary.csv`, one row a metric and series; of a sweep, one
//! row a level.

use std::io::Write;

use crate::metric::Metric;
use crate::summary::{Figures, Percentiles, Summary};
use crate::sweep::SweepSummary;

/// The columns. New ones are only ever appended; readers go by name. `session` is empty for the
/// whole run and for a whole scenario; a rate stands in `mean`. `scenario` is empty where the file lists
/// none.
pub const SUMMARY_COLUMNS: [&str; 31] = [
    "run",
    "session",
    "metric",
    "unit",
    "count",
    "mean",
    "stddev",
    "min",
    "p50",
    "p75",
    "p90",
    "p95",
    "p99",
    "p99_9",
    "max",
    "all_p50",
    "all_p95",
    "all_p99",
    "p50_low",
    "p50_high",
    "p75_low",
    "p75_high",
    "p90_low",
    "p90_high",
    "p95_low",
    "p95_high",
    "p99_low",
    "p99_high",
    "p99_9_low",
    "p99_9_high",
    "scenario",
];

/// Writes the file. `Err` where it cannot be written.
pub fn summary_csv(summary: &Summary, out: impl Write) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(SUMMARY_COLUMNS)?;
    let run = summary.run.id.as_str();
    let whole = std::iter::once(("", "", &summary.metrics));
    let groups = summary.groups.iter().map(|group| {
        let scenario = group.scenario.as_deref().unwrap_or("");
        (scenario, group.session.as_str(), &group.metrics)
    });
    let scenarios = summary.scenarios.iter().map(|one| (one.scenario.as_str(), "", &one.metrics));
    for (scenario, session, metrics) in whole.chain(groups).chain(scenarios) {
        for metric in Metric::ALL {
            let figures = metrics.get(metric);
            let start = [run, session, metric.name(), "ms"].map(String::from);
            let row = start.into_iter().chain(cells(figures));
            rows.write_record(row.chain([scenario.to_owned()]))?;
        }
    }
    let scenarios = summary.scenarios.iter().map(|one| (one.scenario.as_str(), &one.rates));
    for (scenario, rates) in std::iter::once(("", &summary.rates)).chain(scenarios) {
        for (metric, unit, value) in [
            ("errors", "fraction", rates.error_rate),
            ("throughput", "/s", rates.throughput_per_s),
            ("chunks", "/s", rates.chunks_per_s),
            ("goodput", "/s", rates.goodput_per_s),
            ("tokens", "/s", rates.tokens_per_s),
        ] {
            let mut row = [run, "", metric, unit, ""].map(String::from).to_vec();
            row.push(number(value));
            row.resize(SUMMARY_COLUMNS.len() - 1, String::new());
            row.push(scenario.to_owned());
            rows.write_record(row)?;
        }
    }
    rows.flush()?;
    Ok(())
}

/// The columns of a sweep's table. New ones are only ever appended; readers go by name.
pub const SWEEP_COLUMNS: [&str; 15] = [
    "sweep",
    "parameter",
    "level",
    "value",
    "run",
    "exit",
    "verdict",
    "planned",
    "completed",
    "throughput_per_s",
    "goodput_per_s",
    "error_rate",
    "ttfc_p50_ms",
    "ttfc_p95_ms",
    "total_p95_ms",
];

/// Writes a row for each level. `Err` where it cannot be written.
pub fn sweep_csv(sweep: &SweepSummary, out: impl Write) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(SWEEP_COLUMNS)?;
    for level in &sweep.levels {
        rows.write_record([
            sweep.id.clone(),
            sweep.parameter.to_string(),
            level.level.clone(),
            level.value.to_string(),
            level.run.clone(),
            level.exit.to_string(),
            level.verdict.clone(),
            level.planned.to_string(),
            level.completed.to_string(),
            number(level.throughput_per_s),
            number(level.goodput_per_s),
            number(level.error_rate),
            number(level.ttfc_p50_ms),
            number(level.ttfc_p95_ms),
            number(level.total_p95_ms),
        ])?;
    }
    rows.flush()?;
    Ok(())
}

fn cells(figures: &Figures) -> Vec<String> {
    let mut cells = vec![figures.count.to_string()];
    let plain = [figures.mean, figures.stddev, figures.min];
    cells.extend(plain.map(number));
    cells.extend(in_order(&figures.percentiles).map(number));
    cells.push(number(figures.max));
    let all = figures.all;
    cells.extend([all.and_then(|all| all.p50), all.and_then(|all| all.p95)].map(number));
    cells.push(number(all.and_then(|all| all.p99)));
    for interval in in_order(&figures.ci95) {
        cells.push(number(interval.map(|[low, _]| low)));
        cells.push(number(interval.map(|[_, high]| high)));
    }
    cells
}

fn in_order<T: Copy>(all: &Percentiles<T>) -> [Option<T>; 6] {
    [all.p50, all.p75, all.p90, all.p95, all.p99, all.p99_9]
}

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}
