//! Arrivals against the distributions they promise: Kolmogorov–Smirnov over ten seeds.
//!
//! Distances between arrivals are taken as areas under the rate, where they must be independent of
//! how the rate goes; each becomes its place in the promised distribution, which must be uniform.

use std::path::Path;

use streamgauge::plan::{Plan, Shard};
use streamgauge::scenario::{Imagined, Overrides, load};

#[path = "../../benches/support/uniform.rs"]
mod uniform;

use uniform::p_value;

const SEEDS: std::ops::Range<u64> = 0..10;

fn arrivals(shape: &str, seed: u64) -> Vec<f64> {
    let text = format!(
        "target: {{ url: embedded }}\nsessions: [{{ messages: [a] }}]\nload: {{ open: {{ {shape} }} }}"
    );
    let scenario =
        load("x.yaml", &text, Path::new(""), &Overrides::default(), &Imagined::new()).unwrap();
    Plan::new(scenario, seed).arrivals(Shard::WHOLE).map(|(_, due)| due.as_secs_f64()).collect()
}

/// The share of gamma distances (this shape, mean 1) below `distance`: the series of the lower
/// incomplete gamma function. `gamma` is Γ(shape + 1).
fn gamma_place(shape: f64, gamma: f64, distance: f64) -> f64 {
    let x = shape * distance;
    let mut term = 1.0 / gamma;
    let mut sum = term;
    for n in 1..500 {
        term *= x / (shape + f64::from(n));
        sum += term;
    }
    sum * x.powf(shape) * (-x).exp()
}

/// p-values of all seeds, for arrivals with `area` under the rate until a time.
fn p_values(shape: &str, area: impl Fn(f64) -> f64, place: impl Fn(f64) -> f64) -> Vec<f64> {
    let of_seed = |seed| {
        let areas = arrivals(shape, seed).into_iter().map(&area);
        let areas: Vec<f64> = std::iter::once(0.0).chain(areas).collect();
        p_value(areas.windows(2).map(|two| place(two[1] - two[0])).collect())
    };
    SEEDS.map(of_seed).collect()
}

/// Ten true p-values lie below 0.001 once in a hundred times, and their median below 0.05 never.
fn assert_plausible(what: &str, mut p: Vec<f64>) {
    let shown: Vec<String> = p.iter().map(|one| format!("{one:.2}")).collect();

    p.sort_by(f64::total_cmp);
    assert!(p[0] > 0.001 && p[4] > 0.05, "{what}: {shown:?}");
}

const FLAT: &str = "rate: 50/s, duration: 100s";
const UP_AND_DOWN: &str = "stages: [{ for: 60s, to: 100/s }, { for: 30s, to: 0/s }]";

fn flat(time: f64) -> f64 {
    50.0 * time
}

fn up_and_down(time: f64) -> f64 {
    let fall = (time - 60.0).max(0.0);
    let rise = time.min(60.0);
    100.0 * rise * rise / 120.0 + 100.0 * fall - 100.0 * fall * fall / 60.0
}

#[test]
fn poisson_arrivals_are_poisson_at_a_steady_rate_and_on_a_ramp() {
    let place = |distance: f64| -(-distance).exp_m1();
    let poisson = |shape: &str| format!("{shape}, arrivals: poisson");
    assert_plausible("poisson", p_values(&poisson(FLAT), flat, place));
    assert_plausible("poisson on a ramp", p_values(&poisson(UP_AND_DOWN), up_and_down, place));
}

#[test]
fn gamma_arrivals_have_their_shape_at_a_steady_rate_and_on_a_ramp() {
    let half = |distance| gamma_place(0.5, std::f64::consts::PI.sqrt() / 2.0, distance);
    let four = |distance| gamma_place(4.0, 24.0, distance);
    let gamma = |shape: &str, of: &str| format!("{shape}, arrivals: gamma({of})");
    assert_plausible("gamma(0.5)", p_values(&gamma(FLAT, "0.5"), flat, half));
    assert_plausible("gamma(4)", p_values(&gamma(FLAT, "4"), flat, four));
    let ramp = p_values(&gamma(UP_AND_DOWN, "0.5"), up_and_down, half);
    assert_plausible("gamma(0.5) on a ramp", ramp);
}

#[test]
fn even_arrivals_on_a_ramp_are_one_area_apart() {
    let due = arrivals(UP_AND_DOWN, 0);
    assert_eq!(due.len(), 4_500);
    for (n, at) in (0u32..).zip(due) {
        assert!((up_and_down(at) - f64::from(n)).abs() < 1e-3, "{n} at {at}");
    }
}

#[test]
fn the_test_itself_tells_wrong_distributions() {
    let place = |distance: f64| -(-distance).exp_m1();
    let wrong = [format!("{FLAT}, arrivals: gamma(0.9)"), format!("{FLAT}, arrivals: gamma(1.1)")];
    for shape in wrong {
        let p = p_values(&shape, flat, place);
        assert!(p.iter().filter(|p| **p < 0.05).count() >= 5, "{shape}: {p:?}");
    }
}
