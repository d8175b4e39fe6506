//! What a track, its changes and its newest run are called, wherever they are shown.

use crate::history::{
    Change, Entry, Expected, Judged, Newest, Policy, Primary, Shift, State, Track, Word,
};
use crate::report::table::{one_line, percent};
use crate::summary::ValidityVerdict;

/// What a figure is called.
pub(in crate::report) fn label(primary: Primary) -> &'static str {
    match primary {
        Primary::TtfcP50 => "ttfc p50",
        Primary::TtfcP95 => "ttfc p95",
        Primary::TotalP95 => "total p95",
        Primary::Errors => "errors",
    }
}

/// A figure with its unit.
pub(in crate::report) fn value(primary: Primary, value: Option<f64>) -> String {
    match (primary, value) {
        (_, None) => "n/a".into(),
        (Primary::Errors, value) => percent(value),
        (_, Some(value)) => format!("{} ms", digits(value)),
    }
}

/// Four significant digits: a run is not known better.
pub(in crate::report) fn digits(value: f64) -> String {
    match value {
        value if value < 9.9995 => format!("{value:.3}"),
        value if value < 99.995 => format!("{value:.2}"),
        value if value < 999.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// The day a run began.
pub(in crate::report) fn day(run: &Entry) -> String {
    one_line(run.started_at.get(..10).unwrap_or(&run.started_at))
}

/// The minute a run began.
pub(in crate::report) fn minute(run: &Entry) -> String {
    one_line(&run.started_at.get(..16).unwrap_or(&run.started_at).replace('T', " "))
}

/// What of a run has to be known beside its figures; empty where there is nothing.
pub(in crate::report) fn remark(run: &Entry) -> &'static str {
    match (run.state, run.validity) {
        (State::Running, _) => "no end",
        (State::Interrupted, _) => "interrupted",
        (State::Failed, _) => "failed",
        (State::Finished, Some(ValidityVerdict::Invalid)) => "invalid",
        (State::Finished, Some(ValidityVerdict::Degraded)) => "degraded",
        (State::Finished, Some(ValidityVerdict::Valid)) => "",
        (State::Finished, None) => "no figures",
    }
}

/// The verdict in a word or two.
pub(in crate::report) fn verdict(word: Word) -> &'static str {
    match word {
        Word::Regressed => "regressed",
        Word::Improved => "improved",
        Word::AsBefore => "as before",
        Word::TooFew => "too few runs",
        Word::Invalid => "invalid",
        Word::Incomplete => "incomplete",
    }
}

/// How a figure shifted, in a few characters.
pub(in crate::report) fn shift(shift: &Shift) -> String {
    let name = label(shift.metric);
    match shift.ratio() {
        Some(ratio) => format!("{name} {:+.1} %", (ratio - 1.0) * 100.0),
        None => {
            format!("{name} {} → {}", percent(Some(shift.before)), percent(Some(shift.after)))
        }
    }
}

/// Between which commits a change lies; `None` where they are not known.
pub(in crate::report) fn commits(track: &Track, change: &Change) -> Option<String> {
    let of = |at: usize| track.runs[at].short_commit().map(|commit| one_line(&commit));
    let (after, until) = (of(change.after)?, of(change.until)?);
    Some(match after == until {
        true => format!("{until}, not the commit"),
        false => format!("{after}..{until}"),
    })
}

/// What was expected of a figure, in a few characters.
pub(in crate::report) fn expected(primary: Primary, expected: &Expected) -> String {
    match primary {
        Primary::Errors => format!("up to {}", percent(Some(expected.high))),
        _ => format!("{}–{} ms", digits(expected.low), digits(expected.high)),
    }
}

/// How often runs are made.
pub(in crate::report) fn cadence(per_day: f64) -> String {
    match per_day {
        often if often >= 0.95 => format!("{often:.1} a day"),
        seldom if seldom * 7.0 >= 0.95 => format!("{:.1} a week", seldom * 7.0),
        seldom => format!("{:.1} a month", seldom * 30.4375),
    }
}

/// Why the newest run got its verdict: sentences.
pub(in crate::report) fn why(track: &Track, newest: &Newest, policy: &Policy) -> Vec<String> {
    let mut why: Vec<String> = newest
        .judged
        .iter()
        .filter(|judged| matches!(judged.verdict, Word::Regressed | Word::Improved))
        .filter_map(|judged| Some(sentence(track, judged, judged.expected.as_ref()?)))
        .collect();
    match newest.verdict {
        Word::Invalid => why.insert(
            0,
            "The tool did not keep up in this run, so its figures say nothing of the target."
                .into(),
        ),
        Word::Incomplete => {
            why.insert(0, "This run did not come to its end, so it is not judged.".into());
        }
        Word::TooFew => why.push(
            "At least 8 usable runs of one fingerprint are needed before the newest is judged."
                .into(),
        ),
        Word::AsBefore | Word::Regressed | Word::Improved => {}
    }
    if matches!(newest.verdict, Word::AsBefore | Word::Regressed | Word::Improved) {
        why.push(format!(
            "With a budget of {} false alarms and runs made {}, each figure of an unchanged run is \
             called worse once in {:.0} runs; less than {} does not count.",
            policy.false_alarms,
            cadence(newest.runs_per_day),
            1.0 / newest.chance,
            percent(Some(policy.min_change)),
        ));
    }
    why
}

fn sentence(track: &Track, judged: &Judged, seen: &Expected) -> String {
    let before = track.runs.len() - 1 - seen.last;
    let since = if before > 1 {
        // The runs that say what to expect lie before a change.
        format!(", of the {} runs until {}", seen.runs, day(&track.runs[seen.last]))
    } else {
        format!(", of the last {} runs", seen.runs)
    };
    format!(
        "{} {}: expected {}{since}.",
        label(judged.metric),
        value(judged.metric, Some(judged.value)),
        expected(judged.metric, seen),
    )
}
