//! Delays that may be drawn: `2s`, `uniform(1s, 3s)`, `exp(2s)`, `lognormal(2s, 0.5)`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Span, UnitError, parse_duration};

/// A delay, fixed or drawn anew each time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Span),
    /// Evenly between two bounds.
    Uniform(Span, Span),
    /// Exponential with this mean.
    Exponential(Span),
    /// Log-normal with this median and the standard deviation of its logarithm.
    LogNormal(Span, f64),
}

/// No drawn delay is longer than this; a log-normal has a tail without end.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Delay {
    /// No delay.
    pub const ZERO: Self = Self::Fixed(Span(Duration::ZERO));

    /// One delay from the distribution.
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        let seconds = match *self {
            Self::Fixed(span) => return span.0,
            Self::Uniform(low, high) => {
                low.0.as_secs_f64()
                    + rng.random::<f64>() * (high.0.as_secs_f64() - low.0.as_secs_f64())
            }
            Self::Exponential(mean) => {
                let unit: f64 = Exp1.sample(rng);
                mean.0.as_secs_f64() * unit
            }
            Self::LogNormal(median, sigma) => {
                let unit: f64 = StandardNormal.sample(rng);
                median.0.as_secs_f64() * (sigma * unit).exp()
            }
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
    }

    /// The mean of the distribution (for a log-normal: median × exp(σ²/2)).
    pub fn mean(&self) -> Duration {
        match *self {
            Self::Fixed(span) | Self::Exponential(span) => span.0,
            Self::Uniform(low, high) => (low.0 + high.0) / 2,
            Self::LogNormal(median, sigma) => {
                Duration::try_from_secs_f64(median.0.as_secs_f64() * (sigma * sigma / 2.0).exp())
                    .unwrap_or(LONGEST)
                    .min(LONGEST)
            }
        }
    }
}

impl FromStr for Delay {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let Some((name, inner)) = trimmed.split_once('(') else {
            return trimmed.parse().map(Self::Fixed);
        };
        let bad = |why: &str| UnitError(format!("`{trimmed}` {why}"));
        let inner = inner.strip_suffix(')').ok_or_else(|| bad("has no closing `)`"))?;
        let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
        match (name.trim(), parts.as_slice()) {
            ("uniform", [low, high]) => {
                let (low, high) = (parse_duration(low)?, parse_duration(high)?);
                if low > high {
                    return Err(bad("has its lower bound above its upper bound"));
                }
                Ok(Self::Uniform(Span(low), Span(high)))
            }
            ("exp", [mean]) => Ok(Self::Exponential(Span(parse_duration(mean)?))),
            ("lognormal", [median, sigma]) => {
                let sigma: f64 = sigma
                    .parse()
                    .map_err(|_| bad("wants a number for sigma, as in `lognormal(2s, 0.5)`"))?;
                if !(0.0..=5.0).contains(&sigma) {
                    return Err(bad("has a sigma that is not between 0 and 5"));
                }
                Ok(Self::LogNormal(Span(parse_duration(median)?), sigma))
            }
            ("uniform", _) => Err(bad("wants two bounds, as in `uniform(1s, 3s)`")),
            ("exp", _) => Err(bad("wants one mean, as in `exp(2s)`")),
            ("lognormal", _) => Err(bad("wants median and sigma, as in `lognormal(2s, 0.5)`")),
            _ => Err(bad(
                "is not a delay: use `2s`, `uniform(1s, 3s)`, `exp(2s)` or `lognormal(2s, 0.5)`",
            )),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(span) => write!(f, "{span}"),
            Self::Uniform(low, high) => write!(f, "uniform({low}, {high})"),
            Self::Exponential(mean) => write!(f, "exp({mean})"),
            Self::LogNormal(median, sigma) => write!(f, "lognormal({median}, {sigma})"),
        }
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer, "a delay such as `2s` or `uniform(1s, 3s)`", |text| {
            text.parse().map_err(de::Error::custom)
        })
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads one scalar as text, so that `5` (a number to YAML) gets our sentence about units.
pub(super) fn word<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    read: impl FnOnce(&str) -> Result<T, D::Error>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Word(&'static str);
    impl de::Visitor<'_> for Word {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    let text = deserializer.deserialize_str(Word(expected))?;
    read(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn delays_are_read_and_written() {
        for text in ["2s", "uniform(1s, 3s)", "exp(2s)", "lognormal(2s, 0.5)"] {
            assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("uniform(3s, 1s)", "above its upper"),
            ("uniform(1s)", "two bounds"),
            ("exp()", "missing"),
            ("lognormal(2s, -1)", "between 0 and 5"),
            ("normal(2s, 1s)", "is not a delay"),
            ("exp(2s", "closing"),
            ("2", "no unit"),
        ] {
            let error = text.parse::<Delay>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn drawn_delays_have_the_mean_they_promise() {
        for text in ["uniform(1s, 3s)", "exp(2s)", "lognormal(2s, 0.5)"] {
            let delay: Delay = text.parse().unwrap();
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
            let n = 100_000;
            let sum: f64 = (0..n).map(|_| delay.draw(&mut rng).as_secs_f64()).sum();
            let mean = sum / f64::from(n);
            assert!((mean / delay.mean().as_secs_f64() - 1.0).abs() < 0.02, "{text}: {mean}");
        }
    }
}
