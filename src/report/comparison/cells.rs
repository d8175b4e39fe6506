//! Numbers of a comparison in few characters.

use crate::compare::{Comparison, ErrorsCompared, Estimated, FigureCompared, Needs, NoiseSource};
use crate::report::table::{percent, thousands};

/// Milliseconds to four significant digits: a comparison is not good for more.
pub(super) fn millis(value: f64) -> String {
    let decimals = match value {
        value if value < 9.9995 => 3,
        value if value < 99.995 => 2,
        value if value < 999.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// `101.2 ± 3%`.
pub(in crate::report) fn side(side: Option<&Estimated>) -> String {
    side.map_or("n/a".into(), |one| {
        format!("{} ± {}", millis(one.value), rounded_percent(one.plus_minus))
    })
}

fn rounded_percent(fraction: f64) -> String {
    match fraction * 100.0 {
        percent if percent < 0.095 => format!("{percent:.2}%"),
        percent if percent < 9.95 => format!("{percent:.1}%"),
        percent if percent < 999.5 => format!("{percent:.0}%"),
        _ => ">999%".into(),
    }
}

/// `1.085 (1.05–1.12)`; the interval is the one that the verdict rests on, unless it rests on what
/// is assumed: then the one of these very runs.
pub(in crate::report) fn ratio(one: &FigureCompared, known: bool) -> String {
    let interval = if known { one.interval.or(one.within) } else { one.within };
    match (one.ratio, interval) {
        (Some(ratio), Some(interval)) => format!("{ratio:.3} ({})", bounds(interval)),
        _ => "n/a".into(),
    }
}

pub(super) fn bounds([low, high]: [f64; 2]) -> String {
    let short = |value: f64| match value {
        value if value < 0.0095 => "0.01".into(),
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value if value < 9_999.5 => format!("{value:.0}"),
        _ => "∞".to_owned(),
    };
    format!("{}–{}", short(low), short(high))
}

/// `+0.20 pp (-0.4, 1.1)`.
pub(in crate::report) fn points(errors: &ErrorsCompared) -> String {
    let [low, high] = errors.interval.map(|one| one * 100.0);
    let short = |value: f64| {
        if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
    };
    format!("{:+.2} pp ({}, {})", errors.difference * 100.0, short(low), short(high))
}

pub(super) fn rate(rate: f64) -> String {
    percent(Some(rate))
}

/// What it would take to tell.
pub(in crate::report) fn needs(needs: Needs) -> String {
    let plural = |many: u64, one: &str| match many {
        1 => format!("1 more {one}"),
        many => format!("{} more {one}s", thousands(many)),
    };
    let turns = needs.turns.map(|many| format!("{} in each run", plural(many, "turn")));
    let runs = needs.runs.map(|many| format!("{} on each side", plural(many, "run")));
    match (turns, runs) {
        (Some(turns), Some(runs)) => format!("needs about {turns}, or {runs}"),
        (Some(one), None) => format!("needs about {one}"),
        (None, Some(one)) => {
            format!("needs about {one} (more turns would not do: the runs differ by themselves)")
        }
        (None, None) => String::new(),
    }
}

/// How much runs differ by themselves, and how that is known.
pub(in crate::report) fn noise(comparison: &Comparison) -> String {
    let noise = comparison.noise;
    let between = noise.between.map_or(String::new(), percent_of);
    let found = || {
        let each = comparison
            .primary
            .iter()
            .filter_map(|one| Some(format!("{} {}", one.figure, percent_of(one.between?))));
        let each: Vec<String> = each.collect();
        if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
    };
    match noise.source {
        NoiseSource::Given => format!("Noise between runs: {between}, as given."),
        NoiseSource::History => format!(
            "Noise between runs: as {} earlier runs of this fingerprint differ beyond their own \
             errors{}.",
            noise.runs,
            found()
        ),
        NoiseSource::Repeats => format!(
            "Noise between runs: as the {} runs given here differ on their own side beyond their \
             own errors{}.",
            noise.runs,
            found()
        ),
        NoiseSource::Assumed => format!(
            "Two lone runs cannot tell how much runs of an unchanged agent differ from one another: \
             a standard deviation of {between} is assumed. \"differs\" is said of these two runs, \
             \"regressed\" only of what is beyond that. For a firm verdict give --history DIR with at \
             least 8 runs, several runs a side (--base A B --new C D), or --run-noise. The intervals \
             are of these two runs alone."
        ),
    }
}

pub(super) fn percent_of(fraction: f64) -> String {
    let text = format!("{:.1}", fraction * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// What the interval of the ratio column is.
pub(in crate::report) fn interval_heading(comparison: &Comparison) -> &'static str {
    if comparison.noise.is_known() { "ratio (95 %)" } else { "ratio (95 % within)" }
}
