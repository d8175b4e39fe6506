//! From values to places on an axis, and where its ticks stand.

use std::time::Duration;

use super::super::table::thousands;
use crate::units::Span;

/// One tick: its place between 0 and 1, and what stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// An axis.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    place: Place,
    pub(super) ticks: Vec<Tick>,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Linear { low: f64, high: f64 },
    Log { low: f64, high: f64 },
    Nines { most: f64 },
}

impl Scale {
    /// From 0 to a round number at or above `highest`, with about `count` ticks.
    pub(super) fn linear(highest: f64, count: usize, label: impl Fn(f64) -> String) -> Self {
        let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
        let step = round_step(highest / count.max(1) as f64);
        let steps = (highest / step - 1e-9).ceil().max(1.0);
        let place = Place::Linear { low: 0.0, high: steps * step };
        Self::with(place, (0..=steps as u32).map(|at| f64::from(at) * step), label)
    }

    /// Whole numbers, from 0.
    pub(super) fn counted(highest: f64, label: impl Fn(f64) -> String) -> Self {
        Self::linear(if highest < 4.0 { 4.0 } else { highest }, 4, label)
    }

    /// Seconds from 0 to exactly `end`.
    pub(super) fn seconds(end: f64) -> Self {
        let end = if end > 0.0 { end } else { 1.0 };
        let step = time_step(end / 8.0);
        let steps = (end / step + 1e-9).floor() as u32;
        let ticks = (0..=steps).map(|at| f64::from(at) * step);
        Self::with(Place::Linear { low: 0.0, high: end }, ticks, seconds_label)
    }

    /// One place for each of `count` runs, some of them labelled, by their number from 0.
    pub(super) fn runs(count: usize, label: impl Fn(usize) -> String) -> Self {
        let high = count.max(1) as f64;
        let step = count.div_ceil(7).max(1);
        let ticks = (0..count).step_by(step).map(|at| at as f64 + 0.5).collect::<Vec<_>>();
        Self::with(Place::Linear { low: 0.0, high }, ticks, |at| label(at as usize))
    }

    /// The same axis with a tick at each of these values, and at no other.
    pub(super) fn ticked(mut self, values: &[f64], label: impl Fn(f64) -> String) -> Self {
        let tick = |&value: &f64| Tick { at: self.at(value), label: label(value) };
        self.ticks = values.iter().map(tick).collect();
        self
    }

    /// A logarithmic axis over all of `low` to `high`, with ticks at 1, 2 and 5.
    pub(super) fn log(low: f64, high: f64, label: impl Fn(f64) -> String) -> Self {
        let low = low.max(1e-6);
        let high = high.max(low * 1.5);
        let decades = (high / low).log10();
        let ticks = match decades {
            few if few < 0.8 => {
                let step = round_step((high - low) / 7.0);
                let first = (low / step).ceil() as u32;
                (first..=first + 10).map(|at| f64::from(at) * step).collect::<Vec<_>>()
            }
            decades => {
                let leading: &[f64] = if decades > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
                let powers = first..=last;
                powers
                    .flat_map(|power| leading.iter().map(move |one| one * 10f64.powi(power)))
                    .collect()
            }
        };
        let ticks = ticks.into_iter().filter(|tick| (low * 0.999..=high * 1.001).contains(tick));
        Self::with(Place::Log { low, high }, ticks.collect::<Vec<_>>(), label)
    }

    /// Quantiles by their nines: 0, 90 %, 99 %, … up to `most` nines.
    pub(super) fn nines(most: u32) -> Self {
        // The first ninth of a long axis has no room for more.
        let first: &[f64] = if most > 4 { &[0.0] } else { &[0.0, 0.5, 0.75] };
        let ticks = first
            .iter()
            .copied()
            .chain((1..=most).map(|nines| 1.0 - 0.1f64.powf(f64::from(nines))));
        Self::with(Place::Nines { most: f64::from(most) }, ticks, |share| {
            let percent = share * 100.0;
            let text = format!("{percent:.6}");
            format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
        })
    }

    fn with(
        place: Place,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let mut scale = Self { place, ticks: Vec::new() };
        scale.ticks = values
            .into_iter()
            .map(|value| Tick { at: scale.at(value), label: label(value) })
            .collect();
        scale
    }

    /// The place of a value, between 0 and 1.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = match self.place {
            Place::Linear { low, high } => (value - low) / (high - low),
            Place::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
            Place::Nines { most } => -(1.0 - value).max(1e-12).log10() / most,
        };
        place.clamp(0.0, 1.0)
    }
}

/// The smallest of 1, 2, 2.5 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let found = [1.0, 2.0, 2.5, 5.0].into_iter().find(|one| one * power >= step * (1.0 - 1e-9));
    found.unwrap_or(10.0) * power
}

/// A step of time that people count in.
fn time_step(step: f64) -> f64 {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 14_400.0, 43_200.0,
    ];
    if step < 0.5 {
        return round_step(step);
    }
    STEPS
        .into_iter()
        .find(|one| *one >= step)
        .unwrap_or_else(|| (step / 86_400.0).ceil() * 86_400.0)
}

/// A point in time since the origin.
pub(super) fn seconds_label(seconds: f64) -> String {
    if seconds.fract() != 0.0 {
        return format!("{seconds:.1}s");
    }
    Span(Duration::from_secs(seconds as u64)).to_string()
}

/// Milliseconds with as many digits as a tick needs.
pub(super) fn millis_label(millis: f64) -> String {
    let (value, unit) = match millis {
        0.0 => return "0".into(),
        value if value < 0.9995 => (value * 1e3, "µs"),
        value if value < 999.5 => (value, "ms"),
        value => (value / 1e3, "s"),
    };
    let text = match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    };
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// A number on an axis.
pub(super) fn plain_label(value: f64) -> String {
    if value.fract() == 0.0 { thousands(value as u64) } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let scale = Scale::linear(87.0, 4, plain_label);
        assert_eq!(labels(&scale), ["0", "25", "50", "75", "100"]);
        assert!((scale.at(50.0) - 0.5).abs() < 1e-9);
        assert_eq!(
            labels(&Scale::log(180.0, 2_300.0, millis_label)),
            ["200 ms", "500 ms", "1 s", "2 s"]
        );
        assert_eq!(labels(&Scale::nines(3)), ["0%", "50%", "75%", "90%", "99%", "99.9%"]);
        assert!((Scale::nines(4).at(0.99) - 0.5).abs() < 1e-9);
        assert_eq!(labels(&Scale::seconds(90.0)).last(), Some(&"1m30s"));
    }

    #[test]
    fn nothing_and_very_little_have_axes_too() {
        assert_eq!(labels(&Scale::counted(0.0, plain_label)), ["0", "1", "2", "3", "4"]);
        assert!(!Scale::log(0.0, 0.0, millis_label).ticks.is_empty());
        assert_eq!(millis_label(0.25), "250 µs");
        assert_eq!(millis_label(1_500.0), "1.5 s");
        assert_eq!(millis_label(100.0), "100 ms");
    }
}
