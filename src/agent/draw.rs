//! Delays and sizes the agent draws for each reply.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Deserializer, de};

use crate::units::{Delay, Share, Span, UnitError, parse_duration};

/// A delay that is drawn anew each time: all that [`Delay`] knows, and two shapes only a server has.
#[derive(Debug, Clone, PartialEq)]
pub enum Draw {
    /// One of the shapes every module knows.
    Delay(Delay),
    /// Mostly the first, with this probability the second: `bimodal(20ms, 500ms, 5%)`.
    Bimodal(Delay, Delay, Share),
    /// One of these, each as likely as the others: `list(10ms, 12ms, 90ms)`. Never empty.
    Listed(Arc<[Duration]>),
}

impl Draw {
    /// Always this long.
    pub fn fixed(span: Duration) -> Self {
        Self::Delay(Delay::Fixed(Span(span)))
    }

    /// One delay from the distribution.
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        match self {
            Self::Delay(delay) => delay.draw(rng),
            Self::Bimodal(often, seldom, share) => {
                if rng.random::<f64>() < share.fraction() {
                    seldom.draw(rng)
                } else {
                    often.draw(rng)
                }
            }
            Self::Listed(spans) => {
                spans.get(rng.random_range(0..spans.len())).copied().unwrap_or_default()
            }
        }
    }
}

impl FromStr for Draw {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        if let Some(inner) = call(trimmed, "bimodal") {
            let parts = arguments(inner);
            let [often, seldom, share] = parts.as_slice() else {
                return Err(UnitError(format!(
                    "`{trimmed}` wants two delays and a share, as in `bimodal(20ms, 500ms, 5%)`"
                )));
            };
            return Ok(Self::Bimodal(often.parse()?, seldom.parse()?, share.parse()?));
        }
        if let Some(inner) = call(trimmed, "list") {
            let spans: Result<Vec<Duration>, UnitError> =
                arguments(inner).into_iter().map(parse_duration).collect();
            return Ok(Self::Listed(spans?.into()));
        }
        trimmed.parse().map(Self::Delay).map_err(|error: UnitError| {
            if error.to_string().contains("is not a delay") {
                UnitError(format!(
                    "`{trimmed}` is not a delay: use `2s`, `uniform(1s, 3s)`, `exp(2s)`, \
                     `lognormal(2s, 0.5)`, `bimodal(20ms, 500ms, 5%)` or `list(10ms, 12ms, 90ms)`"
                ))
            } else {
                error
            }
        })
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(delay) => write!(f, "{delay}"),
            Self::Bimodal(often, seldom, share) => write!(f, "bimodal({often}, {seldom}, {share})"),
            Self::Listed(spans) => {
                f.write_str("list(")?;
                for (index, span) in spans.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, Span(*span))?;
                }
                f.write_str(")")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Draw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A count or a size in bytes, fixed or drawn anew each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// Always the same.
    Fixed(u32),
    /// Evenly between two bounds, both included.
    Uniform(u32, u32),
    /// One of these, each as likely as the others. Never empty.
    Listed(Arc<[u32]>),
}

impl Amount {
    /// One amount from the distribution.
    pub fn draw(&self, rng: &mut impl Rng) -> u32 {
        match self {
            Self::Fixed(amount) => *amount,
            Self::Uniform(low, high) => rng.random_range(*low..=*high),
            Self::Listed(amounts) => {
                amounts.get(rng.random_range(0..amounts.len())).copied().unwrap_or_default()
            }
        }
    }

    /// The largest that can be drawn.
    pub fn largest(&self) -> u32 {
        match self {
            Self::Fixed(amount) => *amount,
            Self::Uniform(_, high) => *high,
            Self::Listed(amounts) => amounts.iter().copied().max().unwrap_or_default(),
        }
    }
}

impl FromStr for Amount {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let number = |word: &str| {
            word.parse::<u32>().map_err(|_| {
                UnitError(format!(
                    "`{trimmed}` is not an amount: use `20`, `uniform(5, 40)` or `list(1, 1, 8)`"
                ))
            })
        };
        if let Some(inner) = call(trimmed, "uniform") {
            let parts = arguments(inner);
            let [low, high] = parts.as_slice() else {
                return Err(UnitError(format!(
                    "`{trimmed}` wants two bounds, as in `uniform(5, 40)`"
                )));
            };
            let (low, high) = (number(low)?, number(high)?);
            if low > high {
                return Err(UnitError(format!(
                    "`{trimmed}` has its lower bound above its upper bound"
                )));
            }
            return Ok(Self::Uniform(low, high));
        }
        if let Some(inner) = call(trimmed, "list") {
            let amounts: Result<Vec<u32>, UnitError> =
                arguments(inner).into_iter().map(number).collect();
            return Ok(Self::Listed(amounts?.into()));
        }
        number(trimmed).map(Self::Fixed)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An amount is a plain number or a word such as `uniform(5, 40)`; YAML tells them apart.
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, `uniform(5, 40)` or `list(1, 1, 8)`")]
        enum Written {
            Number(u32),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(amount) => Ok(Self::Fixed(amount)),
            Written::Word(word) => word.parse().map_err(de::Error::custom),
        }
    }
}

/// What stands between the parentheses of `name(...)`.
fn call<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')
}

/// Splits at the commas that are not inside inner parentheses.
fn arguments(inner: &str) -> Vec<&str> {
    let mut depth = 0usize;
    inner
        .split(|c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn delays_are_read_with_the_shapes_only_a_server_has() {
        for text in ["2s", "exp(2s)", "bimodal(uniform(1ms, 2ms), 500ms, 5%)", "list(10ms, 90ms)"] {
            assert_eq!(text.parse::<Draw>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("bimodal(1s, 2s)", "two delays and a share"),
            ("bimodal(1s, 2s, 200%)", "between 0% and 100%"),
            ("list()", "missing"),
            ("gauss(1s)", "or `list("),
            ("fast", "is not a duration"),
        ] {
            let error = text.parse::<Draw>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_bimodal_delay_has_both_its_modes_in_their_shares() {
        let draw: Draw = "bimodal(1ms, 100ms, 20%)".parse().unwrap();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let slow = (0..10_000).filter(|_| draw.draw(&mut rng).as_millis() == 100).count();
        assert!((1_850..2_150).contains(&slow), "{slow}");
    }

    #[test]
    fn amounts_are_read() {
        assert_eq!("20".parse::<Amount>().unwrap(), Amount::Fixed(20));
        assert_eq!("uniform(5, 40)".parse::<Amount>().unwrap().largest(), 40);
        assert_eq!("list(1, 1, 8)".parse::<Amount>().unwrap().largest(), 8);
        for text in ["", "many", "-1", "uniform(9, 1)", "list()", "1.5"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}
