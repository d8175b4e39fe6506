//! A calibration for a terminal, 80 columns wide.

use super::style::Style;
use super::table::{cut, millis, one_line, thousands, wrapped};
use crate::calibration::{Calibration, Cell, ErrorFigures, Highest};

/// The report. `place` is where it was stored, if it was.
pub fn calibration(all: &Calibration, style: Style, place: Option<&str>) -> String {
    let mut lines = Vec::new();
    lines.push(style.heading("our own error on this machine"));
    lines.extend(wrapped(&one_line(&about(all)), 0));
    lines.push(String::new());
    lines.push("absolute error against the agent's own log, turn by turn, in ms".into());
    lines.push(style.faint(&format!(
        "{:>7}{:>8}{:>11}{:>11}  {:<6}{:>8}{:>8}{:>8}{:>9}",
        "streams", "chunks", "requests/s", "chunks/s", "", "p50", "p99", "p99.9", "max"
    )));
    for cell in all.cells.iter().filter(|cell| cell.by == "streams") {
        lines.extend(errors(cell));
    }
    ladder(&mut lines, all, style, "requests", "replies of 5 chunks, open load, climbing");
    ladder(&mut lines, all, style, "chunks", "replies of 200 chunks, climbing");
    lines.push(String::new());
    let highest = |what: &str, highest: &Highest| match highest.per_s {
        Some(rate) => format!(
            "with an error below 1 ms: {} {what} a second ({})",
            thousands(rate.round() as u64),
            highest.ended_by
        ),
        None => format!("no rate of {what} had an error below 1 ms ({})", highest.ended_by),
    };
    lines.extend(wrapped(&highest("requests", &all.highest_requests), 0));
    lines.extend(wrapped(&highest("chunks", &all.highest_chunks), 0));
    lines.push(match place {
        Some(place) => format!("stored in {}; runs on this machine cite it", one_line(place)),
        None => "not stored".into(),
    });
    lines.join("\n") + "\n"
}

fn about(all: &Calibration) -> String {
    let apart = match all.place.agent_cpu {
        Some(cpu) => format!("the agent on processor {cpu}, streamgauge on the others"),
        None => "agent and streamgauge on the same processors: their errors are mixed".into(),
    };
    let quick = if all.quick { ", quick" } else { "" };
    format!(
        "{}; {apart}; {} worker(s); streamgauge {}, transport {}; {}{quick}",
        all.machine, all.place.workers, all.version, all.transport, all.measured_at
    )
}

fn errors(cell: &Cell) -> Vec<String> {
    let start = format!(
        "{:>7}{:>8}{:>11}{:>11}",
        thousands(cell.streams),
        cell.chunks,
        thousands(cell.requests_per_s.round() as u64),
        thousands(cell.chunks_per_s.round() as u64)
    );
    let row = |start: &str, name: &str, figures: ErrorFigures| {
        let ErrorFigures { p50_ms, p99_ms, p99_9_ms, max_ms, .. } = figures;
        let [p50, p99, p99_9, max] = [p50_ms, p99_ms, p99_9_ms, max_ms].map(|ms| millis(Some(ms)));
        format!("{start:>37}  {name:<6}{p50:>8}{p99:>8}{p99_9:>8}{max:>9}")
    };
    let named = [("ttfc", cell.ttfc), ("gap", cell.gap), ("total", cell.total)];
    let mut rows = Vec::new();
    for (name, figures) in named.into_iter().filter_map(|(name, one)| Some((name, one?))) {
        rows.push(row(if rows.is_empty() { &start } else { "" }, name, figures));
    }
    if rows.is_empty() {
        rows.push(format!("{start}  no turn was completed"));
    }
    rows
}

fn ladder(lines: &mut Vec<String>, all: &Calibration, style: Style, by: &str, title: &str) {
    lines.push(String::new());
    lines.push(title.into());
    lines.push(style.faint(&format!(
        "{:>10}{:>12}{:>10}{:>10}{:>9}{:>9}{:>9}{:>10}",
        "requests/s", "chunks/s", "ttfc p99", "total p99", "late p99", "CPU µs", "worker", "agent"
    )));
    for cell in all.cells.iter().filter(|cell| cell.by == by) {
        let percent = |share: Option<f64>| {
            share.map_or("n/a".into(), |share| format!("{:.0} %", share * 100.0))
        };
        let p99 = |figures: Option<ErrorFigures>| millis(figures.map(|one| one.p99_ms));
        let line = format!(
            "{:>10}{:>12}{:>10}{:>10}{:>9}{:>9.1}{:>9}{:>10}",
            thousands(cell.requests_per_s.round() as u64),
            thousands(cell.chunks_per_s.round() as u64),
            p99(cell.ttfc),
            p99(cell.total),
            millis(cell.lateness.map(|late| late.p99_ms)),
            cell.cpu_us_per_request,
            percent(cell.worker_busy),
            percent(cell.agent_busy),
        );
        let line = cut(&line, super::table::WIDTH);
        lines.push(if cell.sustained { line } else { style.faint(&line) });
    }
}
