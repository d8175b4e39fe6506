//! A summary for a terminal, 80 columns wide.

use super::style::Style;
use super::table::{WIDTH, cut, interval, millis, one_line, percent, rate, thousands, wrapped};
use crate::metric::Metric;
use crate::summary::{Accuracy, Figures, Observed, Percentiles, Summary, ValidityVerdict};

/// The rows of the table; the others are in the files.
pub(super) const SHOWN: [Metric; 9] = [
    Metric::FirstReasoning,
    Metric::Ttfc,
    Metric::TtfcService,
    Metric::Total,
    Metric::Gap,
    Metric::Tpot,
    Metric::Queue,
    Metric::Lateness,
    Metric::SessionTotal,
];
const LABEL: usize = 14;
const COLUMN: usize = 11;
/// Groups of failures that are listed; the rest is in the files.
const FAILURES: usize = 8;
/// Session kinds that are listed.
const KINDS: usize = 20;

/// The report of a run. `place` is where its files are, if they are to be named.
pub fn text(summary: &Summary, style: Style, place: Option<&str>) -> String {
    let mut page = Page { lines: Vec::new(), style };
    page.head(summary);
    page.counts(summary);
    page.distributions(summary);
    page.scenarios(summary);
    page.kinds(summary);
    page.failures(summary);
    page.thresholds(summary);
    page.validity(summary);
    page.caveats(summary);
    if let Some(place) = place {
        page.blank();
        page.line(format!("files: {}", one_line(place)));
    }
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

/// Only what went wrong, a line each; nothing where all is well.
pub fn failures(summary: &Summary) -> String {
    let mut text = String::new();
    let mut line = |line: String| text.push_str(&(line + "\n"));
    for one in summary.thresholds.iter().filter(|one| !one.ok) {
        let seen = observed(one.observed, &one.unit);
        line(one_line(&format!("threshold failed: {} {}: {seen}", one.metric, one.expression)));
    }
    let counts = &summary.counts;
    if counts.completed < counts.planned {
        let missing = thousands(counts.planned - counts.completed);
        line(format!("{missing} of {} turns have no answer", thousands(counts.planned)));
    }
    if summary.validity.verdict == ValidityVerdict::Invalid {
        summary.validity.reasons.iter().for_each(|reason| line(format!("invalid: {reason}")));
    }
    text
}

struct Page {
    lines: Vec<String>,
    style: Style,
}

impl Page {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn blank(&mut self) {
        self.line("");
    }

    fn section(&mut self, title: &str) {
        self.blank();
        let title = self.style.heading(title);
        self.line(title);
    }

    fn head(&mut self, summary: &Summary) {
        let name = self.style.heading(&cut(&one_line(&summary.run.name), WIDTH));
        self.line(name);
        self.line(cut(&format!("run {}", one_line(&summary.run.id)), WIDTH));
        let load = &summary.load;
        let mut about = format!("load {}", one_line(&load.description));
        if let Some(seconds) = load.measured_s {
            about += &format!("; measured over {seconds} s");
        }
        if load.warmup_s > 0.0 {
            about += &format!(" after {} s of warm-up", load.warmup_s);
        }
        self.lines.extend(wrapped(&about, 0));
        if let Some(stopped) = &summary.run.stopped {
            let why = format!(
                "stopped after {} s: {} {} over {} s ({} was seen)",
                stopped.at_s,
                one_line(&stopped.metric),
                one_line(&stopped.expression),
                stopped.for_s,
                observed(Some(stopped.observed), &stopped.unit),
            );
            for line in wrapped(&why, 0) {
                let line = self.style.bad(&line);
                self.line(line);
            }
        }
    }

    fn counts(&mut self, summary: &Summary) {
        let counts = &summary.counts;
        self.section("turns");
        let cell = |word: &str, number: u64| format!("{word:<10}{:>11}", thousands(number));
        let row = |cells: [String; 3]| format!("  {}", cells.join("    "));
        self.line(row([
            cell("planned", counts.planned),
            cell("completed", counts.completed),
            cell("in warm-up", counts.in_warmup),
        ]));
        if counts.planned > counts.completed {
            self.line(row([
                cell("failed", counts.failed),
                cell("timed out", counts.timed_out),
                cell("dropped", counts.dropped),
            ]));
            if counts.cancelled > 0 {
                self.line(format!("  {}", cell("cancelled", counts.cancelled)));
            }
        }
        if let Some(aside) = &summary.aside {
            let unanswered = aside.planned - aside.completed;
            let said = format!(
                "set-up and closing, not in any figure: {} completed, {} without an answer",
                thousands(aside.completed),
                thousands(unanswered)
            );
            self.lines.extend(wrapped(&said, 2));
        }
        let rates = &summary.rates;
        let cell = |word: &str, value: String| format!("{word:<10}{value:>11}");
        self.line(row([
            cell("throughput", rate(rates.throughput_per_s)),
            cell("chunks", rate(rates.chunks_per_s)),
            cell("errors", percent(rates.error_rate)),
        ]));
        for (word, value) in [("goodput", rates.goodput_per_s), ("tokens", rates.tokens_per_s)] {
            if value.is_some() {
                self.line(format!("  {}", cell(word, rate(value))));
            }
        }
    }

    fn row(&mut self, label: &str, cells: &[String; 6], faint: bool) {
        let cells: String = cells.iter().map(|cell| format!("{cell:>COLUMN$}")).collect();
        let line = format!("{label:<LABEL$}{cells}");
        let line = if faint { self.style.faint(&line) } else { line };
        self.line(line);
    }

    fn distributions(&mut self, summary: &Summary) {
        if SHOWN.iter().all(|metric| summary.metrics.get(*metric).count == 0) {
            return;
        }
        self.blank();
        let columns = ["p50", "p75", "p90", "p95", "p99", "max"].map(String::from);
        self.row("ms", &columns, true);
        for metric in SHOWN {
            let figures = summary.metrics.get(metric);
            // A wait that never happened, and sessions of one turn, are not worth their lines.
            let idle = metric == Metric::Queue && figures.max < Some(0.001);
            let same = metric == Metric::SessionTotal
                && figures.percentiles == summary.metrics.get(Metric::Total).percentiles;
            if figures.count > 0 && !idle && !same {
                self.figures(metric, figures);
            }
        }
        let note = "Second lines: answered of all; 95 % intervals (n/a: too few turns for one).";
        let note = self.style.faint(note);
        self.line(note);
        if let Some(accuracy) = &summary.accuracy {
            let said = wrapped(&cited(accuracy), 0);
            self.lines.extend(said.iter().map(|line| self.style.faint(line)));
        }
    }

    fn figures(&mut self, metric: Metric, figures: &Figures) {
        let Percentiles { p50, p75, p90, p95, p99, .. } = figures.percentiles;
        let shown = [p50, p75, p90, p95, p99, figures.max];
        // The one name that is too long for its column.
        let label = if metric == Metric::FirstReasoning { "1st reasoning" } else { metric.name() };
        self.row(label, &shown.map(millis), false);
        let Percentiles { p50, p75, p90, p95, p99, .. } = figures.ci95;
        let [p50, p75, p90, p95, p99] = [p50, p75, p90, p95, p99].map(interval);
        let answered = figures.of.map_or_else(String::new, |of| answered(figures.count, of));
        self.row(&answered, &[p50, p75, p90, p95, p99, String::new()], true);
        let plain = figures.percentiles;
        if let Some(all) = figures.all
            && (all.p50, all.p95, all.p99) != (plain.p50, plain.p95, plain.p99)
        {
            let cell =
                |value: Option<f64>| value.map_or("no answer".into(), |one| millis(Some(one)));
            let empty = String::new;
            let cells = [cell(all.p50), empty(), empty(), cell(all.p95), cell(all.p99), empty()];
            self.row("  all turns", &cells, false);
        }
    }

    fn named_row(&mut self, name: &str, cells: &[String; 5], faint: bool) {
        let cells: String = cells.iter().map(|cell| format!("{cell:>COLUMN$}")).collect();
        let line = format!("  {:<23}{cells}", cut(&one_line(name), 22));
        let line = if faint { self.style.faint(&line) } else { line };
        self.line(line);
    }

    fn scenarios(&mut self, summary: &Summary) {
        if summary.scenarios.is_empty() {
            return;
        }
        self.section("by scenario");
        let header = ["completed", "errors", "throughput", "ttfc p95", "total p95"];
        self.named_row("ms", &header.map(String::from), true);
        for one in &summary.scenarios {
            let p95 = |metric| millis(one.metrics.get(metric).percentiles.p95);
            let cells = [
                thousands(one.counts.completed),
                percent(one.rates.error_rate),
                rate(one.rates.throughput_per_s),
                p95(Metric::Ttfc),
                p95(Metric::Total),
            ];
            self.named_row(&one.scenario, &cells, false);
        }
    }

    fn kinds(&mut self, summary: &Summary) {
        if summary.groups.len() < 2 {
            return;
        }
        self.section("by session");
        let header = ["completed", "errors", "ttfc p50", "ttfc p95", "total p95"];
        self.named_row("ms", &header.map(String::from), true);
        for group in summary.groups.iter().take(KINDS) {
            let counts = &group.counts;
            let judged = counts.planned - counts.cancelled;
            let rate = (judged > 0).then(|| (judged - counts.completed) as f64 / judged as f64);
            let ttfc = group.metrics.get(Metric::Ttfc).percentiles;
            let total = group.metrics.get(Metric::Total).percentiles;
            let cells = [
                thousands(counts.completed),
                percent(rate),
                millis(ttfc.p50),
                millis(ttfc.p95),
                millis(total.p95),
            ];
            self.named_row(&group.label(), &cells, false);
        }
        if summary.groups.len() > KINDS {
            self.line(format!("  … and {} more", summary.groups.len() - KINDS));
        }
    }

    fn failures(&mut self, summary: &Summary) {
        if summary.errors.is_empty() {
            return;
        }
        self.section("without an answer");
        for group in summary.errors.iter().take(FAILURES) {
            let status = group.status.map_or(String::new(), |status| format!(" {status}"));
            let part = group.part.as_ref().map_or(String::new(), |part| format!("{part} "));
            let what = format!("{part}{} {}{status}", group.outcome.replace('_', " "), group.error);
            let start = format!("  {:>9}  {what:<30}", thousands(group.count));
            let room = WIDTH.saturating_sub(start.chars().count() + 1);
            let example = group.example.as_deref().map(one_line).unwrap_or_default();
            self.line(format!("{start} {}", cut(&example, room)).trim_end());
        }
        if summary.errors.len() > FAILURES {
            self.line(format!("  … and {} more kinds", summary.errors.len() - FAILURES));
        }
    }

    fn thresholds(&mut self, summary: &Summary) {
        if summary.thresholds.is_empty() {
            return;
        }
        self.section("thresholds");
        for one in &summary.thresholds {
            let mark = if one.ok { self.style.good("✓") } else { self.style.bad("✗") };
            let what = one_line(&format!("{} {}", one.metric, one.expression));
            self.line(format!(
                "  {mark} {:<52} {:>22}",
                cut(&what, 52),
                observed(one.observed, &one.unit)
            ));
        }
    }

    fn validity(&mut self, summary: &Summary) {
        self.blank();
        let verdict = match summary.validity.verdict {
            ValidityVerdict::Valid => self.style.good("valid"),
            ValidityVerdict::Degraded => self.style.doubtful("degraded"),
            ValidityVerdict::Invalid => self.style.bad("invalid"),
        };
        let title = self.style.heading("validity");
        self.line(format!("{title}  {verdict}"));
        for reason in &summary.validity.reasons {
            self.lines.extend(wrapped(reason, 2));
        }
        if let Some(health) = &summary.health {
            let said = watched(health);
            let said = if said.is_empty() { Vec::new() } else { wrapped(&said, 2) };
            self.lines.extend(said.iter().map(|line| self.style.faint(line)));
        }
    }

    fn caveats(&mut self, summary: &Summary) {
        if summary.caveats.is_empty() {
            return;
        }
        self.section("to know before believing the numbers");
        for caveat in &summary.caveats {
            let said = format!("{} {} {}", caveat.seen, caveat.meaning, caveat.remedy);
            let mut lines = wrapped(&said, 4);
            if let Some(first) = lines.first_mut() {
                first.replace_range(..4, "  - ");
            }
            self.lines.extend(lines);
        }
    }
}

/// What the run saw of itself, in a line or two.
fn watched(health: &Observed) -> String {
    let mut seen = Vec::new();
    if let Some((_, busy)) = health.busiest() {
        let share = (busy.running + busy.waiting) * 100.0;
        seen.push(format!("busiest worker {share:.0} % busy"));
    }
    if let Some(hiccups) = health.hiccups {
        seen.push(format!("hiccups p99 {} ms", millis(Some(hiccups.p99_ms))));
    }
    if let Some(control) = health.control {
        let p50 = control.ttfc_p50_ms.max(control.total_p50_ms);
        seen.push(format!(
            "control turns {} ms too long (p50), {} ms (p95)",
            millis(Some(p50)),
            millis(Some(control.ttfc_p95_ms.max(control.total_p95_ms)))
        ));
    }
    if seen.is_empty() { String::new() } else { format!("seen: {}", seen.join(", ")) }
}

/// Our own error beside the percentiles, in one sentence.
pub(super) fn cited(accuracy: &Accuracy) -> String {
    let day = accuracy.measured_at.split('T').next().unwrap_or_default();
    format!(
        "Our own error: ttfc ± {:.2} ms, total ± {:.2} ms (p99, calibrated {} at {} streams of {} \
         chunks, transport {}).",
        accuracy.ttfc_p99_ms,
        accuracy.total_p99_ms,
        one_line(day),
        thousands(accuracy.streams),
        accuracy.chunks,
        one_line(&accuracy.transport),
    )
}

/// What a threshold saw, with its unit.
pub fn observed(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "no data".into(),
        (Some(value), "ms") => format!("{} ms", millis(Some(value))),
        (Some(value), "fraction") => percent(Some(value)),
        (Some(value), "/s") => rate(Some(value)),
        (Some(value), _) => format!("{value}"),
    }
}

/// So many answered of so many, as wide as a label may be.
fn answered(count: u64, of: u64) -> String {
    let long = format!("  {} of {}", thousands(count), thousands(of));
    match long.len() < LABEL {
        true => long,
        false if of < 100_000 => format!("{count} of {of}"),
        false if count == of => format!("all {}", thousands(of)),
        false => format!("all but {}", of - count),
    }
}
