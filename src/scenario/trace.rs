//! Traces: when sessions arrived once, from the files that people have.
//!
//! Three forms are known by their fields: jsonl (or csv) with `timestamp` in milliseconds, as
//! Mooncake publishes them; csv with `TIMESTAMP` as date and time, as Azure publishes them; and our
//! own `samples.csv`. Time counts from the earliest arrival.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::loads::Trace;
use super::model::Row;
use super::problem::{Problem, Source};
use super::rows::{Format, Numbered, empty, object_rows};

/// Which field tells when, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `timestamp`, milliseconds.
    Millis,
    /// `TIMESTAMP`, date and time.
    Dated,
    /// `intended_ms` of first turns at their first attempt.
    Samples,
}

impl Form {
    fn of(first: &Row) -> Option<Self> {
        if ["intended_ms", "turn", "attempt"].iter().all(|name| first.contains_key(*name)) {
            return Some(Self::Samples);
        }
        // An exact name: the two publishers differ in its case.
        if first.contains_key("timestamp") {
            return Some(Self::Millis);
        }
        first.contains_key("TIMESTAMP").then_some(Self::Dated)
    }

    fn field(self) -> &'static str {
        match self {
            Self::Millis => "timestamp",
            Self::Dated => "TIMESTAMP",
            Self::Samples => "intended_ms",
        }
    }

    /// Nanoseconds of an arrival; `None` where the row is none.
    fn arrival(self, row: &Row) -> Result<Option<i128>, String> {
        if self == Self::Samples && (whole(row, "turn")?, whole(row, "attempt")?) != (1, 1) {
            return Ok(None);
        }
        let field = self.field();
        let value = row.get(field).ok_or_else(|| format!("this row has no `{field}`"))?;
        let text = written(value);
        let nanos = match self {
            Self::Dated => dated(&text).ok_or("is not a date and time"),
            Self::Millis | Self::Samples => match text.parse::<f64>() {
                Ok(millis) if millis.is_finite() && millis.abs() < 1e15 => {
                    Ok((millis * 1e6).round() as i128)
                }
                _ => Err("is not a number of milliseconds"),
            },
        };
        nanos.map(Some).map_err(|why| format!("`{field}` {why}: `{text}`"))
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn whole(row: &Row, name: &str) -> Result<u64, String> {
    let text = row.get(name).map(written).unwrap_or_default();
    text.parse().map_err(|_| format!("`{name}` is not a whole number: `{text}`"))
}

/// Reads a trace and takes the part in `window` (from, and before to) of it.
pub(super) fn read(
    from: PathBuf,
    source: &Source,
    format: Format,
    window: Option<(Duration, Duration)>,
) -> Result<Trace, Problem> {
    let rows = object_rows(source, format)?;
    let Some(first) = rows.first() else {
        return Err(empty(source));
    };
    let form = Form::of(&first.row).ok_or_else(|| {
        at_line(source, first.line, format!("{} is no trace that is known", source.label)).with_help(
            "a trace has `timestamp` (milliseconds), `TIMESTAMP` (date and time), or the columns \
             of a samples.csv",
        )
    })?;
    let mut arrivals = Vec::with_capacity(rows.len());
    for Numbered { line, row } in &rows {
        match form.arrival(row) {
            Ok(arrival) => arrivals.extend(arrival),
            Err(why) => return Err(at_line(source, *line, why)),
        }
    }
    // Samples stand in order of ending; that they are not in order of arrival says nothing.
    let disorder = arrivals.windows(2).filter(|two| two[1] < two[0]).count() as u64;
    let out_of_order = if form == Form::Samples { 0 } else { disorder };
    arrivals.sort_unstable();
    let Some(&earliest) = arrivals.first() else {
        return Err(Problem::new(format!("{} has no first turn in it", source.label)));
    };
    let (begin, end) = window.unwrap_or((Duration::ZERO, Duration::MAX));
    let lasts = Duration::from_nanos(
        u64::try_from(arrivals.last().map_or(0, |last| last - earliest)).unwrap_or(u64::MAX),
    );
    let arrivals: Vec<Duration> = arrivals
        .into_iter()
        .map(|at| Duration::from_nanos(u64::try_from(at - earliest).unwrap_or(u64::MAX)))
        .filter(|at| (begin..end).contains(at))
        .map(|at| at - begin)
        .collect();
    if arrivals.is_empty() {
        return Err(Problem::new(format!(
            "nothing arrives in the window of {}, which lasts {:.3} s",
            source.label,
            lasts.as_secs_f64()
        )));
    }
    Ok(Trace { from, window, arrivals, out_of_order })
}

/// A problem with the line it stands on.
fn at_line(source: &Source, line: usize, message: String) -> Problem {
    let text = &source.text;
    let start = match line {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(0, |(at, _)| at + 1),
    };
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    Problem::new(message).at(source, start..end)
}

/// Nanoseconds since 1970 of `2023-11-16 18:17:03.9799600`; without an offset it is taken as UTC.
fn dated(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_nanosecond());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(
        text: &str,
        format: Format,
        window: Option<(u64, u64)>,
    ) -> Result<(Vec<u128>, u64), String> {
        let source = Source { label: "trace".into(), text: text.into(), is_flag: false };
        let window = window.map(|(from, to)| (Duration::from_secs(from), Duration::from_secs(to)));
        let read = read("trace".into(), &source, format, window).map_err(|one| one.to_string())?;
        let micros = read.arrivals.iter().map(Duration::as_micros).collect();
        Ok((micros, read.out_of_order))
    }

    #[test]
    fn milliseconds_keep_equal_arrivals_and_put_others_in_order() {
        let text = "{\"timestamp\": 500}\n{\"timestamp\": 500}\n{\"timestamp\": 200.5}\n";
        assert_eq!(trace(text, Format::JsonLines, None), Ok((vec![0, 299_500, 299_500], 1)));
    }

    #[test]
    fn dates_count_from_the_earliest() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                    2023-11-16 18:17:03.9799600,374,44\n2023-11-16 18:17:04.0319600,396,109\n\
                    2023-11-17 00:17:04,1,1\n";
        let (arrivals, _) = trace(text, Format::Csv, None).unwrap();
        assert_eq!(arrivals, [0, 52_000, 6 * 3_600_000_000 + 20_040]);
        let with_offset = "TIMESTAMP\n2024-05-10 00:00:00.009930+00:00\n\
                           2024-05-10 02:00:00.009940+02:00\n";
        assert_eq!(trace(with_offset, Format::Csv, None), Ok((vec![0, 10], 0)));
    }

    #[test]
    fn of_samples_the_first_attempts_at_first_turns_are_arrivals() {
        let text = "turn,attempt,intended_ms\n1,1,2000.5\n2,1,2500\n1,2,1000\n1,1,1000\n";
        assert_eq!(trace(text, Format::Csv, None), Ok((vec![0, 1_000_500], 0)));
    }

    #[test]
    fn a_window_takes_a_part_and_begins_with_it() {
        let text = "{\"timestamp\":1000}\n{\"timestamp\":3000}\n{\"timestamp\":4000}\n";
        let window = trace(text, Format::JsonLines, Some((1, 3)));
        assert_eq!(window, Ok((vec![1_000_000], 0)), "from 1 s on, before 3 s, from its beginning");
        let empty = trace(text, Format::JsonLines, Some((10, 20))).unwrap_err();
        assert!(empty.contains("nothing arrives in the window"), "{empty}");
    }

    #[test]
    fn a_bad_row_is_shown_with_its_line() {
        for (text, format, place, why) in [
            ("{\"timestamp\":1}\n{\"timestamp\":\"x\"}", Format::JsonLines, "2:1", "milliseconds"),
            ("{\"timestamp\":1}\n{\"time\":1}", Format::JsonLines, "2:1", "no `timestamp`"),
            ("a\n1\n", Format::Csv, "2:1", "no trace that is known"),
            ("TIMESTAMP\nyesterday\n", Format::Csv, "2:1", "not a date"),
            ("turn,attempt,intended_ms\n1,,5\n", Format::Csv, "2:1", "`attempt` is not a whole"),
        ] {
            let error = trace(text, format, None).unwrap_err();
            assert!(error.contains(why) && error.contains(place), "{error}");
        }
    }
}
