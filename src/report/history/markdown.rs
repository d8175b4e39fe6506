//! Runs over time as Markdown, for a job summary or a comment.

use super::sparkline::sparkline;
use super::words::{commits, day, digits, expected, label, minute, remark, shift, verdict, why};
use crate::history::{Policy, Primary, Track, Word};
use crate::report::markdown::{code, plain};
use crate::report::table::percent;

/// Columns of a trend.
const TREND: usize = 40;

/// A section for each track, that of the newest run first; `rows` is how many runs of each are
/// listed.
pub fn history_markdown(tracks: &[Track], policy: &Policy, rows: usize) -> String {
    let mut text = String::new();
    for track in tracks.iter().rev() {
        section(&mut text, track, policy, rows);
    }
    text
}

fn section(text: &mut String, track: &Track, policy: &Policy, rows: usize) {
    let word = track.newest.as_ref().map(|newest| newest.verdict);
    let mark = match word {
        Some(Word::Regressed) => "❌ ",
        Some(Word::Improved | Word::AsBefore) => "✅ ",
        Some(Word::TooFew | Word::Invalid | Word::Incomplete) => "⚠️ ",
        None => "",
    };
    let word = word.map_or(String::new(), |word| format!(": {}", verdict(word)));
    text.push_str(&format!("## {mark}{}{word}\n\n", plain(&track.name)));
    if let (Some(first), Some(last)) = (track.runs.first(), track.runs.last()) {
        text.push_str(&format!(
            "{} runs of {}, {} to {}",
            track.runs.len(),
            code(&track.fingerprint),
            plain(&day(first)),
            plain(&day(last))
        ));
        if let Some(other) = &track.follows {
            text.push_str(&format!("; the scenario was changed, {} came before", code(other)));
        }
        text.push_str(".\n\n");
    }
    if let Some(newest) = &track.newest {
        for sentence in why(track, newest, policy) {
            text.push_str(&format!("- {}\n", plain(&sentence)));
        }
        text.push('\n');
    }
    trends(text, track);
    if !track.changes.is_empty() {
        text.push_str("### Changes\n\n| since | what | commits |\n|---|---|---|\n");
        for change in &track.changes {
            let shifts: Vec<String> = change.shifts.iter().map(shift).collect();
            let commits = commits(track, change).map_or(String::new(), |commits| code(&commits));
            let day = day(&track.runs[change.at]);
            text.push_str(&format!("| {} | {} | {commits} |\n", plain(&day), shifts.join(", ")));
        }
        text.push('\n');
    }
    runs(text, track, rows);
}

fn trends(text: &mut String, track: &Track) {
    text.push_str("| | newest | expected | trend |\n|---|--:|--:|---|\n");
    for primary in Primary::ALL {
        let judged = track
            .newest
            .iter()
            .flat_map(|newest| &newest.judged)
            .find(|judged| judged.metric == primary);
        let newest = track.runs.last().and_then(|run| Some(run.measured(primary)?.value));
        let newest = super::words::value(primary, newest);
        let seen = judged
            .and_then(|judged| judged.expected.as_ref())
            .map_or("n/a".into(), |seen| expected(primary, seen));
        let changes: Vec<usize> = track
            .changes
            .iter()
            .filter(|change| change.shifts.iter().any(|shift| shift.metric == primary))
            .map(|change| change.at)
            .collect();
        let line = sparkline(&track.values(primary), &changes, TREND);
        text.push_str(&format!("| {} | {newest} | {seen} | {} |\n", label(primary), code(&line)));
    }
    text.push('\n');
}

fn runs(text: &mut String, track: &Track, rows: usize) {
    if rows == 0 {
        return;
    }
    let shown = || track.runs.iter().rev().take(rows);
    let remarks = shown().any(|run| !remark(run).is_empty());
    let (title, rule) = if remarks { (" |", "---|") } else { ("", "") };
    text.push_str(&format!(
        "| run began | commit | ttfc p50 | ttfc p95 | total p95 | errors |{title}\n\
         |---|---|--:|--:|--:|--:|{rule}\n"
    ));
    for run in shown() {
        let commit = run.short_commit().map_or(String::new(), |commit| code(&commit));
        text.push_str(&format!("| {} | {commit} |", plain(&minute(run))));
        for primary in Primary::ALL {
            let value = run.measured(primary).map(|measured| measured.value);
            let value = match primary {
                Primary::Errors => percent(value),
                _ => value.map_or("n/a".into(), digits),
            };
            text.push_str(&format!(" {value} |"));
        }
        if remarks {
            text.push_str(&format!(" {} |", remark(run)));
        }
        text.push('\n');
    }
    text.push('\n');
}
