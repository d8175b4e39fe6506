//! The tables of a run: percentiles, session kinds, messages, errors, thresholds.

use super::super::table::{cut, millis, one_line, percent, thousands};
use super::cell::{
    count_cell, interval_cell, millis_cell, observed_cell, plain_cell, rate_cell, share_cell,
};
use super::gather::Message;
use crate::measure::Counts;
use crate::metric::Metric;
use crate::summary::{CountsSummary, Figures, Summary};

/// Rows that a table has at most; the rest is in the files.
pub(super) const ROWS: usize = 400;

/// A table: heads with a class each, and rows of cells that are markup already.
pub(super) struct Table {
    pub(super) heads: Vec<(&'static str, &'static str)>,
    pub(super) rows: Vec<Row>,
    /// Rows that were too many.
    pub(super) left_out: usize,
}

/// One row.
pub(super) struct Row {
    /// What it is of: text of others.
    pub(super) name: String,
    pub(super) note: String,
    pub(super) cells: Vec<String>,
    pub(super) class: &'static str,
}

/// What each metric is, in the words of a reader.
fn meaning(metric: Metric) -> &'static str {
    match metric {
        Metric::Ttfc => "time to first chunk, from when the turn was due",
        Metric::TtfcService => "time to first chunk, from when it was sent",
        Metric::Total => "until the reply ended, from when the turn was due",
        Metric::TotalService => "until the reply ended, from when it was sent",
        Metric::Gap => "between chunks of one reply",
        Metric::Lateness => "our own error",
        Metric::Queue => "waiting that the load asked for",
        Metric::Headers => "from sending to the response head",
        Metric::Connect => "DNS, TCP and TLS of a new connection",
        Metric::SessionTotal => "a whole session",
        Metric::FirstReasoning => "time to first reasoning",
        Metric::Tpot => "time per output token",
        Metric::ClientLag => "how long a read lay in our kernel",
    }
}

const HEADS: [(&str, &str); 11] = [
    ("", "metric, ms"),
    ("n", "p50"),
    ("n", "p75"),
    ("n", "p90"),
    ("n", "p95"),
    ("n", "p99"),
    ("n", "p99.9"),
    ("n", "max"),
    ("n", "min"),
    ("n", "mean"),
    ("n", "count"),
];

/// Every metric that has a value, with intervals; under it the percentiles with every turn without
/// an answer as endless, where they differ.
pub(super) fn percentiles(summary: &Summary) -> Table {
    let mut rows = Vec::new();
    for metric in Metric::ALL {
        let figures = summary.metrics.get(metric);
        if figures.count == 0 {
            continue;
        }
        let of = format!("/metrics/{}", metric.name());
        rows.push(Row {
            name: metric.name().into(),
            note: meaning(metric).into(),
            cells: figures_cells(&of, figures),
            class: "",
        });
        let all = if metric == Metric::SessionTotal { "all sessions" } else { "all turns" };
        rows.extend(all_turns(all, &of, figures));
    }
    Table { heads: HEADS.to_vec(), rows, left_out: 0 }
}

fn figures_cells(of: &str, figures: &Figures) -> Vec<String> {
    let cell = |key: &str, value| millis_cell(&format!("{of}/{key}"), value);
    let (plain, ci95) = (&figures.percentiles, &figures.ci95);
    let both = |key: &str, value, interval| {
        cell(key, value) + &interval_cell(&format!("{of}/ci95/{key}"), interval)
    };
    vec![
        both("p50", plain.p50, ci95.p50),
        both("p75", plain.p75, ci95.p75),
        both("p90", plain.p90, ci95.p90),
        both("p95", plain.p95, ci95.p95),
        both("p99", plain.p99, ci95.p99),
        both("p99_9", plain.p99_9, ci95.p99_9),
        cell("max", figures.max),
        cell("min", figures.min),
        cell("mean", figures.mean),
        count_cell(&format!("{of}/count"), figures.count),
    ]
}

fn all_turns(name: &str, of: &str, figures: &Figures) -> Option<Row> {
    let all = figures.all?;
    let plain = &figures.percentiles;
    if (all.p50, all.p95, all.p99) == (plain.p50, plain.p95, plain.p99) {
        return None;
    }
    let cell = |key: &str, value: Option<f64>| match value {
        Some(_) => millis_cell(&format!("{of}/all/{key}"), value),
        None => "<span class=\"endless\">no answer</span>".into(),
    };
    let empty = String::new;
    Some(Row {
        name: name.into(),
        note: String::new(),
        cells: vec![
            cell("p50", all.p50),
            empty(),
            empty(),
            cell("p95", all.p95),
            cell("p99", all.p99),
            empty(),
            empty(),
            empty(),
            empty(),
            empty(),
        ],
        class: "under",
    })
}

const KIND_HEADS: [(&str, &str); 9] = [
    ("", "session"),
    ("n", "turns"),
    ("n", "completed"),
    ("n", "errors"),
    ("n", "ttfc p50"),
    ("n", "ttfc p95"),
    ("n", "ttfc p99"),
    ("n", "total p50"),
    ("n", "total p95"),
];

/// By session kind.
pub(super) fn kinds(summary: &Summary) -> Table {
    let rows = summary.groups.iter().enumerate().take(ROWS).map(|(at, group)| {
        let of = format!("/groups/{at}");
        let figure = |metric: Metric, key: &str, value| {
            millis_cell(&format!("{of}/metrics/{}/{key}", metric.name()), value)
        };
        let ttfc = &group.metrics.get(Metric::Ttfc).percentiles;
        let total = &group.metrics.get(Metric::Total).percentiles;
        Row {
            name: group.session.clone(),
            note: group.scenario.clone().unwrap_or_default(),
            cells: vec![
                count_cell(&format!("{of}/counts/planned"), group.counts.planned),
                count_cell(&format!("{of}/counts/completed"), group.counts.completed),
                errors_of(&group.counts),
                figure(Metric::Ttfc, "p50", ttfc.p50),
                figure(Metric::Ttfc, "p95", ttfc.p95),
                figure(Metric::Ttfc, "p99", ttfc.p99),
                figure(Metric::Total, "p50", total.p50),
                figure(Metric::Total, "p95", total.p95),
            ],
            class: "",
        }
    });
    Table {
        heads: KIND_HEADS.to_vec(),
        rows: rows.collect(),
        left_out: summary.groups.len().saturating_sub(ROWS),
    }
}

fn errors_of(counts: &CountsSummary) -> String {
    let judged = counts.planned - counts.cancelled;
    let rate = (judged > 0).then(|| (judged - counts.completed) as f64 / judged as f64);
    plain_cell(rate, &percent(rate))
}

const SCENARIO_HEADS: [(&str, &str); 9] = [
    ("", "scenario"),
    ("n", "turns"),
    ("n", "completed"),
    ("n", "errors"),
    ("n", "throughput"),
    ("n", "ttfc p50"),
    ("n", "ttfc p95"),
    ("n", "total p50"),
    ("n", "total p95"),
];

/// Each of several scenarios.
pub(super) fn scenarios(summary: &Summary) -> Table {
    let rows = summary.scenarios.iter().enumerate().map(|(at, one)| {
        let of = format!("/scenarios/{at}");
        let figure = |metric: Metric, key: &str, value| {
            millis_cell(&format!("{of}/metrics/{}/{key}", metric.name()), value)
        };
        let ttfc = &one.metrics.get(Metric::Ttfc).percentiles;
        let total = &one.metrics.get(Metric::Total).percentiles;
        let rates = &one.rates;
        Row {
            name: one.scenario.clone(),
            note: one.load.description.clone(),
            cells: vec![
                count_cell(&format!("{of}/counts/planned"), one.counts.planned),
                count_cell(&format!("{of}/counts/completed"), one.counts.completed),
                share_cell(&format!("{of}/rates/error_rate"), rates.error_rate),
                rate_cell(&format!("{of}/rates/throughput_per_s"), rates.throughput_per_s),
                figure(Metric::Ttfc, "p50", ttfc.p50),
                figure(Metric::Ttfc, "p95", ttfc.p95),
                figure(Metric::Total, "p50", total.p50),
                figure(Metric::Total, "p95", total.p95),
            ],
            class: "",
        }
    });
    Table { heads: SCENARIO_HEADS.to_vec(), rows: rows.collect(), left_out: 0 }
}

const MESSAGE_HEADS: [(&str, &str); 9] = [
    ("", "message"),
    ("n", "turn"),
    ("n", "turns"),
    ("n", "errors"),
    ("n", "ttfc p50"),
    ("n", "ttfc p95"),
    ("n", "ttfc p99"),
    ("n", "total p50"),
    ("n", "total p95"),
];

/// Letters of a message that are shown.
const MESSAGE: usize = 90;

/// By message: session kind and turn. `texts` has what is said in each turn of a kind, where that
/// may be shown.
pub(super) fn messages(
    messages: &[(Option<(u16, u32)>, Message)],
    kinds: &[String],
    texts: &[Vec<String>],
) -> Table {
    let rows = messages.iter().map(|(key, message)| {
        let (name, turn, note) = match *key {
            Some((kind, turn)) => {
                let kind = usize::from(kind);
                let text =
                    texts.get(kind).and_then(|texts| texts.get((turn as usize).checked_sub(1)?));
                (
                    kinds.get(kind).cloned().unwrap_or_default(),
                    plain_cell(Some(f64::from(turn)), &turn.to_string()),
                    text.map_or(String::new(), |text| cut(&one_line(text), MESSAGE)),
                )
            }
            None => ("all others".into(), String::new(), String::new()),
        };
        let counts: &Counts = &message.counts;
        let at = |of: &crate::measure::Distribution, percent: f64| {
            let value = of.percentile(percent).map(|micros| micros as f64 / 1e3);
            plain_cell(value, &millis(value))
        };
        let rate = counts.error_rate();
        Row {
            name,
            note,
            cells: vec![
                turn,
                plain_cell(Some(counts.planned() as f64), &thousands(counts.planned())),
                plain_cell(rate, &percent(rate)),
                at(&message.ttfc, 50.0),
                at(&message.ttfc, 95.0),
                at(&message.ttfc, 99.0),
                at(&message.total, 50.0),
                at(&message.total, 95.0),
            ],
            class: "",
        }
    });
    Table { heads: MESSAGE_HEADS.to_vec(), rows: rows.collect(), left_out: 0 }
}

const ERROR_HEADS: [(&str, &str); 5] =
    [("", "error"), ("", "how it ended"), ("n", "status"), ("n", "turns"), ("w", "for example")];

/// Turns without an answer, by how they ended.
pub(super) fn errors(summary: &Summary) -> Table {
    let rows = summary.errors.iter().enumerate().take(ROWS).map(|(at, group)| {
        let part = group.part.as_ref().map_or(String::new(), |part| format!(", in {part}"));
        let status = group.status.map(f64::from);
        Row {
            name: group.error.clone(),
            note: String::new(),
            cells: vec![
                super::svg::escape(&format!("{}{part}", group.outcome.replace('_', " "))),
                match status {
                    Some(status) => plain_cell(Some(status), &format!("{status}")),
                    None => String::new(),
                },
                count_cell(&format!("/errors/{at}/count"), group.count),
                super::svg::escape(group.example.as_deref().unwrap_or_default()),
            ],
            class: "",
        }
    });
    Table {
        heads: ERROR_HEADS.to_vec(),
        rows: rows.collect(),
        left_out: summary.errors.len().saturating_sub(ROWS),
    }
}

const THRESHOLD_HEADS: [(&str, &str); 4] =
    [("", "threshold"), ("", "must hold"), ("n", "observed"), ("", "held")];

/// What had to hold.
pub(super) fn thresholds(summary: &Summary) -> Table {
    let rows = summary.thresholds.iter().enumerate().map(|(at, one)| Row {
        name: one.metric.clone(),
        note: String::new(),
        cells: vec![
            format!("<code>{}</code>", super::svg::escape(&one.expression)),
            observed_cell(&format!("/thresholds/{at}/observed"), one.observed, &one.unit),
            match one.ok {
                true => "<span class=\"good\">✓ yes</span>".into(),
                false => "<span class=\"bad\">✗ no</span>".into(),
            },
        ],
        class: if one.ok { "" } else { "failed" },
    });
    Table { heads: THRESHOLD_HEADS.to_vec(), rows: rows.collect(), left_out: 0 }
}

/// The share of turns without an answer, for a headline.
pub(super) fn error_rate(summary: &Summary) -> String {
    share_cell("/rates/error_rate", summary.rates.error_rate)
}
