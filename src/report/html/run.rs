//! The page of one run.

use askama::Template;
use serde_json::Value;

use super::super::text::cited;
use super::cell::{count_cell, millis_cell, rate_cell};
use super::document::Document;
use super::gather::Gathered;
use super::spread::{Shown, Spread, frequencies, nines};
use super::svg::prose;
use super::tables::{self, Table};
use super::timeline::{Panels, Timeline};
use super::verdict::{Ended, Verdict, verdict};
use super::waterfall::{Waterfall, waterfall};
use crate::metric::Metric;
use crate::scenario::Failures;
use crate::summary::{Summary, ValidityVerdict};

/// Letters of the scenario that are shown.
const SCENARIO: usize = 100_000;

/// Fewer values have no shape that could be drawn.
const FEW: u64 = 5;

/// Everything that the page of a run says.
#[derive(Debug, Clone)]
pub struct RunPage {
    /// The numbers.
    pub summary: Summary,
    /// How it ended.
    pub ended: Ended,
    /// How many turns may stay without an answer.
    pub failures: Failures,
    /// Who was asked, in a few words.
    pub target: String,
    /// Beside the numbers: what it ran on, and with what. Name and value.
    pub facts: Vec<(String, String)>,
    /// What it saw of itself. Name and value.
    pub tester: Vec<(String, String)>,
    /// What a batch came to; empty for a run. Name and value.
    pub batch: Vec<(String, String)>,
    /// The command line.
    pub command: Option<String>,
    /// The scenario, resolved.
    pub scenario: Value,
    /// Names of the session kinds, by their number.
    pub kinds: Vec<String>,
    /// What is said in each turn of a session kind, where the scenario itself says it.
    pub messages: Vec<Vec<String>>,
    /// Taken from the samples.
    pub gathered: Gathered,
    /// The distribution of gaps, which samples do not have.
    pub gap: Spread,
    /// Second by second.
    pub timeline: Timeline,
    /// What could not be read, a sentence each.
    pub missing: Vec<String>,
}

/// One figure with its charts.
struct Figure {
    title: &'static str,
    frequencies: String,
    nines: String,
    /// Class and name of each distribution.
    legend: Vec<(&'static str, String)>,
}

struct Card {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Template)]
#[template(path = "report/run.html")]
struct RunTemplate<'a> {
    document: Document,
    page: &'a RunPage,
    summary: &'a Summary,
    verdict: Verdict,
    validity: (&'static str, &'static str),
    /// What was seen, what it may mean and what to try, as markup.
    caveats: Vec<[String; 3]>,
    when: String,
    cards: Vec<Card>,
    thresholds: Table,
    percentiles: Table,
    accuracy: Option<String>,
    figures: Vec<Figure>,
    panels: Panels,
    waterfall: Waterfall,
    scenarios: Table,
    kinds: Table,
    messages: Table,
    errors: Table,
    scenario: String,
    scenario_cut: bool,
}

/// The page.
///
/// # Errors
/// It cannot be put together: a defect of the template.
pub fn run_page(page: &RunPage) -> Result<String, askama::Error> {
    let summary = &page.summary;
    let (scenario, scenario_cut) = shown_scenario(&page.scenario);
    RunTemplate {
        document: Document::new(),
        verdict: verdict(summary, page.ended, page.failures),
        validity: match summary.validity.verdict {
            ValidityVerdict::Valid => ("good", "✓ valid"),
            ValidityVerdict::Degraded => ("warn", "! degraded"),
            ValidityVerdict::Invalid => ("bad", "✗ invalid"),
        },
        caveats: summary
            .caveats
            .iter()
            .map(|one| [&one.seen, &one.meaning, &one.remedy].map(|text| prose(text)))
            .collect(),
        when: when(&summary.run.started_at),
        cards: cards(summary),
        thresholds: tables::thresholds(summary),
        percentiles: tables::percentiles(summary),
        accuracy: summary.accuracy.as_ref().map(cited),
        figures: figures(page),
        panels: page.timeline.panels(),
        waterfall: waterfall(&page.gathered.turns, &page.kinds),
        scenarios: tables::scenarios(summary),
        kinds: tables::kinds(summary),
        messages: tables::messages(&page.gathered.messages, &page.kinds, &page.messages),
        errors: tables::errors(summary),
        scenario,
        scenario_cut,
        page,
        summary,
    }
    .render()
}

/// `2026-11-22T21:30:00.123Z` as people read it.
pub(super) fn when(stamp: &str) -> String {
    match stamp.split_once('T') {
        Some((day, time)) => {
            let time = time.trim_end_matches('Z');
            format!("{day} {} UTC", time.split('.').next().unwrap_or(time))
        }
        None => stamp.to_owned(),
    }
}

fn cards(summary: &Summary) -> Vec<Card> {
    let counts = &summary.counts;
    let ttfc = &summary.metrics.get(Metric::Ttfc).percentiles;
    let total = &summary.metrics.get(Metric::Total).percentiles;
    let mut cards = vec![
        Card {
            name: "turns completed",
            value: count_cell("/counts/completed", counts.completed),
            note: format!("of {} planned", count_cell("/counts/planned", counts.planned)),
        },
        Card {
            name: "errors",
            value: tables::error_rate(summary),
            note: format!(
                "{} failed, {} timed out, {} dropped",
                count_cell("/counts/failed", counts.failed),
                count_cell("/counts/timed_out", counts.timed_out),
                count_cell("/counts/dropped", counts.dropped)
            ),
        },
        Card {
            name: "throughput",
            value: rate_cell("/rates/throughput_per_s", summary.rates.throughput_per_s),
            note: format!(
                "turns; chunks {}",
                rate_cell("/rates/chunks_per_s", summary.rates.chunks_per_s)
            ),
        },
        Card {
            name: "ttfc p50",
            value: millis_cell("/metrics/ttfc/p50", ttfc.p50) + unit(ttfc.p50),
            note: format!("p95 {}", millis_cell("/metrics/ttfc/p95", ttfc.p95) + unit(ttfc.p95)),
        },
        Card {
            name: "total p50",
            value: millis_cell("/metrics/total/p50", total.p50) + unit(total.p50),
            note: format!("p95 {}", millis_cell("/metrics/total/p95", total.p95) + unit(total.p95)),
        },
    ];
    if summary.rates.goodput_per_s.is_some() {
        cards.push(Card {
            name: "goodput",
            value: rate_cell("/rates/goodput_per_s", summary.rates.goodput_per_s),
            note: "turns within every slo".into(),
        });
    }
    cards
}

fn unit(value: Option<f64>) -> &'static str {
    if value.is_some() { " <small>ms</small>" } else { "" }
}

/// `ttfc` and `total` on both bases, and `gap`.
fn figures(page: &RunPage) -> Vec<Figure> {
    static NONE: Spread = Spread::NONE;
    let spread = |metric: Metric| {
        let found = page.gathered.spreads.iter().find(|(known, _)| *known == metric);
        found.map_or(&NONE, |(_, spread)| spread)
    };
    let metrics = &page.summary.metrics;
    let shown = |name: &str, class, metric: Metric| Shown {
        name: name.into(),
        class,
        spread: spread(metric),
        ci95: (class == "a").then(|| &metrics.get(metric).ci95),
    };
    let both =
        |response, service| vec![shown("response", "a", response), shown("service", "b", service)];
    let gap = vec![Shown {
        name: "gap".into(),
        class: "a",
        spread: &page.gap,
        ci95: Some(&metrics.get(Metric::Gap).ci95),
    }];
    [
        ("Time to first chunk (ttfc)", both(Metric::Ttfc, Metric::TtfcService)),
        ("Until the reply ended (total)", both(Metric::Total, Metric::TotalService)),
        ("Between chunks (gap)", gap),
    ]
    .into_iter()
    .filter(|(_, shown)| shown.iter().any(|one| one.spread.count() >= FEW))
    .filter_map(|(title, shown)| {
        Some(Figure {
            title,
            frequencies: frequencies(title, &shown)?,
            nines: nines(title, &shown)?,
            legend: shown.iter().map(|one| (one.class, one.name.clone())).collect(),
        })
    })
    .collect()
}

fn shown_scenario(scenario: &Value) -> (String, bool) {
    let whole = serde_json::to_string_pretty(scenario).unwrap_or_default();
    match whole.char_indices().nth(SCENARIO) {
        Some((end, _)) => (whole[..end].to_owned(), true),
        None => (whole, false),
    }
}
