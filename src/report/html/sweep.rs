//! The page of several runs at several levels of load: the curves, and where they bend.

use std::fmt::Write;

use askama::Template;

use super::super::curve::found;
use super::super::table::{millis, percent as share, rate, thousands};
use super::cell::plain_cell;
use super::chart::{Chart, WIDTH};
use super::document::Document;
use super::run::when;
use super::scale::{Scale, millis_label, plain_label};
use super::svg::{escape, line, number, percent};
use super::tables::{Row, Table};
use crate::summary::ValidityVerdict;
use crate::sweep::{Kind, LevelResult, Parameter, SweepState, SweepSummary, knee};

const HEIGHT: u32 = 210;

/// So many levels have each a label of their own on the axis.
const MARKED: usize = 9;

struct Curve {
    title: String,
    legend: Vec<(&'static str, &'static str)>,
    chart: String,
}

#[derive(Template)]
#[template(path = "report/sweep.html")]
struct SweepTemplate<'a> {
    document: Document,
    sweep: &'a SweepSummary,
    tone: &'static str,
    sign: &'static str,
    word: String,
    sentence: String,
    about: String,
    when: String,
    curves: Vec<Curve>,
    levels: Table,
    command: Option<&'a str>,
}

/// The page. `command` is the command line, where it is known.
///
/// # Errors
/// It cannot be put together: a defect of the template.
pub fn sweep_page(sweep: &SweepSummary, command: Option<&str>) -> Result<String, askama::Error> {
    let (tone, word) = match sweep.state {
        SweepState::Running => ("warn", "Not ended"),
        SweepState::Interrupted => ("warn", "Interrupted"),
        SweepState::Failed => ("bad", "Broken off"),
        SweepState::Finished => match &sweep.search {
            Some(search) if search.highest_met.is_none() => ("bad", "Nothing found"),
            Some(_) => ("good", "Found"),
            None if sweep.levels.iter().any(|level| level.exit != 0 || is_invalid(level)) => {
                ("warn", "Done")
            }
            None => ("good", "Done"),
        },
    };
    SweepTemplate {
        document: Document::new(),
        tone,
        sign: match tone {
            "good" => "✓",
            "warn" => "!",
            _ => "✗",
        },
        word: word.into(),
        sentence: sentence(sweep),
        about: about(sweep),
        when: when(&sweep.started_at),
        curves: curves(sweep),
        levels: levels(sweep),
        sweep,
        command,
    }
    .render()
}

fn about(sweep: &SweepSummary) -> String {
    match (sweep.kind, &sweep.search) {
        (Kind::FindMax, Some(search)) => format!(
            "the highest {} at which {} of turns are good ({}); probes of {} s",
            sweep.parameter,
            share(Some(search.goal)),
            search.good_turn,
            search.probe_s
        ),
        _ => format!("{} at {} levels", sweep.parameter, sweep.levels.len()),
    }
}

/// The tester did not keep up.
fn is_invalid(level: &LevelResult) -> bool {
    level.validity == ValidityVerdict::Invalid
}

fn sentence(sweep: &SweepSummary) -> String {
    if let Some(search) = &sweep.search {
        return found(sweep.parameter, search, sweep.state);
    }
    let at = |which: fn(&LevelResult) -> bool| {
        let levels = sweep.levels.iter().filter(|level| which(level));
        levels.map(|one| one.level.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut said = match at(|level| level.exit != 0) {
        none if none.is_empty() => "Everything held at every level.".to_owned(),
        some => format!("Not everything held at {some}."),
    };
    let invalid = at(is_invalid);
    if !invalid.is_empty() {
        let _ = write!(
            said,
            " At {invalid} the tester did not keep up, so the figures there say as much about the \
             tester as about the target."
        );
    }
    if let Some(knee) = knee(&sweep.levels) {
        let _ = write!(
            said,
            " Beyond {} more load brings little more throughput: the knee of the curve.",
            sweep.parameter.level(knee)
        );
    }
    said
}

/// Levels from low to high; of one that was tried twice the later.
fn in_order(levels: &[LevelResult]) -> Vec<&LevelResult> {
    let mut kept: Vec<&LevelResult> = Vec::new();
    for level in levels {
        kept.retain(|one| one.value != level.value);
        kept.push(level);
    }
    kept.sort_by(|one, two| one.value.total_cmp(&two.value));
    kept
}

/// One line of a curve.
type Of = fn(&LevelResult) -> Option<f64>;

fn curves(sweep: &SweepSummary) -> Vec<Curve> {
    let levels = in_order(&sweep.levels);
    let flow: &[(&'static str, &'static str, Of)] = &[
        ("a", "throughput", |level| level.throughput_per_s),
        ("good", "goodput", |level| level.goodput_per_s),
    ];
    let slowness: &[(&'static str, &'static str, Of)] = &[
        ("a1", "ttfc p50", |level| level.ttfc_p50_ms),
        ("a2", "ttfc p95", |level| level.ttfc_p95_ms),
        ("b", "total p95", |level| level.total_p95_ms),
    ];
    let errors: &[(&'static str, &'static str, Of)] =
        &[("bad", "turns without an answer", |level| level.error_rate.map(|rate| rate * 100.0))];
    let any_errors = levels.iter().any(|level| level.error_rate > Some(0.0));
    let mark = match &sweep.search {
        Some(search) => search.highest_met.map(|level| (level, "highest that holds")),
        None => knee(&sweep.levels).map(|level| (level, "knee")),
    };
    [
        curve(sweep, &levels, "Turns a second", flow, plain_label, mark),
        curve(sweep, &levels, "How long it took", slowness, millis_label, mark),
        curve(sweep, &levels, "Errors", errors, |value| format!("{value}%"), mark)
            .filter(|_| any_errors),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn curve(
    sweep: &SweepSummary,
    levels: &[&LevelResult],
    title: &str,
    lines: &[(&'static str, &'static str, Of)],
    label: fn(f64) -> String,
    mark: Option<(f64, &str)>,
) -> Option<Curve> {
    let values = |of: Of| levels.iter().filter_map(move |level| Some((level.value, of(level)?)));
    let lines: Vec<_> = lines.iter().filter(|(_, _, of)| values(*of).next().is_some()).collect();
    let highest = lines.iter().flat_map(|(_, _, of)| values(*of)).map(|(_, value)| value);
    let highest = highest.reduce(f64::max)?;
    let (first, last) = (levels.first()?.value, levels.last()?.value);
    // Levels are mostly doubled from one to the next.
    let x = match first > 0.0 && last / first > 6.0 {
        true => Scale::log(first / 1.15, last * 1.15, plain_label),
        false => Scale::linear(last, 6, plain_label),
    };
    let places: Vec<f64> = levels.iter().map(|level| level.value).collect();
    let x = if places.len() <= MARKED { x.ticked(&places, plain_label) } else { x };
    let y = Scale::linear(highest, 4, label);
    let mut picture = String::new();
    let mut marks = String::new();
    if let Some((level, what)) = mark {
        let at = x.at(level);
        let _ = write!(
            picture,
            "<path class=\"line knee\" d=\"M{0} 0V{HEIGHT}\"/>",
            number(at * WIDTH)
        );
        let (anchor, space) = if at > 0.6 { ("end", -6) } else { ("start", 6) };
        let _ = write!(
            marks,
            "<text class=\"said\" x=\"{}\" dx=\"{space}\" y=\"12\" text-anchor=\"{anchor}\">{what}: {}</text>",
            percent(at),
            escape(&sweep.parameter.level(level))
        );
    }
    for (class, name, of) in &lines {
        let place = |point| Chart::place(&x, &y, HEIGHT, point);
        let points = values(*of).map(|point| (place(point).0, Some(place(point).1)));
        let _ = write!(picture, "<path class=\"line {class}\" d=\"{}\"/>", line(points));
        for (level, value) in values(*of) {
            let _ = write!(
                marks,
                "<circle class=\"dot {class}\" cx=\"{}\" cy=\"{}\" r=\"4\"><title>{name} at {}: {}</title></circle>",
                percent(x.at(level)),
                percent(1.0 - y.at(value)),
                escape(&sweep.parameter.level(level)),
                escape(&label((value * 100.0).round() / 100.0)),
            );
        }
    }
    let label = format!("{title} by {}, from {first} to {last}", sweep.parameter);
    let chart =
        Chart { label, height: HEIGHT, x: &x, y: &y, picture, marks, attributes: String::new() };
    Some(Curve {
        title: title.into(),
        legend: lines.iter().map(|(class, name, _)| (*class, *name)).collect(),
        chart: chart.svg(),
    })
}

/// Where it stands among the cells of a level; left out where no turn had a goal.
const GOODPUT: usize = 3;

fn levels(sweep: &SweepSummary) -> Table {
    let searched = sweep.kind == Kind::FindMax;
    let mut heads = vec![
        (
            "",
            match sweep.parameter {
                Parameter::Concurrency => "concurrency",
                Parameter::Rate => "rate",
            },
        ),
        ("", "verdict"),
        ("n", "turns"),
        ("n", "throughput"),
        ("n", "goodput"),
        ("n", "errors"),
        ("n", "ttfc p50"),
        ("n", "ttfc p95"),
        ("n", "total p95"),
        ("", "report"),
    ];
    let has_goodput = sweep.levels.iter().any(|level| level.goodput_per_s.is_some());
    if !has_goodput {
        heads.remove(GOODPUT + 1);
    }
    if searched {
        heads.insert(2, ("n", "good"));
    }
    let rows = sweep.levels.iter().map(|level| {
        let tone = match level.verdict.as_str() {
            "ok" | "met" => "good",
            "degraded" | "unknown" => "warn",
            _ => "bad",
        };
        let ms = |value: Option<f64>| plain_cell(value, &millis(value));
        let each = |value: Option<f64>| plain_cell(value, &rate(value));
        let mut cells = vec![
            format!("<span class=\"{tone}\">{}</span>", escape(&level.verdict)),
            plain_cell(Some(level.planned as f64), &thousands(level.planned)),
            each(level.throughput_per_s),
            each(level.goodput_per_s),
            plain_cell(level.error_rate, &share(level.error_rate)),
            ms(level.ttfc_p50_ms),
            ms(level.ttfc_p95_ms),
            ms(level.total_p95_ms),
            // The name of a directory: letters, digits, dashes; still text of others.
            format!("<a href=\"./{}/report.html\">open</a>", escape(&level.run)),
        ];
        if !has_goodput {
            cells.remove(GOODPUT);
        }
        if searched {
            let good = level.probe.map(|probe| probe.good_share);
            cells.insert(1, plain_cell(good, &share(good)));
        }
        Row { name: level.level.clone(), note: String::new(), cells, class: "" }
    });
    Table { heads, rows: rows.collect(), left_out: 0 }
}
