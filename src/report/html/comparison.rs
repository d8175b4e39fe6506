//! The page of a comparison: the verdict table, and both distributions on one axis.

use askama::Template;

use super::super::comparison::cells;
use super::super::table::{one_line, percent, rate, thousands};
use super::cell::plain_cell;
use super::document::Document;
use super::run::when;
use super::spread::{Shown, Spread, frequencies, nines};
use super::tables::{Row, Table};
use crate::compare::{Comparison, FigureCompared, RunNamed, Verdict};
use crate::metric::Metric;

/// The distributions of both sides.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// All runs of the base together.
    pub base: Vec<(Metric, Spread)>,
    /// All runs of the new side together.
    pub new: Vec<(Metric, Spread)>,
}

struct Figure {
    title: &'static str,
    frequencies: String,
    nines: String,
}

#[derive(Template)]
#[template(path = "report/comparison.html")]
struct ComparisonTemplate<'a> {
    document: Document,
    comparison: &'a Comparison,
    tone: &'static str,
    sign: &'static str,
    word: &'static str,
    decides: Table,
    looking: Table,
    kinds: Table,
    base: Vec<String>,
    new: Vec<String>,
    noise: String,
    figures: Vec<Figure>,
}

/// The page.
///
/// # Errors
/// It cannot be put together: a defect of the template.
pub fn comparison_page(comparison: &Comparison, sides: &Sides) -> Result<String, askama::Error> {
    let (tone, sign) = tone(comparison.verdict);
    ComparisonTemplate {
        document: Document::new(),
        tone,
        sign,
        word: comparison.verdict.words(),
        decides: decides(comparison),
        looking: looking(comparison),
        kinds: kinds(comparison),
        base: comparison.base.iter().map(named).collect(),
        new: comparison.new.iter().map(named).collect(),
        noise: cells::noise(comparison),
        figures: figures(sides),
        comparison,
    }
    .render()
}

fn tone(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Improved | Verdict::NoWorse | Verdict::NoDifferenceSeen => ("good", "✓"),
        Verdict::Regressed | Verdict::Invalid | Verdict::Incomparable => ("bad", "✗"),
        Verdict::Differs | Verdict::Inconclusive => ("warn", "!"),
    }
}

fn named(run: &RunNamed) -> String {
    let commit = run.commit.as_ref().map_or(String::new(), |commit| {
        format!(", commit {}", commit.chars().take(10).collect::<String>())
    });
    one_line(&format!(
        "{} ({}{commit}, {} completed turns, {})",
        run.id,
        when(&run.started_at),
        thousands(run.completed),
        run.target
    ))
}

fn verdict_cell(verdict: Option<Verdict>) -> String {
    verdict.map_or(String::new(), |one| {
        let (tone, sign) = tone(one);
        format!("<span class=\"{tone}\">{sign} {}</span>", one.words())
    })
}

fn heads(comparison: &Comparison, last: &'static str) -> Vec<(&'static str, &'static str)> {
    let ratio = cells::interval_heading(comparison);
    let mut heads = vec![("", "figure"), ("n", "base"), ("n", "new"), ("n", ratio)];
    if !last.is_empty() {
        heads.push(("", last));
    }
    heads
}

fn figure_cells(one: &FigureCompared, known: bool) -> Vec<String> {
    let value = |side: &Option<crate::compare::Estimated>| {
        plain_cell(side.map(|one| one.value), &cells::side(side.as_ref()))
    };
    vec![value(&one.base), value(&one.new), plain_cell(one.ratio, &cells::ratio(one, known))]
}

fn decides(comparison: &Comparison) -> Table {
    let mut rows = Vec::new();
    if let Some(errors) = &comparison.errors {
        rows.push(Row {
            name: "errors".into(),
            note: errors.needs.map(cells::needs).unwrap_or_default(),
            cells: vec![
                plain_cell(Some(errors.base.rate), &percent(Some(errors.base.rate))),
                plain_cell(Some(errors.new.rate), &percent(Some(errors.new.rate))),
                plain_cell(Some(errors.difference), &cells::points(errors)),
                verdict_cell(Some(errors.verdict)),
            ],
            class: "",
        });
    }
    for one in &comparison.primary {
        let needs = one.needs.map(cells::needs).unwrap_or_default();
        let mut row = figure_cells(one, comparison.noise.is_known());
        row.push(verdict_cell(one.verdict));
        let note = one.note.clone().unwrap_or(needs);
        rows.push(Row { name: format!("{}, ms", one.figure), note, cells: row, class: "" });
    }
    Table { heads: heads(comparison, "verdict"), rows, left_out: 0 }
}

fn looking(comparison: &Comparison) -> Table {
    let figures = comparison.others.iter().map(|one| Row {
        name: format!("{}, ms", one.figure),
        note: String::new(),
        cells: figure_cells(one, false),
        class: "",
    });
    let rates = comparison.rates.iter().map(|one| {
        let ratio = (one.base > 0.0).then(|| one.new / one.base);
        let text = ratio.map_or("n/a".into(), |ratio| format!("{ratio:.3}"));
        Row {
            name: one.rate.into(),
            note: String::new(),
            cells: vec![
                plain_cell(Some(one.base), &rate(Some(one.base))),
                plain_cell(Some(one.new), &rate(Some(one.new))),
                plain_cell(ratio, &text),
            ],
            class: "",
        }
    });
    Table { heads: heads(comparison, ""), rows: figures.chain(rates).collect(), left_out: 0 }
}

fn kinds(comparison: &Comparison) -> Table {
    let rows = comparison.kinds.iter().flat_map(|kind| {
        let share = |rate: Option<f64>| plain_cell(rate, &percent(rate));
        let errors = Row {
            name: kind.session.clone(),
            note: "errors".into(),
            cells: vec![share(kind.base_error_rate), share(kind.new_error_rate), String::new()],
            class: "",
        };
        std::iter::once(errors).chain(kind.figures.iter().map(|one| Row {
            name: kind.session.clone(),
            note: one.figure.to_string(),
            cells: figure_cells(one, false),
            class: "",
        }))
    });
    Table { heads: heads(comparison, ""), rows: rows.collect(), left_out: 0 }
}

/// Response times of both sides on one axis.
fn figures(sides: &Sides) -> Vec<Figure> {
    static NONE: Spread = Spread::NONE;
    let of = |side: &'_ [(Metric, Spread)], metric: Metric| {
        side.iter().position(|(known, _)| *known == metric)
    };
    [("Time to first chunk (ttfc)", Metric::Ttfc), ("Until the reply ended (total)", Metric::Total)]
        .into_iter()
        .filter_map(|(title, metric)| {
            let base = of(&sides.base, metric).map_or(&NONE, |at| &sides.base[at].1);
            let new = of(&sides.new, metric).map_or(&NONE, |at| &sides.new[at].1);
            let shown = [("base", "a", base), ("new", "b", new)].map(|(name, class, spread)| {
                Shown { name: name.into(), class, spread, ci95: None }
            });
            let frequencies = frequencies(title, &shown)?;
            Some(Figure { title, frequencies, nines: nines(title, &shown)? })
        })
        .collect()
}
