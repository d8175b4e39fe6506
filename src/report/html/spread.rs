//! The shape of a distribution: how often which duration was seen, and which duration how many
//! turns do not exceed.

use std::fmt::Write;

use hdrhistogram::Histogram;

use super::chart::{Chart, WIDTH};
use super::scale::{Scale, millis_label};
use super::svg::{line, number, percent};
use crate::measure::Distribution;
use crate::summary::Percentiles;

const HEIGHT: u32 = 190;
/// Bars in a tenfold of time.
const BARS: f64 = 20.0;
/// Points that a curve is drawn with at most.
const POINTS: f64 = 400.0;

/// Durations in milliseconds, ascending, each with its count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    steps: Vec<(f64, u64)>,
    count: u64,
}

impl Spread {
    /// No value at all.
    pub(super) const NONE: Self = Self { steps: Vec::new(), count: 0 };

    /// The values of a histogram of microseconds.
    pub fn of_histogram(histogram: &Histogram<u64>) -> Self {
        let steps: Vec<(f64, u64)> = histogram
            .iter_recorded()
            .map(|step| {
                let middle = histogram.median_equivalent(step.value_iterated_to());
                (middle as f64 / 1e3, step.count_since_last_iteration())
            })
            .collect();
        let count = steps.iter().map(|(_, count)| count).sum();
        Self { steps, count }
    }

    /// The values of a distribution.
    pub fn of(distribution: &Distribution) -> Self {
        Self::of_histogram(&distribution.to_histogram())
    }

    /// How many.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn ends(&self) -> Option<(f64, f64)> {
        Some((self.steps.first()?.0, self.steps.last()?.0))
    }

    /// For each quantile on the way up (the share below), the value there.
    fn quantiles(&self) -> Vec<(f64, f64)> {
        let mut seen = 0;
        let all = self.count as f64;
        self.steps
            .iter()
            .map(|&(value, count)| {
                // A step is reached by half of its own first value: the last one has a place too.
                let share = (seen as f64 + 0.5).min(all) / all;
                seen += count;
                (share.max((seen as f64 - 0.5) / all), value)
            })
            .collect()
    }
}

/// One of the distributions of a chart.
pub(super) struct Shown<'a> {
    pub(super) name: String,
    /// Which colour: `a`, `b`, ….
    pub(super) class: &'static str,
    pub(super) spread: &'a Spread,
    pub(super) ci95: Option<&'a Percentiles<[f64; 2]>>,
}

/// How often which duration was seen, on a logarithmic axis; as shares, so that distributions of
/// different counts can be laid over each other.
pub(super) fn frequencies(what: &str, shown: &[Shown<'_>]) -> Option<String> {
    let ends: Vec<_> = shown.iter().filter_map(|one| one.spread.ends()).collect();
    let low = ends.iter().map(|ends| ends.0).reduce(f64::min)?.max(0.001);
    let high = ends.iter().map(|ends| ends.1).reduce(f64::max)?.max(low);
    // Whole bars, with one to spare on either side.
    let first = (low.log10() * BARS).floor() - 1.0;
    let last = (high.log10() * BARS).floor() + 2.0;
    let x = Scale::log(10f64.powf(first / BARS), 10f64.powf(last / BARS), millis_label);
    let bars = (last - first) as usize;
    let heights: Vec<Vec<f64>> = shown
        .iter()
        .map(|one| {
            let mut heights = vec![0.0; bars];
            for &(value, count) in &one.spread.steps {
                let at = (value.max(0.001).log10() * BARS).floor() - first;
                heights[(at.max(0.0) as usize).min(bars - 1)] += count as f64;
            }
            let all = one.spread.count.max(1) as f64;
            heights.iter().map(|height| height / all).collect()
        })
        .collect();
    let most = heights.iter().flatten().copied().fold(0.0, f64::max);
    let y = Scale::linear(most * 100.0, 4, |value| format!("{value}%"));
    let mut picture = String::new();
    for (one, heights) in shown.iter().zip(&heights).filter(|(one, _)| !one.spread.is_empty()) {
        let mut path = format!("M0 {HEIGHT}");
        for (at, height) in heights.iter().enumerate() {
            let right = (at + 1) as f64 / bars as f64 * WIDTH;
            let top = (1.0 - y.at(height * 100.0)) * f64::from(HEIGHT);
            let _ = write!(path, "V{}H{}", number(top), number(right));
        }
        let _ = write!(path, "V{HEIGHT}");
        let _ = write!(
            picture,
            "<path class=\"fill {0}\" d=\"{path}Z\"/><path class=\"line {0}\" d=\"{path}\"/>",
            one.class
        );
    }
    let label = format!("{what}: how often which duration was seen. {}", in_words(shown));
    let chart = Chart {
        label,
        height: HEIGHT,
        x: &x,
        y: &y,
        picture,
        marks: String::new(),
        attributes: String::new(),
    };
    Some(chart.svg())
}

/// Which duration how many turns do not exceed: quantiles by their nines, as HdrHistogram plots
/// them, with the 95 % intervals of the percentiles that have one.
pub(super) fn nines(what: &str, shown: &[Shown<'_>]) -> Option<String> {
    let most = shown.iter().map(|one| one.spread.count).max().filter(|count| *count > 0)?;
    let decades = ((most as f64).log10().ceil() as u32).clamp(2, 6);
    let x = Scale::nines(decades);
    let tops = shown.iter().filter_map(|one| Some(one.spread.ends()?.1));
    let y = Scale::linear(tops.fold(0.0, f64::max), 4, millis_label);
    let mut picture = String::new();
    let mut marks = String::new();
    for one in shown.iter().filter(|one| !one.spread.is_empty()) {
        let mut last = f64::NEG_INFINITY;
        let quantiles = one.spread.quantiles();
        let ends = quantiles.len().saturating_sub(1);
        let mut points = Vec::new();
        for (at, &(share, value)) in quantiles.iter().enumerate() {
            let place = Chart::place(&x, &y, HEIGHT, (share, value));
            // More points than can be seen would only make the page longer.
            if at == 0 || at == ends || place.0 - last >= WIDTH / POINTS {
                points.push((place.0, Some(place.1)));
                last = place.0;
            }
        }
        if let Some(&(_, first)) = points.first() {
            points.insert(0, (0.0, first));
        }
        let _ = write!(picture, "<path class=\"line {}\" d=\"{}\"/>", one.class, line(points));
        if let Some(ci95) = one.ci95 {
            let percentiles = [
                (0.5, ci95.p50),
                (0.75, ci95.p75),
                (0.9, ci95.p90),
                (0.95, ci95.p95),
                (0.99, ci95.p99),
                (0.999, ci95.p99_9),
            ];
            for (share, interval) in percentiles {
                let Some([low, high]) = interval else { continue };
                let (at, from, to) = (x.at(share), 1.0 - y.at(high), 1.0 - y.at(low));
                let _ = write!(
                    marks,
                    "<line class=\"whisker {}\" x1=\"{at}\" x2=\"{at}\" y1=\"{}\" y2=\"{}\"/>",
                    one.class,
                    percent(from),
                    percent(to),
                    at = percent(at),
                );
            }
        }
    }
    let label =
        format!("{what}: the duration that a share of turns does not exceed. {}", in_words(shown));
    let chart =
        Chart { label, height: HEIGHT, x: &x, y: &y, picture, marks, attributes: String::new() };
    Some(chart.svg())
}

fn in_words(shown: &[Shown<'_>]) -> String {
    let ends = shown.iter().filter_map(|one| {
        let (low, high) = one.spread.ends()?;
        Some(format!("{} from {} to {}.", one.name, millis_label(low), millis_label(high)))
    });
    ends.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[u64]) -> Spread {
        let mut distribution = Distribution::new();
        values.iter().for_each(|one| distribution.record(*one));
        Spread::of(&distribution)
    }

    #[test]
    fn shares_add_up_and_the_largest_value_has_a_place_below_one() {
        let all = spread(&[1_000, 1_000, 2_000, 90_000]);
        assert_eq!(all.count, 4);
        let quantiles = all.quantiles();
        assert_eq!(quantiles.len(), 3);
        assert!((quantiles[0].0 - 0.375).abs() < 1e-9, "{quantiles:?}");
        assert!(quantiles[2].0 < 1.0 && (quantiles[2].1 - 90.0).abs() < 0.1);
    }

    #[test]
    fn a_chart_of_one_value_and_of_none() {
        let one = spread(&[0]);
        let shown = |spread| [Shown { name: "ttfc".into(), class: "a", spread, ci95: None }];
        assert!(frequencies("ttfc", &shown(&one)).unwrap().contains("<path class=\"fill a\""));
        assert!(nines("ttfc", &shown(&one)).unwrap().contains("99%"));
        let none = Spread::default();
        assert_eq!(frequencies("ttfc", &shown(&none)), None);
        assert_eq!(nines("ttfc", &shown(&none)), None);
    }
}
