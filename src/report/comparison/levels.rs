//! Two sweeps compared: a row a level.

use super::cells::{bounds, noise, percent_of};
use super::gates::comparison_gates;
use super::markdown::mark;
use super::text::{paint, short};
use crate::compare::{Comparison, FigureCompared, LevelCompared, NoiseSource, SweepsCompared};
use crate::report::gates::Gate;
use crate::report::junit::{Suite, junit};
use crate::report::markdown::plain;
use crate::report::style::Style;
use crate::report::table::{cut, one_line, wrapped};

const LEVEL: usize = 12;
const RATIO: usize = 16;

/// As text, 80 columns wide, each line ended.
pub fn sweeps_text(sweeps: &SweepsCompared, style: Style) -> String {
    let mut lines = Vec::new();
    for (side, id) in [("base", &sweeps.base), ("new", &sweeps.new)] {
        lines.push(format!("{}{}", style.heading(&format!("{side:<6}")), cut(&one_line(id), 74)));
    }
    lines.push(String::new());
    let mut heading = format!("{:<LEVEL$}", sweeps.parameter.to_string());
    heading.extend(figures(sweeps).iter().map(|name| format!(" {name:>RATIO$}")));
    lines.push(style.faint(&format!("{heading} verdict")));
    for one in &sweeps.levels {
        let cells = ratios(&one.comparison, figures(sweeps).len());
        let cells: String = cells.iter().map(|cell| format!(" {cell:>RATIO$}")).collect();
        let verdict = one.comparison.verdict;
        let level = cut(&one_line(&one.level), LEVEL - 1);
        lines.push(format!("{level:<LEVEL$}{cells} {}", paint(style, verdict, short(verdict))));
    }
    for (title, said) in [
        ("not compared", sweeps.left_out.clone()),
        ("to know before believing it", each(sweeps, |one| &one.caveats)),
    ] {
        if !said.is_empty() {
            lines.extend([String::new(), style.heading(title)]);
            for sentence in said {
                let mut sentence = wrapped(&one_line(&sentence), 4);
                if let Some(first) = sentence.first_mut() {
                    first.replace_range(..4, "  - ");
                }
                lines.extend(sentence);
            }
        }
    }
    lines.push(String::new());
    if let Some(known) = comparable(sweeps) {
        lines.extend(wrapped(&how(known), 0).iter().map(|line| style.faint(line)));
        lines.push(String::new());
    }
    let verdict = paint(style, sweeps.verdict, sweeps.verdict.words());
    lines.push(format!("{}  {verdict}", style.heading("verdict")));
    for reason in each(sweeps, |one| &one.reasons) {
        lines.extend(wrapped(&one_line(&reason), 2));
    }
    lines.join("\n") + "\n"
}

/// As Markdown, for a page such as a job summary.
pub fn sweeps_markdown(sweeps: &SweepsCompared) -> String {
    let mut text = format!(
        "## {} {}: {} against {}\n\n",
        mark(sweeps.verdict),
        sweeps.verdict.words(),
        plain(&sweeps.new),
        plain(&sweeps.base)
    );
    for reason in each(sweeps, |one| &one.reasons) {
        text.push_str(&format!("- {}\n", plain(&reason)));
    }
    let names = figures(sweeps);
    text.push_str(&format!(
        "\n| {} | {} | verdict |\n|---|{}---|\n",
        sweeps.parameter,
        names.join(" | "),
        "--:|".repeat(names.len())
    ));
    for one in &sweeps.levels {
        let verdict = one.comparison.verdict;
        text.push_str(&format!(
            "| {} | {} | {} {} |\n",
            plain(&one.level),
            ratios(&one.comparison, names.len()).join(" | "),
            mark(verdict),
            verdict.words()
        ));
    }
    if let Some(known) = comparable(sweeps) {
        text.push_str(&format!("\n{}\n", plain(&how(known))));
    }
    for (title, said) in [
        ("Not compared", sweeps.left_out.clone()),
        ("To know before believing it", each(sweeps, |one| &one.caveats)),
    ] {
        if !said.is_empty() {
            text.push_str(&format!("\n**{title}**\n\n"));
            said.iter().for_each(|one| text.push_str(&format!("- {}\n", plain(one))));
        }
    }
    text
}

/// As a JUnit test report: a suite a level.
pub fn sweeps_junit(sweeps: &SweepsCompared, strict: bool) -> String {
    let each = |one: &LevelCompared| comparison_gates(&one.comparison, strict);
    let gates: Vec<Vec<Gate>> = sweeps.levels.iter().map(each).collect();
    let names: Vec<String> = sweeps.levels.iter().map(|one| named(sweeps, one)).collect();
    let suites = gates.iter().zip(&names).map(|(gates, name)| Suite {
        name,
        id: &sweeps.new,
        duration_s: 0.0,
        gates,
    });
    junit("streamgauge compare", suites)
}

/// The error rate and each figure that decides, of every level.
pub fn sweeps_gates(sweeps: &SweepsCompared, strict: bool) -> Vec<Gate> {
    let of_level = |one: &LevelCompared| {
        let name = named(sweeps, one);
        let gates = comparison_gates(&one.comparison, strict).into_iter();
        gates.map(move |gate| Gate { name: format!("{name} {}", gate.name), ..gate })
    };
    sweeps.levels.iter().flat_map(of_level).collect()
}

fn named(sweeps: &SweepsCompared, one: &LevelCompared) -> String {
    format!("{}={}", sweeps.parameter, one.level)
}

/// Sentences about levels, each with its level.
fn each(sweeps: &SweepsCompared, of: impl Fn(&Comparison) -> &Vec<String>) -> Vec<String> {
    let of_level = |one: &LevelCompared| {
        let name = named(sweeps, one);
        let said: Vec<String> =
            of(&one.comparison).iter().map(|said| format!("{name}: {said}")).collect();
        said
    };
    sweeps.levels.iter().flat_map(of_level).collect()
}

/// A level that could be compared: what stands in the columns, and what is known of the noise.
fn comparable(sweeps: &SweepsCompared) -> Option<&Comparison> {
    sweeps.levels.iter().map(|one| &one.comparison).find(|one| one.errors.is_some())
}

fn figures(sweeps: &SweepsCompared) -> Vec<String> {
    let known = comparable(sweeps).map_or(&[][..], |one| one.primary.as_slice());
    known.iter().map(|one| one.figure.to_string()).collect()
}

fn ratios(comparison: &Comparison, count: usize) -> Vec<String> {
    let known = comparison.noise.is_known();
    let cell = |one: Option<&FigureCompared>| {
        let interval = |one: &FigureCompared| {
            if known { one.interval.or(one.within) } else { one.within }
        };
        match one.and_then(|one| Some((one.ratio?, interval(one)?))) {
            Some((ratio, interval)) => format!("{ratio:.2} ({})", bounds(interval)),
            None => "n/a".to_owned(),
        }
    };
    (0..count).map(|at| cell(comparison.primary.get(at))).collect()
}

fn how(known: &Comparison) -> String {
    // Of several runs a side, which are the other way to know it, there are none here.
    let noise = match (known.noise.source, known.noise.between) {
        (NoiseSource::Assumed, Some(between)) => format!(
            "Two runs a level cannot tell how much runs of an unchanged agent differ from one \
             another: a standard deviation of {} is assumed, and \"regressed\" is said only of what \
             is beyond it; --run-noise gives it. The intervals are of these runs alone.",
            percent_of(between)
        ),
        _ => noise(known),
    };
    format!(
        "Ratios of new to base with their 95 % intervals; verdicts allow for all levels together. \
         {noise}"
    )
}
