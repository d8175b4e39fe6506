//! Rates as people write them: `5/s`, `300/m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::UnitError;

/// So many events in a span of time; always positive and finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    count: f64,
    per: char,
}

impl Rate {
    /// `count` events a second.
    pub fn per_second(count: f64) -> Self {
        Self { count, per: 's' }
    }

    fn unit(self) -> Duration {
        Duration::from_secs(match self.per {
            'h' => 3600,
            'm' => 60,
            _ => 1,
        })
    }

    /// Events a second.
    pub fn hertz(self) -> f64 {
        self.count / self.unit().as_secs_f64()
    }

    /// The time between two events when they are evenly spaced.
    pub fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.hertz())
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = |why: &str| UnitError(format!("`{text}` {why}"));
        let Some((count, per)) = text.trim().split_once('/') else {
            return Err(bad("is not a rate: write `5/s`, `300/m` or `1000/h`"));
        };
        let count: f64 = count
            .trim()
            .parse()
            .map_err(|_| bad("is not a rate: write a number before the `/`, as in `5/s`"))?;
        let per = match per.trim() {
            "s" | "sec" | "second" => 's',
            "m" | "min" | "minute" => 'm',
            "h" | "hour" => 'h',
            _ => return Err(bad("has an unknown unit after the `/`: use s, m or h")),
        };
        if !count.is_finite() || count <= 0.0 {
            return Err(bad("is not a rate above zero"));
        }
        let rate = Self { count, per };
        if rate.hertz() > 1e7 || rate.hertz() < 1e-6 {
            return Err(bad("is out of range: between 0.01/h and 10000000/s"));
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::delay::word(deserializer, "a rate such as `5/s` or `300/m`", |text| {
            text.parse().map_err(de::Error::custom)
        })
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for (text, hertz) in [("5/s", 5.0), ("300/m", 5.0), ("1800/h", 0.5), ("0.5/s", 0.5)] {
            let rate: Rate = text.parse().unwrap();
            assert!((rate.hertz() - hertz).abs() < 1e-12, "{text}");
            assert_eq!(rate.to_string(), text);
        }
        for (text, why) in [
            ("5", "is not a rate"),
            ("0/s", "above zero"),
            ("x/s", "a number"),
            ("5/d", "unknown unit"),
            ("inf/s", "above zero"),
        ] {
            assert!(text.parse::<Rate>().unwrap_err().to_string().contains(why), "{text}");
        }
    }
}
