//! A comparison as Markdown, for a page such as a job summary.

use super::cells::{interval_heading, needs, noise, points, rate, ratio, side};
use crate::compare::{Comparison, ErrorsCompared, FigureCompared, RunNamed, Verdict};
use crate::report::markdown::plain;
use crate::report::table;

/// The comparison as Markdown.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "## {} {}: {} against {}\n\n",
        mark(comparison.verdict),
        comparison.verdict.words(),
        plain(&named(&comparison.new)),
        plain(&named(&comparison.base))
    );
    for reason in &comparison.reasons {
        text.push_str(&format!("- {}\n", plain(reason)));
    }
    text.push_str("\n| | run | turns | commit |\n|---|---|--:|---|\n");
    for (name, runs) in [("base", &comparison.base), ("new", &comparison.new)] {
        for run in runs {
            let commit = run.commit.as_deref().unwrap_or("");
            let commit: String = commit.chars().take(7).collect();
            text.push_str(&format!(
                "| {name} | {} | {} | {commit} |\n",
                plain(&run.id),
                table::thousands(run.completed)
            ));
        }
    }
    if let Some(errors) = &comparison.errors {
        decides(&mut text, comparison, errors);
        looking(&mut text, comparison);
        kinds(&mut text, comparison);
    }
    for (title, list) in [
        ("Not compared", &comparison.left_out),
        ("To know before believing it", &comparison.caveats),
    ] {
        if !list.is_empty() {
            text.push_str(&format!("\n**{title}**\n\n"));
            list.iter().for_each(|one| text.push_str(&format!("- {}\n", plain(one))));
        }
    }
    text
}

/// A side in a few words.
fn named(runs: &[RunNamed]) -> String {
    match runs {
        [] => String::new(),
        [one] => one.id.clone(),
        many => format!("{} runs", many.len()),
    }
}

/// The error rate and the figures that decide, and what it would take where that is not told.
fn decides(text: &mut String, comparison: &Comparison, errors: &ErrorsCompared) {
    text.push_str(&format!(
        "\n| | base | new | {} | verdict |\n|---|--:|--:|--:|---|\n",
        interval_heading(comparison)
    ));
    let cells = ["errors", &rate(errors.base.rate), &rate(errors.new.rate), &points(errors)];
    text.push_str(&format!("| {} | {} |\n", cells.join(" | "), told(errors.verdict)));
    let known = comparison.noise.is_known();
    for one in &comparison.primary {
        let verdict = one.verdict.map(told).unwrap_or_default();
        text.push_str(&format!("| {} | {verdict} |\n", figure(one, known)));
    }
    text.push('\n');
    let needed = std::iter::once(("errors".to_owned(), errors.needs))
        .chain(comparison.primary.iter().map(|one| (one.figure.to_string(), one.needs)));
    for (name, needed) in needed {
        if let Some(needed) = needed {
            text.push_str(&format!("- {name} {}\n", needs(needed)));
        }
    }
    text.push_str(&format!("\n{}\n", plain(&noise(comparison))));
}

fn looking(text: &mut String, comparison: &Comparison) {
    if comparison.others.is_empty() && comparison.rates.is_empty() {
        return;
    }
    text.push_str(
        "\n<details><summary>More figures, for looking</summary>\n\n\
         | | base | new | ratio (95 % within) |\n|---|--:|--:|--:|\n",
    );
    for one in &comparison.others {
        text.push_str(&format!("| {} |\n", figure(one, false)));
    }
    for one in &comparison.rates {
        let of = |value: f64| table::rate(Some(value));
        let ratio = match one.base > 0.0 {
            true => format!("{:.3}", one.new / one.base),
            false => "n/a".into(),
        };
        text.push_str(&format!(
            "| {} | {} | {} | {ratio} |\n",
            one.rate,
            of(one.base),
            of(one.new)
        ));
    }
    text.push_str("\n</details>\n");
}

/// The first four cells of a row.
fn figure(one: &FigureCompared, known: bool) -> String {
    let (base, new) = (side(one.base.as_ref()), side(one.new.as_ref()));
    [one.figure.to_string(), base, new, ratio(one, known)].join(" | ")
}

fn told(verdict: Verdict) -> String {
    format!("{} {}", mark(verdict), verdict.words())
}

fn kinds(text: &mut String, comparison: &Comparison) {
    if comparison.kinds.is_empty() {
        return;
    }
    text.push_str("\n<details><summary>By session</summary>\n\n| session | errors |");
    let names: Vec<String> = comparison.primary.iter().map(|one| one.figure.to_string()).collect();
    names.iter().for_each(|name| text.push_str(&format!(" {name} |")));
    text.push_str(&format!("\n|---|--:|{}\n", "--:|".repeat(names.len())));
    for kind in &comparison.kinds {
        let errors = match (kind.base_error_rate, kind.new_error_rate) {
            (Some(base), Some(new)) => format!("{:+.1} pp", (new - base) * 100.0),
            _ => "n/a".into(),
        };
        text.push_str(&format!("| {} | {errors} |", plain(&kind.session)));
        kind.figures.iter().for_each(|one| text.push_str(&format!(" {} |", ratio(one, false))));
        text.push('\n');
    }
    text.push_str("\n</details>\n");
}

pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed | Verdict::Invalid | Verdict::Incomparable => "❌",
        Verdict::Improved | Verdict::NoWorse => "✅",
        Verdict::Inconclusive | Verdict::Differs => "⚠️",
        Verdict::NoDifferenceSeen => "➖",
    }
}
