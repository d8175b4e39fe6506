//! The figures of a metric, as `summary.json` has them: milliseconds with microsecond digits.

use std::collections::BTreeMap;

use serde::de::Deserializer;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::confidence;
use crate::measure::Distribution;
use crate::metric::Metric;

/// The figures of one metric. Without a value `count` is 0 and the rest is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Always `ms`.
    pub unit: String,
    /// How many values.
    pub count: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their sample standard deviation; needs two.
    pub stddev: Option<f64>,
    /// The smallest, exact.
    pub min: Option<f64>,
    /// The percentiles, each the middle of its histogram bucket.
    #[serde(flatten)]
    pub percentiles: Percentiles<f64>,
    /// The largest, exact.
    pub max: Option<f64>,
    /// 95 % intervals of the percentiles; null where there are too few values for one.
    pub ci95: Percentiles<[f64; 2]>,
    /// Percentiles over all turns, those without an answer counted as infinite (null where the
    /// percentile falls there). Null for metrics that an unanswered turn has a value of as well.
    pub all: Option<All>,
    /// How many values there would be had every turn been answered: `count` of so many. Null as `all`.
    #[serde(default)]
    pub of: Option<u64>,
}

/// Something for each of the percentiles that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles<T> {
    /// The median.
    pub p50: Option<T>,
    /// 75 %.
    pub p75: Option<T>,
    /// 90 %.
    pub p90: Option<T>,
    /// 95 %.
    pub p95: Option<T>,
    /// 99 %.
    pub p99: Option<T>,
    /// 99.9 %.
    pub p99_9: Option<T>,
}

/// Percentiles over answered and unanswered turns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct All {
    /// The median.
    pub p50: Option<f64>,
    /// 95 %.
    pub p95: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
}

impl<T> Percentiles<T> {
    fn of(mut figure: impl FnMut(f64) -> Option<T>) -> Self {
        Self {
            p50: figure(50.0),
            p75: figure(75.0),
            p90: figure(90.0),
            p95: figure(95.0),
            p99: figure(99.0),
            p99_9: figure(99.9),
        }
    }
}

/// Microseconds as milliseconds.
pub(super) fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// To whole microseconds: more digits than were measured would be a pretence.
fn rounded(micros: f64) -> f64 {
    micros.round() / 1e3
}

impl Figures {
    /// The figures of `distribution`. `unanswered` turns would have had a value but never got one;
    /// `None` where that makes no sense. `overdispersion` is asked for each percentile's value.
    pub(super) fn new(
        distribution: &Distribution,
        unanswered: Option<u64>,
        overdispersion: impl Fn(u64) -> f64,
    ) -> Self {
        let count = distribution.count();
        let all = |percent: f64, unanswered: u64| {
            let rank = crate::measure::rank_of(percent, count + unanswered);
            distribution.at_rank(rank).map(millis)
        };
        Self {
            unit: "ms".into(),
            count,
            mean: distribution.mean().map(rounded),
            stddev: distribution.stddev().map(rounded),
            min: distribution.min().map(millis),
            percentiles: Percentiles::of(|percent| distribution.percentile(percent).map(millis)),
            max: distribution.max().map(millis),
            ci95: Percentiles::of(|percent| {
                let spread = overdispersion(distribution.percentile(percent)?);
                let (low, high) = confidence::interval(distribution, percent, spread)?;
                Some([millis(low), millis(high)])
            }),
            all: unanswered.map(|unanswered| All {
                p50: all(50.0, unanswered),
                p95: all(95.0, unanswered),
                p99: all(99.0, unanswered),
            }),
            of: unanswered.map(|unanswered| count + unanswered),
        }
    }

    fn empty() -> Self {
        Self::new(&Distribution::new(), None, |_| 1.0)
    }
}

/// The figures of every metric, in [`Metric::ALL`]'s order; an object by metric name in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics([Box<Figures>; Metric::COUNT]);

impl Metrics {
    pub(super) fn of(figures: impl Fn(Metric) -> Figures) -> Self {
        Self(Metric::ALL.map(|metric| Box::new(figures(metric))))
    }

    /// The figures of one metric.
    pub fn get(&self, metric: Metric) -> &Figures {
        &self.0[metric as usize]
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Metric::COUNT))?;
        for metric in Metric::ALL {
            map.serialize_entry(metric.name(), self.get(metric))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Later versions may have more metrics, earlier ones fewer: by name.
        let mut named = BTreeMap::<String, Figures>::deserialize(deserializer)?;
        Ok(Self(
            Metric::ALL
                .map(|metric| Box::new(named.remove(metric.name()).unwrap_or_else(Figures::empty))),
        ))
    }
}
