//! A run as Markdown.

use super::escape::{code, plain};
use crate::metric::Metric;
use crate::report::gates::Gate;
use crate::report::table::{interval, millis, percent, rate, thousands};
use crate::report::text::{SHOWN, cited};
use crate::summary::{Figures, Percentiles, Summary, ValidityVerdict};

/// Session kinds and groups of failures that are listed; the rest is in the files.
const LISTED: usize = 50;

/// The report of a run, with what it was held to.
pub fn run_markdown(summary: &Summary, gates: &[Gate]) -> String {
    let mut text = String::new();
    head(&mut text, summary, gates);
    held(&mut text, gates);
    figures(&mut text, summary);
    scenarios(&mut text, summary);
    kinds(&mut text, summary);
    failures(&mut text, summary);
    caveats(&mut text, summary);
    text
}

fn head(text: &mut String, summary: &Summary, gates: &[Gate]) {
    let failed = gates.iter().filter(|gate| !gate.held).count();
    let (mark, word) = match failed {
        0 => ("✅", "everything held".to_owned()),
        failed => ("❌", format!("{failed} of {} did not hold", gates.len())),
    };
    text.push_str(&format!("## {mark} {}: {word}\n\n", plain(&summary.run.name)));
    let load = &summary.load;
    let mut about = format!("Run {}, {}", code(&summary.run.id), plain(&load.description));
    if let Some(seconds) = load.measured_s {
        about += &format!("; measured over {seconds} s");
    }
    if load.warmup_s > 0.0 {
        about += &format!(" after {} s of warm-up", load.warmup_s);
    }
    text.push_str(&format!("{about}.\n\n"));
    let counts = &summary.counts;
    text.push_str(
        "| planned | completed | failed | timed out | dropped | cancelled | turns | errors |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let cells = [
        counts.planned,
        counts.completed,
        counts.failed,
        counts.timed_out,
        counts.dropped,
        counts.cancelled,
    ];
    let cells: Vec<String> = cells.into_iter().map(thousands).collect();
    let throughput = rate(summary.rates.throughput_per_s);
    let errors = percent(summary.rates.error_rate);
    text.push_str(&format!("| {} | {throughput} | {errors} |\n\n", cells.join(" | ")));
}

fn held(text: &mut String, gates: &[Gate]) {
    text.push_str("| | held to | seen |\n|---|---|---|\n");
    for gate in gates {
        let mark = if gate.held { "✅" } else { "❌" };
        text.push_str(&format!("| {mark} | {} | {} |\n", plain(&gate.name), plain(&gate.seen)));
    }
    text.push('\n');
}

fn figures(text: &mut String, summary: &Summary) {
    text.push_str("| ms | p50 | p75 | p90 | p95 | p99 | max |\n|---|--:|--:|--:|--:|--:|--:|\n");
    for metric in SHOWN {
        let figures = summary.metrics.get(metric);
        if figures.count > 0 {
            row(text, metric, figures);
        }
    }
    text.push_str(
        "\nIn brackets: 95 % intervals of the percentiles; n/a: too few turns for one.\n\n",
    );
    if let Some(accuracy) = &summary.accuracy {
        text.push_str(&format!("{}\n\n", plain(&cited(accuracy))));
    }
}

fn row(text: &mut String, metric: Metric, figures: &Figures) {
    let Percentiles { p50, p75, p90, p95, p99, .. } = figures.percentiles;
    let ci = figures.ci95;
    let each = [(p50, ci.p50), (p75, ci.p75), (p90, ci.p90), (p95, ci.p95), (p99, ci.p99)];
    let cells: Vec<String> = each
        .into_iter()
        .map(|(value, around)| format!("{} ({})", millis(value), interval(around)))
        .collect();
    text.push_str(&format!("| {metric} | {} | {} |\n", cells.join(" | "), millis(figures.max)));
    let plain = figures.percentiles;
    if let Some(all) = figures.all
        && (all.p50, all.p95, all.p99) != (plain.p50, plain.p95, plain.p99)
    {
        let cell = |value: Option<f64>| value.map_or("no answer".into(), |one| millis(Some(one)));
        let cells = format!("{} | | | {} | {}", cell(all.p50), cell(all.p95), cell(all.p99));
        text.push_str(&format!("| … of all turns | {cells} | |\n"));
    }
}

fn scenarios(text: &mut String, summary: &Summary) {
    if summary.scenarios.is_empty() {
        return;
    }
    text.push_str("### By scenario\n\n");
    text.push_str("| | completed | errors | throughput | ttfc p95 | total p95 |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    for one in &summary.scenarios {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            plain(&one.scenario),
            thousands(one.counts.completed),
            percent(one.rates.error_rate),
            rate(one.rates.throughput_per_s),
            millis(one.metrics.get(Metric::Ttfc).percentiles.p95),
            millis(one.metrics.get(Metric::Total).percentiles.p95)
        ));
    }
    text.push('\n');
}

fn kinds(text: &mut String, summary: &Summary) {
    if summary.groups.len() < 2 {
        return;
    }
    text.push_str("### By session\n\n");
    text.push_str("| | completed | errors | ttfc p50 | ttfc p95 | total p95 |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    for group in summary.groups.iter().take(LISTED) {
        let counts = &group.counts;
        let judged = counts.planned - counts.cancelled;
        let share = (judged > 0).then(|| (judged - counts.completed) as f64 / judged as f64);
        let ttfc = group.metrics.get(Metric::Ttfc).percentiles;
        let total = group.metrics.get(Metric::Total).percentiles;
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            plain(&group.label()),
            thousands(counts.completed),
            percent(share),
            millis(ttfc.p50),
            millis(ttfc.p95),
            millis(total.p95)
        ));
    }
    more(text, summary.groups.len(), "session kinds");
}

fn failures(text: &mut String, summary: &Summary) {
    if summary.errors.is_empty() {
        return;
    }
    text.push_str("### Without an answer\n\n| turns | what | status | first message |\n");
    text.push_str("|--:|---|--:|---|\n");
    for group in summary.errors.iter().take(LISTED) {
        let part = group.part.as_ref().map_or(String::new(), |part| format!("{part} "));
        let what = format!("{part}{} {}", group.outcome.replace('_', " "), group.error);
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            thousands(group.count),
            plain(&what),
            group.status.map_or(String::new(), |status| status.to_string()),
            group.example.as_deref().map(plain).unwrap_or_default()
        ));
    }
    more(text, summary.errors.len(), "kinds of failure");
}

fn more(text: &mut String, all: usize, what: &str) {
    if all > LISTED {
        text.push_str(&format!("\n… and {} more {what}\n", all - LISTED));
    }
    text.push('\n');
}

fn caveats(text: &mut String, summary: &Summary) {
    let degraded = summary.validity.verdict == ValidityVerdict::Degraded;
    if summary.caveats.is_empty() && !degraded {
        return;
    }
    text.push_str("### To know before believing the numbers\n\n");
    let reasons = summary.validity.reasons.iter().filter(|_| degraded).cloned();
    let caveats = summary
        .caveats
        .iter()
        .map(|caveat| format!("{} {} {}", caveat.seen, caveat.meaning, caveat.remedy));
    reasons.chain(caveats).for_each(|said| text.push_str(&format!("- {}\n", plain(&said))));
    text.push('\n');
}
