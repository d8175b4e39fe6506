//! How many false alarms somebody is willing to look into: `1/quarter`.

use std::fmt;
use std::str::FromStr;

/// So many false alarms in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    alarms: f64,
    each: &'static (&'static str, f64),
}

/// Names of stretches of time, and how many days they have.
const STRETCHES: [(&str, f64); 5] =
    [("day", 1.0), ("week", 7.0), ("month", 30.4375), ("quarter", 91.3125), ("year", 365.25)];

/// However seldom runs are made: an alarm is not a matter of one in twenty.
const MOST: f64 = 0.05;

/// What is not a budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a budget of false alarms: write 1/quarter, 2/year, 0.5/month, 1/week or 1/day"
)]
pub struct BudgetError(String);

impl Budget {
    /// How often a run may raise a false alarm where `per_day` runs are made a day.
    pub fn chance(self, per_day: f64) -> f64 {
        let runs = per_day * self.each.1;
        if runs > 0.0 { (self.alarms / runs).min(MOST) } else { MOST }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { alarms: 1.0, each: &STRETCHES[3] }
    }
}

impl FromStr for Budget {
    type Err = BudgetError;

    fn from_str(text: &str) -> Result<Self, BudgetError> {
        let bad = || BudgetError(text.to_owned());
        let (alarms, each) = text.trim().split_once('/').ok_or_else(bad)?;
        let alarms: f64 = alarms.trim().parse().map_err(|_| bad())?;
        let each = STRETCHES.iter().find(|(name, _)| *name == each.trim()).ok_or_else(bad)?;
        (alarms.is_finite() && alarms > 0.0).then_some(Self { alarms, each }).ok_or_else(bad)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.alarms, self.each.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_chance_for_each_run() {
        let nightly: Budget = "1/quarter".parse().unwrap();
        assert!((nightly.chance(1.0) - 1.0 / 91.3125).abs() < 1e-12);
        assert!((nightly.chance(10.0) - 1.0 / 913.125).abs() < 1e-12);
        assert_eq!(nightly.chance(0.01), MOST, "a monthly run is not allowed one in three");
        assert_eq!("0.5/month".parse::<Budget>().unwrap().to_string(), "0.5/month");
        for wrong in ["", "1", "1/decade", "0/year", "-1/year", "x/year", "inf/day"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
    }
}
