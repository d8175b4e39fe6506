//! Several runs at several levels of load: a line for each.

use super::style::Style;
use super::table::{WIDTH, cut, millis, one_line, percent, rate, wrapped};
use crate::sweep::{Kind, LevelResult, Limit, Parameter, SearchResult, SweepState, SweepSummary};

/// The curve of a sweep, or what a search tried and found. `place` is where its files are, if they
/// are to be named.
pub fn curve(sweep: &SweepSummary, style: Style, place: Option<&str>) -> String {
    let mut lines = vec![style.heading(&cut(&one_line(&sweep.name), WIDTH))];
    lines.extend(wrapped(&about(sweep), 0));
    if !sweep.levels.is_empty() {
        lines.push(String::new());
        let searched = sweep.kind == Kind::FindMax;
        lines.push(style.faint(&head(searched)));
        lines.extend(sweep.levels.iter().map(|level| row(level, searched, style)));
    }
    if let Some(search) = &sweep.search {
        lines.push(String::new());
        lines.extend(wrapped(&found(sweep.parameter, search, sweep.state), 0));
    }
    match sweep.state {
        SweepState::Running | SweepState::Finished => {}
        SweepState::Interrupted => lines.push("stopped before its end".into()),
        SweepState::Failed => lines.push("ended by a run that could not go on".into()),
    }
    if let Some(place) = place {
        lines.push(String::new());
        lines.push(format!("files: {}", one_line(place)));
    }
    lines.join("\n") + "\n"
}

/// What it is, in a few words.
pub(super) fn about(sweep: &SweepSummary) -> String {
    match (sweep.kind, &sweep.search) {
        (Kind::FindMax, Some(search)) => format!(
            "the highest {} at which {} of turns are good ({}); probes of {} s",
            sweep.parameter,
            percent(Some(search.goal)),
            search.good_turn,
            search.probe_s
        ),
        _ => match sweep.levels.len() {
            1 => format!("{} at one level", sweep.parameter),
            many => format!("{} at {many} levels", sweep.parameter),
        },
    }
}

fn line(cells: [&str; 8]) -> String {
    let [level, throughput, first, ttfc, total, errors, goodput, verdict] = cells;
    format!(
        "{level:<9}{throughput:>10}{first:>10}{ttfc:>10}{total:>10}{errors:>9}{goodput:>11}  {verdict}"
    )
}

fn head(searched: bool) -> String {
    let first = if searched { "good" } else { "ttfc p50" };
    line(["level", "turns", first, "ttfc p95", "total p95", "errors", "goodput", "verdict"])
}

fn row(level: &LevelResult, searched: bool, style: Style) -> String {
    let first = match level.probe {
        Some(probe) if searched => percent(Some(probe.good_share)),
        _ => millis(level.ttfc_p50_ms),
    };
    let text = line([
        &cut(&level.level, 9),
        &rate(level.throughput_per_s),
        &first,
        &millis(level.ttfc_p95_ms),
        &millis(level.total_p95_ms),
        &percent(level.error_rate),
        &rate(level.goodput_per_s),
        "",
    ]);
    let verdict = cut(&level.verdict, 9);
    let verdict = match level.verdict.as_str() {
        "ok" | "met" => style.good(&verdict),
        "degraded" | "unknown" => style.doubtful(&verdict),
        _ => style.bad(&verdict),
    };
    text + &verdict
}

/// What a search found, in a sentence.
pub(super) fn found(parameter: Parameter, search: &SearchResult, state: SweepState) -> String {
    let level = |value: f64| parameter.level(value);
    let goal = percent(Some(search.goal));
    let ended = state == SweepState::Finished;
    match (search.highest_met, search.lowest_missed) {
        (None, None) => "Nothing was found: no level was tried to its end.".into(),
        (None, Some(missed)) => format!(
            "No level was found at which {goal} of turns are good; the lowest tried is {}.",
            level(missed)
        ),
        (Some(met), None) if search.limit == Limit::Range && ended => {
            format!("Highest {parameter}: at least {}; nothing higher is tried.", level(met))
        }
        (Some(met), None) => {
            format!("Highest {parameter} so far: {}; none has failed.", level(met))
        }
        (Some(met), Some(missed)) if search.limit == Limit::Machine => format!(
            "Highest {parameter}: at least {}. At {} this machine could not keep up, so what the \
             target does there is not known; use a larger machine.",
            level(met),
            level(missed)
        ),
        (Some(met), Some(missed)) => format!(
            "Highest {parameter}: {} (at {} fewer than {goal} of turns are good).",
            level(met),
            level(missed)
        ),
    }
}
