//! `concurrency=1,2,4,8` and `rate=10/s,20/s`: which levels a sweep goes through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::{Rate, UnitError};

/// What differs from level to level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Sessions open at once.
    Concurrency,
    /// Sessions that arrive a second.
    Rate,
}

/// The levels of a sweep, in the order they were given; never empty, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// What they are levels of.
    pub parameter: Parameter,
    /// Each as it was written.
    pub levels: Vec<String>,
}

impl Parameter {
    /// The level as a number: users, or sessions a second.
    ///
    /// # Errors
    /// It is no level of this parameter.
    pub fn value(self, level: &str) -> Result<f64, UnitError> {
        match self {
            Self::Concurrency => match level.parse::<u32>() {
                Ok(users) if (1..=100_000).contains(&users) => Ok(f64::from(users)),
                _ => Err(UnitError(format!(
                    "`{level}` is not a concurrency: write a whole number from 1 to 100000"
                ))),
            },
            Self::Rate => level.parse::<Rate>().map(Rate::hertz),
        }
    }

    /// A number as a level is written: `48`, `12.5/s`.
    pub fn level(self, value: f64) -> String {
        match self {
            Self::Concurrency => format!("{}", value.round().max(1.0)),
            // Four digits are finer than any search goes.
            Self::Rate => {
                let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6);
                let scale = 10f64.powi(digits);
                format!("{}/s", (value * scale).round() / scale)
            }
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Concurrency => "concurrency",
            Self::Rate => "rate",
        })
    }
}

impl FromStr for Parameter {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.trim() {
            "concurrency" => Ok(Self::Concurrency),
            "rate" => Ok(Self::Rate),
            other => {
                Err(UnitError(format!("`{other}` cannot be varied: write `concurrency` or `rate`")))
            }
        }
    }
}

impl FromStr for Levels {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some((parameter, levels)) = text.split_once('=') else {
            return Err(UnitError(format!(
                "`{text}` names no levels: write `concurrency=1,2,4,8` or `rate=10/s,20/s`"
            )));
        };
        let parameter: Parameter = parameter.parse()?;
        let levels: Vec<String> = levels.split(',').map(|one| one.trim().to_owned()).collect();
        let mut seen = Vec::new();
        for level in &levels {
            let value = parameter.value(level)?;
            if seen.contains(&value) {
                return Err(UnitError(format!("the level `{level}` is given twice")));
            }
            seen.push(value);
        }
        Ok(Self { parameter, levels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_and_refused_with_a_way_out() {
        let levels: Levels = "concurrency=1, 2,16".parse().unwrap();
        assert_eq!(levels.parameter, Parameter::Concurrency);
        assert_eq!(levels.levels, ["1", "2", "16"]);
        let levels: Levels = "rate=10/s,1200/m".parse().unwrap();
        assert_eq!(levels.parameter.value(&levels.levels[1]), Ok(20.0));
        for (text, why) in [
            ("concurrency", "names no levels"),
            ("users=1,2", "cannot be varied"),
            ("concurrency=1,0", "is not a concurrency"),
            ("concurrency=", "is not a concurrency"),
            ("rate=10", "is not a rate"),
            ("rate=10/s,600/m", "given twice"),
        ] {
            let error = text.parse::<Levels>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_number_is_written_as_a_level_that_can_be_read_again() {
        for (parameter, value, written) in [
            (Parameter::Concurrency, 48.0, "48"),
            (Parameter::Rate, 12.3456, "12.35/s"),
            (Parameter::Rate, 0.012345, "0.01235/s"),
            (Parameter::Rate, 123456.0, "123456/s"),
        ] {
            assert_eq!(parameter.level(value), written);
            assert!(parameter.value(written).is_ok());
        }
    }
}
