//! Stretches of time in which the whole server freezes or refuses connections.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::units::{Offset, UnitError, parse_duration};

/// A stretch of time counted from the first request, once or again and again.
///
/// Written `10s+2s` (ten seconds after the first request, for two seconds) or `10s+2s/30s` (and
/// then every thirty seconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From the first request to the first start.
    pub at: Duration,
    /// How long it lasts.
    pub lasting: Duration,
    /// From start to start, where it comes again; longer than `lasting`.
    pub every: Option<Duration>,
}

impl Window {
    /// Start and end of the `n`-th occurrence (from 0), counted from `origin`.
    pub(super) fn occurrence(&self, origin: Offset, n: u32) -> Option<(Offset, Offset)> {
        let start = match (n, self.every) {
            (0, _) => self.at,
            (_, None) => return None,
            (n, Some(every)) => self.at.checked_add(every.checked_mul(n)?)?,
        };
        Some((origin + start, origin + start + self.lasting))
    }
}

/// Whether `now` is inside one of the windows, and when that may change next.
pub(super) fn at(
    windows: &[Window],
    origin: Option<Offset>,
    now: Offset,
) -> (bool, Option<Offset>) {
    let Some(origin) = origin else { return (false, None) };
    let (mut inside, mut change) = (false, None::<Offset>);
    for window in windows {
        let since = now.since(origin + window.at);
        let n = window.every.map_or(0, |every| {
            (since.as_nanos() / every.as_nanos()).min(u128::from(u32::MAX)) as u32
        });
        for n in [n, n.saturating_add(1)] {
            let Some((start, end)) = window.occurrence(origin, n) else { continue };
            inside |= (start..end).contains(&now);
            for edge in [start, end].into_iter().filter(|edge| *edge > now) {
                change = Some(change.map_or(edge, |change| change.min(edge)));
            }
        }
    }
    (inside, change)
}

impl FromStr for Window {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = |why: &str| UnitError(format!("`{text}` {why}"));
        let Some((at, rest)) = text.split_once('+') else {
            return Err(bad("is not a stretch of time: write `10s+2s` (when, then for how long)"));
        };
        let (lasting, every) = match rest.split_once('/') {
            None => (rest, None),
            Some((lasting, every)) => (lasting, Some(parse_duration(every)?)),
        };
        let (at, lasting) = (parse_duration(at)?, parse_duration(lasting)?);
        if lasting.is_zero() {
            return Err(bad("lasts no time at all"));
        }
        if every.is_some_and(|every| every <= lasting) {
            return Err(bad("begins again before it has ended"));
        }
        Ok(Self { at, lasting, every })
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_come_again() {
        let once: Window = "10s+2s".parse().unwrap();
        let origin = Offset::from_secs_f64(1.0);
        assert_eq!(
            once.occurrence(origin, 0),
            Some((Offset::from_secs_f64(11.0), Offset::from_secs_f64(13.0)))
        );
        assert_eq!(once.occurrence(origin, 1), None);
        let again: Window = "10s+2s/30s".parse().unwrap();
        assert_eq!(again.occurrence(origin, 2).unwrap().0, Offset::from_secs_f64(71.0));
        let seconds = Offset::from_secs_f64;
        for (now, expected) in [
            (2.0, (false, Some(seconds(11.0)))),
            (11.0, (true, Some(seconds(13.0)))),
            (13.0, (false, Some(seconds(41.0)))),
            (42.0, (true, Some(seconds(43.0)))),
        ] {
            assert_eq!(at(&[again], Some(origin), seconds(now)), expected, "{now}");
        }
        assert_eq!(at(&[once], Some(origin), seconds(20.0)), (false, None));
        assert_eq!(at(&[again], None, seconds(20.0)), (false, None));
        for text in ["10s", "10s+0s", "10s+2s/1s", "x+2s", "10s+2"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
