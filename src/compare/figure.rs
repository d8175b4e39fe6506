//! What of a metric is compared: `ttfc.p95`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::metric::Metric;
use crate::stats::bootstrap;
use crate::summary::Figures;

/// One figure of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Figure {
    /// The metric.
    pub metric: Metric,
    /// Which figure of it.
    pub statistic: Statistic,
}

/// Which figure of a metric; those that a summary has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// The median.
    P50,
    /// 75 %.
    P75,
    /// 90 %.
    P90,
    /// 95 %.
    P95,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
    /// The arithmetic mean.
    Mean,
}

const STATISTICS: [(Statistic, &str); 7] = [
    (Statistic::P50, "p50"),
    (Statistic::P75, "p75"),
    (Statistic::P90, "p90"),
    (Statistic::P95, "p95"),
    (Statistic::P99, "p99"),
    (Statistic::P999, "p99_9"),
    (Statistic::Mean, "mean"),
];

impl Statistic {
    /// The share of values below it, where it is a percentile.
    pub(super) fn share(self) -> Option<f64> {
        Some(match self {
            Self::P50 => 0.5,
            Self::P75 => 0.75,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Mean => return None,
        })
    }

    pub(super) fn estimated(self) -> bootstrap::Statistic {
        self.share().map_or(bootstrap::Statistic::Mean, bootstrap::Statistic::Quantile)
    }

    /// The figure in a summary, in milliseconds.
    pub(super) fn of(self, figures: &Figures) -> Option<f64> {
        let percentiles = &figures.percentiles;
        match self {
            Self::P50 => percentiles.p50,
            Self::P75 => percentiles.p75,
            Self::P90 => percentiles.p90,
            Self::P95 => percentiles.p95,
            Self::P99 => percentiles.p99,
            Self::P999 => percentiles.p99_9,
            Self::Mean => figures.mean,
        }
    }
}

impl Figure {
    /// A figure by its parts.
    pub const fn new(metric: Metric, statistic: Statistic) -> Self {
        Self { metric, statistic }
    }

    /// The figures that decide, besides the error rate, where nobody says otherwise.
    pub const PRIMARY: [Self; 3] = [
        Self::new(Metric::Ttfc, Statistic::P50),
        Self::new(Metric::Ttfc, Statistic::P95),
        Self::new(Metric::Total, Statistic::P95),
    ];
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = STATISTICS.iter().find(|(one, _)| *one == self.statistic);
        write!(f, "{}.{}", self.metric, named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (metric, statistic) = text.split_once('.').ok_or_else(|| {
            format!("`{text}` is no figure of a metric: write it as in `ttfc.p95`")
        })?;
        let metric = metric.parse().map_err(|()| {
            let known: Vec<_> = Metric::ALL.iter().map(|one| one.name()).collect();
            format!("`{metric}` is no metric; there are {}", known.join(", "))
        })?;
        let found = STATISTICS.iter().find(|(_, name)| *name == statistic);
        let (statistic, _) = found.ok_or_else(|| {
            let known: Vec<_> = STATISTICS.iter().map(|(_, name)| *name).collect();
            format!("`{statistic}` cannot be compared; there are {}", known.join(", "))
        })?;
        Ok(Self { metric, statistic: *statistic })
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
