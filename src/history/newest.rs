//! What the newest run comes to, given those before it.

use serde::Serialize;

use super::changes::{Found, Values};
use super::entry::{Entry, Measured, State};
use super::primary::Primary;
use super::track::{Policy, Track};
use crate::stats::prediction::{KnownError, chance_of_so_many, predict};
use crate::stats::spread::median;

/// With fewer runs before it nothing is said.
const FEWEST: usize = 8;
/// Older runs than this many say little of today.
const MOST: usize = 30;

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A figure is worse than the runs before let expect.
    Regressed,
    /// A figure is better than they let expect, and none is worse.
    Improved,
    /// Everything is where it was to be expected.
    AsBefore,
    /// There are too few runs to expect anything.
    TooFew,
    /// The tool did not keep up in this run.
    Invalid,
    /// This run did not come to its end.
    Incomplete,
}

/// The newest run of a track, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Newest {
    /// The run, an index into the track's runs.
    pub at: usize,
    /// The verdict.
    pub verdict: Word,
    /// How often each figure of an unchanged run is taken to be worse.
    pub chance: f64,
    /// Runs a day, as seen; one where that cannot be seen.
    pub runs_per_day: f64,
    /// Each figure.
    pub judged: Vec<Judged>,
}

/// A figure of the newest run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Which.
    pub metric: Primary,
    /// What it was.
    pub value: f64,
    /// The verdict on this figure alone.
    pub verdict: Word,
    /// What was expected; null where there were too few runs.
    pub expected: Option<Expected>,
}

/// What the runs before let expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expected {
    /// Their median.
    pub centre: f64,
    /// Less would be an improvement.
    pub low: f64,
    /// More would be a regression.
    pub high: f64,
    /// How many they are.
    pub runs: usize,
    /// The first of them, an index into the track's runs.
    pub first: usize,
    /// The last of them. Where the figure changed a few runs ago, they are those before the change.
    pub last: usize,
}

/// Judges the newest run of a track.
pub(super) fn judge(
    track: &Track,
    figures: &[(Primary, Values, Found)],
    policy: &Policy,
) -> Option<Newest> {
    let at = track.runs.len().checked_sub(1)?;
    let run = &track.runs[at];
    let runs_per_day = cadence(&track.runs);
    let chance = policy.false_alarms.chance(runs_per_day) / Primary::ALL.len() as f64;
    let judged: Vec<Judged> = figures
        .iter()
        .filter_map(|figures| figure(track, figures, chance, policy.min_change))
        .collect();
    let any = |word| judged.iter().any(|one| one.verdict == word);
    let verdict = match run.state {
        State::Finished if !run.is_usable() => Word::Invalid,
        State::Finished if any(Word::Regressed) => Word::Regressed,
        State::Finished if any(Word::Improved) => Word::Improved,
        State::Finished if any(Word::AsBefore) => Word::AsBefore,
        State::Finished => Word::TooFew,
        _ => Word::Incomplete,
    };
    Some(Newest { at, verdict, chance, runs_per_day, judged })
}

/// One figure of the newest run, if it can be used.
fn figure(
    track: &Track,
    (primary, values, found): &(Primary, Values, Found),
    chance: f64,
    min_change: f64,
) -> Option<Judged> {
    let newest = track.runs.len() - 1;
    let (_, next) = *values.last().filter(|(run, _)| *run == newest)?;
    let measured = track.runs[newest].measured(*primary)?;
    let window = window(values.len() - 1, found);
    let scaled: Vec<f64> = values[window.clone()].iter().map(|(_, scaled)| *scaled).collect();
    let before: Vec<&Measured> = values[window.clone()]
        .iter()
        .filter_map(|(at, _)| track.runs[*at].measured(*primary))
        .collect();
    let errors: Vec<f64> = before.iter().map(|one| primary.scaled_error(one)).collect();
    let error = KnownError {
        before: median(&errors).unwrap_or_default(),
        next: primary.scaled_error(measured),
    };
    let enough = scaled.len() >= FEWEST;
    let expected = enough.then(|| predict(&scaled, error, chance)).flatten();
    let verdict = match expected {
        None => Word::TooFew,
        Some(expected) => {
            let centre = primary.unscaled(expected.centre);
            let (much_worse, much_better) = match primary {
                Primary::Errors => (is_no_chance(measured, &before, chance), true),
                _ => (
                    measured.value > centre * (1.0 + min_change),
                    measured.value < centre / (1.0 + min_change),
                ),
            };
            match next {
                next if next > expected.high && much_worse => Word::Regressed,
                next if next < expected.low && much_better => Word::Improved,
                _ => Word::AsBefore,
            }
        }
    };
    let expected = expected.map(|expected| Expected {
        centre: primary.unscaled(expected.centre),
        low: primary.unscaled(expected.low),
        high: primary.unscaled(expected.high),
        runs: scaled.len(),
        first: values[window.start].0,
        last: values[window.end - 1].0,
    });
    Some(Judged { metric: *primary, value: measured.value, verdict, expected })
}

/// Whether so many turns without an answer are more than chance makes of all that was seen before.
/// Where errors are rare, a normal approximation would call two of them too many.
fn is_no_chance(newest: &Measured, before: &[&Measured], chance: f64) -> bool {
    let hits = |one: &Measured| (one.value * one.count as f64).round() as u64;
    let hits_before = before.iter().map(|one| hits(one)).sum();
    let trials_before = before.iter().map(|one| one.count).sum();
    chance_of_so_many(hits(newest), newest.count, hits_before, trials_before) < chance
}

/// The runs that say what to expect of the one at `position`: those since the last change; where
/// there are too few since, those before it.
fn window(position: usize, found: &Found) -> std::ops::Range<usize> {
    let since = found.last().unwrap_or(0);
    let (from, until) = match position.saturating_sub(since) {
        few if few < FEWEST && since > 0 => (found.before(since), since),
        _ => (since, position),
    };
    until.saturating_sub(MOST).max(from)..until
}

/// Runs a day, by the last of them. A cadence is read from a day at least: a few runs by hand in an
/// hour are not a thousand a day.
fn cadence(runs: &[Entry]) -> f64 {
    let recent = &runs[runs.len().saturating_sub(MOST + 1)..];
    let ends = recent.first().and_then(Entry::began).zip(recent.last().and_then(Entry::began));
    match ends {
        Some((first, last)) if recent.len() > 1 => {
            let days = last.duration_since(first).as_secs_f64() / 86_400.0;
            (recent.len() - 1) as f64 / days.max(1.0)
        }
        _ => 1.0,
    }
}
