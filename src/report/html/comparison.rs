//! The page of a comparison: the verdict table, and both distributions on one axis.

use askama::Template;

use super::super::comparison::cells;
use super::super::table::{one_line, percent, rate, thousands};
use super::cell::{capital, data, plain_cell};
use super::document::Document;
use super::run::when;
use super::spread::{Shown, Spread, frequencies, nines};
use super::svg::escape;
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

/// A run of one side.
struct Named {
    id: String,
    about: String,
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
    word: String,
    decides: Table,
    looking: Table,
    kinds: Table,
    sides: [(&'static str, Vec<Named>); 2],
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
        word: capital(comparison.verdict.words()),
        decides: decides(comparison),
        looking: looking(comparison),
        kinds: kinds(comparison),
        sides: [("base", &comparison.base), ("new", &comparison.new)]
            .map(|(side, runs)| (side, runs.iter().map(named).collect())),
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

fn named(run: &RunNamed) -> Named {
    let commit = run.commit.as_ref().map_or(String::new(), |commit| {
        format!(", commit {}", commit.chars().take(10).collect::<String>())
    });
    let about = format!(
        "{}{commit}, {} completed turns, {}",
        when(&run.started_at),
        thousands(run.completed),
        run.target
    );
    Named { id: one_line(&run.id), about: one_line(&about) }
}

fn verdict_cell(verdict: Option<Verdict>) -> String {
    verdict.map_or(String::new(), |one| {
        let (tone, sign) = tone(one);
        format!("<span class=\"{tone}\">{sign} {}</span>", one.words())
    })
}

fn heads(comparison: &Comparison) -> Vec<(&'static str, &'static str)> {
    let ratio = cells::interval_heading(comparison);
    vec![("", "figure"), ("n", "base"), ("n", "new"), ("n", ratio)]
}

/// Both sides and their ratio. `of` is where the figure stands in the JSON form.
fn figure_cells(of: &str, one: &FigureCompared, known: bool) -> Vec<String> {
    let value = |name: &str, side: &Option<crate::compare::Estimated>| {
        let value = side.map(|one| one.value);
        data(&format!("{of}/{name}/value"), value, &cells::side(side.as_ref()))
    };
    let ratio = data(&format!("{of}/ratio"), one.ratio, &cells::ratio(one, known));
    vec![value("base", &one.base), value("new", &one.new), ratio]
}

fn decides(comparison: &Comparison) -> Table {
    let mut rows = Vec::new();
    if let Some(errors) = &comparison.errors {
        let share = |of: &str, rate| data(of, Some(rate), &percent(Some(rate)));
        rows.push(Row {
            name: "errors".into(),
            note: errors.needs.map(cells::needs).unwrap_or_default(),
            cells: vec![
                share("/errors/base/rate", errors.base.rate),
                share("/errors/new/rate", errors.new.rate),
                data("/errors/difference", Some(errors.difference), &cells::points(errors)),
                verdict_cell(Some(errors.verdict)),
            ],
            class: "",
        });
    }
    for (at, one) in comparison.primary.iter().enumerate() {
        let needs = one.needs.map(cells::needs).unwrap_or_default();
        let mut row = figure_cells(&format!("/primary/{at}"), one, comparison.noise.is_known());
        row.push(verdict_cell(one.verdict));
        let note = one.note.clone().unwrap_or(needs);
        rows.push(Row { name: format!("{}, ms", one.figure), note, cells: row, class: "" });
    }
    let mut heads = heads(comparison);
    heads.push(("", "verdict"));
    Table { heads, rows, left_out: 0 }
}

fn looking(comparison: &Comparison) -> Table {
    let figures = comparison.others.iter().enumerate().map(|(at, one)| Row {
        name: format!("{}, ms", one.figure),
        note: String::new(),
        cells: figure_cells(&format!("/others/{at}"), one, false),
        class: "",
    });
    let rates = comparison.rates.iter().enumerate().map(|(at, one)| {
        let ratio = (one.base > 0.0).then(|| one.new / one.base);
        let text = ratio.map_or("n/a".into(), |ratio| format!("{ratio:.3}"));
        let side = |name: &str, value| {
            data(&format!("/rates/{at}/{name}"), Some(value), &rate(Some(value)))
        };
        Row {
            name: one.rate.to_string(),
            note: String::new(),
            cells: vec![side("base", one.base), side("new", one.new), plain_cell(ratio, &text)],
            class: "",
        }
    });
    Table { heads: heads(comparison), rows: figures.chain(rates).collect(), left_out: 0 }
}

fn kinds(comparison: &Comparison) -> Table {
    let rows = comparison.kinds.iter().enumerate().flat_map(|(at, kind)| {
        let row = move |figure: String, mut cells: Vec<String>| {
            cells.insert(0, escape(&figure));
            Row { name: kind.session.clone(), note: String::new(), cells, class: "" }
        };
        let share = |side: &str, rate: Option<f64>| {
            data(&format!("/kinds/{at}/{side}_error_rate"), rate, &percent(rate))
        };
        let errors = vec![
            share("base", kind.base_error_rate),
            share("new", kind.new_error_rate),
            String::new(),
        ];
        let figures = kind.figures.iter().enumerate().map(move |(place, one)| {
            let of = format!("/kinds/{at}/figures/{place}");
            row(format!("{}, ms", one.figure), figure_cells(&of, one, false))
        });
        std::iter::once(row("errors".into(), errors)).chain(figures)
    });
    let mut heads = heads(comparison);
    heads.insert(0, ("", "session"));
    Table { heads, rows: rows.collect(), left_out: 0 }
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
