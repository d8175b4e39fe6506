//! The few figures that decide, and the scale each is judged on.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::metric::Metric;
use crate::summary::{Percentiles, Summary};

use super::entry::Measured;

/// A figure that decides. More of them would find more that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Primary {
    /// The median time to first chunk.
    TtfcP50,
    /// Its 95th percentile.
    TtfcP95,
    /// The 95th percentile of the time until the reply ended.
    TotalP95,
    /// The share of turns without an answer.
    Errors,
}

impl Primary {
    /// All of them, in the order they are shown in.
    pub const ALL: [Self; 4] = [Self::TtfcP50, Self::TtfcP95, Self::TotalP95, Self::Errors];

    /// The name in files and outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TtfcP50 => "ttfc.p50",
            Self::TtfcP95 => "ttfc.p95",
            Self::TotalP95 => "total.p95",
            Self::Errors => "errors",
        }
    }

    /// The unit of its values.
    pub fn unit(self) -> &'static str {
        if self == Self::Errors { "fraction" } else { "ms" }
    }

    /// What a run measured, where it did.
    pub fn of(self, summary: &Summary) -> Option<Measured> {
        let percentile =
            |metric,
             pick: fn(&Percentiles<f64>) -> Option<f64>,
             interval: fn(&Percentiles<[f64; 2]>) -> Option<[f64; 2]>| {
                let figures = summary.metrics.get(metric);
                Some(Measured {
                    value: pick(&figures.percentiles)?,
                    // A 95 % interval is 2 × 1.96 standard errors wide.
                    standard_error: interval(&figures.ci95)
                        .map(|[low, high]| rounded((high - low) / 3.92)),
                    count: figures.count,
                })
            };
        match self {
            Self::TtfcP50 => percentile(Metric::Ttfc, |all| all.p50, |all| all.p50),
            Self::TtfcP95 => percentile(Metric::Ttfc, |all| all.p95, |all| all.p95),
            Self::TotalP95 => percentile(Metric::Total, |all| all.p95, |all| all.p95),
            Self::Errors => {
                // Turns after the warm-up, but those we cut ourselves: what the rate is of.
                let count = summary.groups.iter().map(|group| &group.counts);
                let count = count.map(|counts| counts.planned - counts.cancelled).sum();
                let value = summary.rates.error_rate?;
                let error = (value * (1.0 - value) / f64::max(count as f64, 1.0)).sqrt();
                Some(Measured { value, standard_error: Some(rounded(error)), count })
            }
        }
    }

    /// A value on the scale on which equal steps mean as much everywhere: the logarithm of a
    /// duration, the arcsine of the root of a share.
    pub(super) fn scaled(self, value: f64) -> f64 {
        match self {
            Self::Errors => value.clamp(0.0, 1.0).sqrt().asin(),
            // A microsecond is the least that is measured.
            _ => value.max(0.001).ln(),
        }
    }

    /// Back from that scale.
    pub(super) fn unscaled(self, scaled: f64) -> f64 {
        match self {
            Self::Errors => scaled.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2),
            _ => scaled.exp(),
        }
    }

    /// The standard error of a value on that scale.
    pub(super) fn scaled_error(self, measured: &Measured) -> f64 {
        match self {
            // The same whatever the share.
            Self::Errors => 0.5 / f64::max(measured.count as f64, 1.0).sqrt(),
            _ => measured.standard_error.map_or(0.0, |error| error / measured.value.max(0.001)),
        }
    }
}

/// Six digits: a file is not the place for noise.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

impl fmt::Display for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Primary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
