//! Shares as people write them: `1%` or `0.01`.

use std::fmt;
use std::str::FromStr;

use super::UnitError;

/// A fraction between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// The fraction, 0 to 1.
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let (number, scale) = match trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (trimmed, 1.0),
        };
        let fraction = number
            .parse::<f64>()
            .map_err(|_| UnitError(format!("`{text}` is not a share: write `1%` or `0.01`")))?
            / scale;
        if !(0.0..=1.0).contains(&fraction) {
            return Err(UnitError(format!("`{text}` is not between 0% and 100%")));
        }
        Ok(Self(fraction))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Twelve digits: a fraction such as 0.07 must not become 7.000000000000001%.
        write!(f, "{}%", (self.0 * 1e14).round() / 1e12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        assert_eq!("1%".parse::<Share>().unwrap(), "0.01".parse::<Share>().unwrap());
        assert!("101%".parse::<Share>().is_err());
        assert!("5".parse::<Share>().is_err());
        assert!("most".parse::<Share>().is_err());
    }
}
