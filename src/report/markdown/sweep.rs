//! Several runs at several levels, as Markdown.

use super::escape::plain;
use crate::report::curve::{about, found};
use crate::report::table::{millis, percent, rate};
use crate::sweep::{Kind, SweepSummary};

/// The curve of a sweep, or what a search tried and found.
pub fn sweep_markdown(sweep: &SweepSummary) -> String {
    let mut text = format!("## {}\n\n{}.\n\n", plain(&sweep.name), plain(&about(sweep)));
    let searched = sweep.kind == Kind::FindMax;
    let first = if searched { "good turns" } else { "ttfc p50" };
    text.push_str(&format!(
        "| {} | turns | {first} | ttfc p95 | total p95 | errors | goodput | verdict |\n",
        sweep.parameter
    ));
    text.push_str("|---|--:|--:|--:|--:|--:|--:|---|\n");
    for level in &sweep.levels {
        let first = match level.probe {
            Some(probe) if searched => percent(Some(probe.good_share)),
            _ => millis(level.ttfc_p50_ms),
        };
        text.push_str(&format!(
            "| {} | {} | {first} | {} | {} | {} | {} | {} |\n",
            plain(&level.level),
            rate(level.throughput_per_s),
            millis(level.ttfc_p95_ms),
            millis(level.total_p95_ms),
            percent(level.error_rate),
            rate(level.goodput_per_s),
            plain(&level.verdict)
        ));
    }
    if let Some(search) = &sweep.search {
        text.push_str(&format!("\n{}\n", plain(&found(sweep.parameter, search, sweep.state))));
    }
    text
}
