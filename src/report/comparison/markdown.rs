//! A comparison as Markdown, for a page such as a job summary.

use super::cells::{interval_heading, needs, noise, points, rate, ratio, side};
use crate::compare::{Comparison, FigureCompared, Verdict};
use crate::report::markdown::plain;
use crate::report::table;

/// The comparison as Markdown.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut text = format!("## {} {}\n\n", mark(comparison.verdict), comparison.verdict.words());
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
        text.push_str(&format!(
            "\n| | base | new | {} | verdict | |\n|---|--:|--:|--:|---|---|\n",
            interval_heading(comparison)
        ));
        row(
            &mut text,
            ["errors", &rate(errors.base.rate), &rate(errors.new.rate), &points(errors)],
            Some(errors.verdict),
            errors.needs.map(needs),
        );
        for one in &comparison.primary {
            figure(&mut text, one, comparison.noise.is_known());
        }
        text.push_str(&format!("\n{}\n", plain(&noise(comparison))));
        if !comparison.others.is_empty() || !comparison.rates.is_empty() {
            text.push_str("\n<details><summary>More figures, for looking</summary>\n\n");
            text.push_str(
                "| | base | new | ratio (95 % within) | | |\n|---|--:|--:|--:|---|---|\n",
            );
            comparison.others.iter().for_each(|one| figure(&mut text, one, false));
            for one in &comparison.rates {
                let of = |value: f64| table::rate(Some(value));
                let ratio = if one.base > 0.0 {
                    format!("{:.3}", one.new / one.base)
                } else {
                    "n/a".into()
                };
                row(&mut text, [one.rate, &of(one.base), &of(one.new), &ratio], None, None);
            }
            text.push_str("\n</details>\n");
        }
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

fn figure(text: &mut String, one: &FigureCompared, known: bool) {
    let cells = [
        &one.figure.to_string(),
        &side(one.base.as_ref()),
        &side(one.new.as_ref()),
        &ratio(one, known),
    ];
    row(text, cells.map(String::as_str), one.verdict, one.needs.map(needs));
}

fn row(text: &mut String, cells: [&str; 4], verdict: Option<Verdict>, needs: Option<String>) {
    let verdict = verdict.map_or(String::new(), |one| format!("{} {}", mark(one), one.words()));
    text.push_str(&format!(
        "| {} | {verdict} | {} |\n",
        cells.join(" | "),
        needs.unwrap_or_default()
    ));
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

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed | Verdict::Invalid | Verdict::Incomparable => "❌",
        Verdict::Improved | Verdict::NoWorse => "✅",
        Verdict::Inconclusive | Verdict::Differs => "⚠️",
        Verdict::NoDifferenceSeen => "➖",
    }
}
