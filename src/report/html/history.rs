//! The page of runs over time: a curve a figure, where it changed, and what the newest comes to.

use std::fmt::Write;

use askama::Template;

use super::super::history::words;
use super::cell::{capital, data};
use super::chart::{Chart, WIDTH};
use super::document::Document;
use super::scale::{Scale, millis_label};
use super::svg::{band, escape, line, number, percent};
use super::tables::{ROWS, Row, Table};
use crate::history::{Change, Policy, Primary, Track, Word};

const HEIGHT: u32 = 150;

struct Curve {
    title: &'static str,
    chart: String,
}

/// One track, ready to be shown.
struct Shown<'a> {
    track: &'a Track,
    tone: &'static str,
    sign: &'static str,
    word: String,
    why: Vec<String>,
    curves: Vec<Curve>,
    changes: Vec<String>,
    runs: Table,
}

#[derive(Template)]
#[template(path = "report/history.html")]
struct HistoryTemplate<'a> {
    document: Document,
    title: String,
    tracks: Vec<Shown<'a>>,
}

/// The page: the track of the newest run first. `place` is what comes before a run's id in a link,
/// `has_page` whether there is something to link to.
///
/// # Errors
/// It cannot be put together: a defect of the template.
pub fn history_page(
    tracks: &[Track],
    policy: &Policy,
    place: &str,
    has_page: &dyn Fn(&str) -> bool,
) -> Result<String, askama::Error> {
    let newest = tracks.last();
    let name = newest.map_or("", |track| &track.name);
    let word = newest.and_then(|track| track.newest.as_ref());
    let word = word.map_or("no verdict", |newest| words::verdict(newest.verdict));
    let links = Links { place, has_page };
    HistoryTemplate {
        document: Document::new(),
        title: format!("{}: {name}, runs over time", capital(word)),
        tracks: tracks
            .iter()
            .enumerate()
            .rev()
            .map(|(at, track)| shown((at, track), policy, &links))
            .collect(),
    }
    .render()
}

/// Where the pages of the runs are.
struct Links<'a> {
    place: &'a str,
    has_page: &'a dyn Fn(&str) -> bool,
}

fn shown<'a>((at, track): (usize, &'a Track), policy: &Policy, links: &Links<'_>) -> Shown<'a> {
    let verdict = track.newest.as_ref().map(|newest| newest.verdict);
    let (tone, sign) = match verdict {
        Some(Word::Improved | Word::AsBefore) => ("good", "✓"),
        Some(Word::Regressed) => ("bad", "✗"),
        Some(Word::Invalid | Word::Incomplete | Word::TooFew) | None => ("warn", "!"),
    };
    let curves = Primary::ALL.into_iter().filter_map(|primary| {
        Some(Curve { title: words::label(primary), chart: curve(track, primary)? })
    });
    Shown {
        tone,
        sign,
        word: capital(verdict.map_or("no verdict", words::verdict)),
        why: track.newest.as_ref().map_or(Vec::new(), |newest| words::why(track, newest, policy)),
        curves: curves.collect(),
        changes: track.changes.iter().map(|change| changed(track, change)).collect(),
        runs: runs(at, track, links),
        track,
    }
}

fn changed(track: &Track, change: &Change) -> String {
    let shifts: Vec<_> = change.shifts.iter().map(words::shift).collect();
    let commits = words::commits(track, change)
        .map_or(String::new(), |commits| format!(", commits {commits}"));
    format!("{}: {}{commits}", words::day(&track.runs[change.at]), shifts.join(", "))
}

/// When a run began, as short as it can be.
fn label(track: &Track, at: usize) -> String {
    let days = [track.runs.first(), track.runs.last()].map(|run| run.map(words::day));
    let minute = words::minute(&track.runs[at]);
    let short = if days[0] == days[1] { minute.get(11..) } else { minute.get(5..10) };
    short.unwrap_or(&minute).to_owned()
}

/// A figure of every run in its order, the changes, and what was expected of the newest.
fn curve(track: &Track, primary: Primary) -> Option<String> {
    let values = track.values(primary);
    let judged = track.newest.as_ref().and_then(|newest| {
        let judged = newest.judged.iter().find(|judged| judged.metric == primary)?;
        Some((newest.at, judged.expected?))
    });
    let tops = values.iter().copied().flatten();
    let highest = tops.chain(judged.map(|(_, expected)| expected.high)).reduce(f64::max)?;
    if primary == Primary::Errors && values.iter().copied().flatten().all(|value| value == 0.0) {
        return None;
    }
    let x = Scale::runs(track.runs.len(), |at| label(track, at));
    let y = match primary {
        Primary::Errors => Scale::linear(highest * 100.0, 3, |value| format!("{value}%")),
        _ => Scale::linear(highest, 3, millis_label),
    };
    let shown = |value: f64| if primary == Primary::Errors { value * 100.0 } else { value };
    let place =
        |at: usize, value: f64| Chart::place(&x, &y, HEIGHT, (at as f64 + 0.5, shown(value)));
    let mut picture = String::new();
    let mut marks = String::new();
    if let Some((at, expected)) = judged {
        let from = Chart::place(&x, &y, HEIGHT, (expected.first as f64, 0.0)).0;
        let to = Chart::place(&x, &y, HEIGHT, (at as f64 + 1.0, 0.0)).0;
        let low = if primary == Primary::Errors { 0.0 } else { expected.low };
        let both = Some((place(at, low).1, place(at, expected.high).1));
        let _ =
            write!(picture, "<path class=\"fill b\" d=\"{}\"/>", band(&[(from, both), (to, both)]));
    }
    for change in &track.changes {
        let changed_here = change.shifts.iter().any(|shift| shift.metric == primary);
        let class = if changed_here { "line knee" } else { "line knee faint" };
        let at = number(x.at(change.at as f64) * WIDTH);
        let _ = write!(picture, "<path class=\"{class}\" d=\"M{at} 0V{HEIGHT}\"/>");
    }
    let points = values.iter().enumerate();
    let points =
        points.map(|(at, value)| (place(at, 0.0).0, value.map(|value| place(at, value).1)));
    let _ = write!(picture, "<path class=\"line a\" d=\"{}\"/>", line(points));
    // Hundreds of dots would be a line of their own.
    let least = values.len().saturating_sub(120);
    for (at, value) in values.iter().enumerate().skip(least) {
        let Some(value) = value else { continue };
        let last = judged.is_some_and(|(newest, _)| newest == at);
        let _ = write!(
            marks,
            "<circle class=\"dot {}\" cx=\"{}\" cy=\"{}\" r=\"{}\"><title>{}: {}</title></circle>",
            if last { "b" } else { "a" },
            percent(x.at(at as f64 + 0.5)),
            percent(1.0 - y.at(shown(*value))),
            if last { 5 } else { 3 },
            escape(&words::minute(&track.runs[at])),
            escape(&words::value(primary, Some(*value))),
        );
    }
    let label = format!(
        "{} over {} runs, {} changes; the newest {}",
        words::label(primary),
        track.runs.len(),
        track.changes.len(),
        words::value(primary, values.last().copied().flatten())
    );
    let chart =
        Chart { label, height: HEIGHT, x: &x, y: &y, picture, marks, attributes: String::new() };
    Some(chart.svg())
}

const HEADS: [(&str, &str); 8] = [
    ("", "began"),
    ("", "commit"),
    ("n", "ttfc p50"),
    ("n", "ttfc p95"),
    ("n", "total p95"),
    ("n", "errors"),
    ("", "remark"),
    ("", "report"),
];

/// The newest first.
fn runs(number: usize, track: &Track, links: &Links<'_>) -> Table {
    let rows = track.runs.iter().enumerate().rev().take(ROWS).map(|(at, run)| {
        let changed = track.changes.iter().any(|change| change.at == at);
        let mut cells = vec![escape(&run.short_commit().unwrap_or_default())];
        cells.extend(Primary::ALL.into_iter().map(|primary| {
            let value = run.measured(primary).map(|measured| measured.value);
            let of = format!("/tracks/{number}/runs/{at}/metrics/{}/value", primary.name());
            data(&of, value, &words::value(primary, value))
        }));
        let remark = words::remark(run);
        cells.push(match (changed, remark) {
            (true, "") => "<strong>changed here</strong>".into(),
            (true, remark) => format!("<strong>changed here</strong>, {remark}"),
            (false, remark) => remark.into(),
        });
        cells.push(match (links.has_page)(&run.id) {
            true => {
                let (place, id) = (escape(links.place), escape(&run.id));
                format!("<a href=\"{place}{id}/report.html\">open</a>")
            }
            false => "<span class=\"none\">not here</span>".into(),
        });
        Row { name: words::minute(run), note: String::new(), cells, class: "" }
    });
    Table {
        heads: HEADS.to_vec(),
        rows: rows.collect(),
        left_out: track.runs.len().saturating_sub(ROWS),
    }
}
