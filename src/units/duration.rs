//! Durations as people write them: `250ms`, `2s`, `1m30s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::UnitError;

const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads `250ms`, `1.5s`, `1m30s`, `2h`. A bare number is refused: it has no unit (`0` is allowed).
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let bad = |why: &str| UnitError(format!("`{text}` {why}"));
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(UnitError("a duration is missing: write `250ms`, `2s` or `1m30s`".into()));
    }
    let mut nanos = 0f64;
    let mut largest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits]
            .parse()
            .map_err(|_| bad("is not a duration: write `250ms`, `2s` or `1m30s`"))?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let unit = if &rest[..letters] == "µs" { "us" } else { &rest[..letters] };
        if unit.is_empty() {
            return Err(bad(&format!("has no unit: write `{number}s` or `{number}ms`")));
        }
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(bad(&format!("has an unknown unit `{unit}`: use h, m, s, ms, us or ns")));
        };
        if *size >= largest {
            return Err(bad("names its units out of order: write `1m30s`"));
        }
        largest = *size;
        nanos += number * *size as f64;
        rest = rest[letters..].trim_start();
    }
    if nanos >= 3.2e19 / 2.0 {
        return Err(bad("is longer than 500 years"));
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

/// A duration that is written with its unit wherever a person sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse_duration(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, size) in UNITS {
            let whole = rest / size;
            if whole > 0 {
                write!(f, "{whole}{name}")?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::delay::word(deserializer, "a duration such as `250ms`, `2s` or `1m30s`", |text| {
            parse_duration(text).map(Self).map_err(de::Error::custom)
        })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("250ms", 250.0),
            ("2s", 2e3),
            ("1m30s", 9e4),
            ("1.5s", 1.5e3),
            ("2h", 7.2e6),
            ("0", 0.0),
            ("5us", 0.005),
        ] {
            let read = parse_duration(text).unwrap();
            assert_eq!(read, Duration::from_secs_f64(millis / 1e3), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_a_way_out() {
        for (text, why) in [
            ("5", "has no unit"),
            ("", "missing"),
            ("5x", "unknown unit `x`"),
            ("30s1m", "out of order"),
            ("fast", "is not a duration"),
            ("-2s", "is not a duration"),
            ("1..2s", "is not a duration"),
            ("99999999999h", "longer than"),
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_span_is_written_so_that_it_can_be_read_again() {
        for text in ["1m30s", "250ms", "1h1ms", "5us", "0s"] {
            assert_eq!(
                text.parse::<Span>().unwrap_or_default().to_string(),
                text.replace("0s0", "0s")
            );
        }
    }
}
