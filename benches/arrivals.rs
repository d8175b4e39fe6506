//! `cargo bench --bench arrivals`: arrivals of open loads as the agent's own log has them, against what
//! was asked for. Ten runs of 12 s for each shape, every run with a seed of its own; two minutes in all.
//!
//! Distances between arrivals are taken as areas under the rate; each becomes its place in the promised
//! distribution, and the places have to be uniform (Kolmogorov–Smirnov, with Stephens's correction).
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail"
)]

#[expect(dead_code, reason = "each benchmark uses its part")]
mod support;
#[path = "support/uniform.rs"]
mod uniform;

use std::thread;

use statrs::distribution::{ContinuousCDF, Exp, Gamma, Normal};
use support::{Agent, Run};
use uniform::p_value;

const SECONDS: f64 = 12.0;
const RATE: f64 = 50.0;
/// Runs at the same time: 250 arrivals a second on the whole.
const AT_ONCE: usize = 5;
const SEEDS: usize = 10;

/// A way to arrive, and what it promises.
struct Shape {
    name: &'static str,
    load: String,
    /// Arrivals that are due until a time, on average.
    area: fn(f64) -> f64,
    /// The share of distances below one, where they are drawn at all; their mean is 1.
    place: Option<fn(f64) -> f64>,
    /// The variance of the distances.
    variance: f64,
}

fn flat(time: f64) -> f64 {
    RATE * time
}

/// From nothing to twice the rate.
fn ramp(time: f64) -> f64 {
    RATE * time * time / SECONDS
}

fn exponential(distance: f64) -> f64 {
    Exp::new(1.0).unwrap().cdf(distance)
}

fn gamma(distance: f64) -> f64 {
    Gamma::new(0.5, 0.5).unwrap().cdf(distance)
}

fn shapes() -> [Shape; 5] {
    let steady = |arrivals: &str| {
        format!("{{open: {{rate: {RATE}/s, duration: {SECONDS}s, arrivals: {arrivals}}}}}")
    };
    let rising = |arrivals: &str| {
        let top = 2.0 * RATE;
        format!("{{open: {{stages: [{{for: {SECONDS}s, to: {top}/s}}], arrivals: {arrivals}}}}}")
    };
    let shape = |name, load, area, place, variance| Shape { name, load, area, place, variance };
    [
        shape("even", steady("even"), flat, None, 0.0),
        shape("even ramp", rising("even"), ramp, None, 0.0),
        shape("poisson", steady("poisson"), flat, Some(exponential), 1.0),
        shape("gamma(0.5)", steady("gamma(0.5)"), flat, Some(gamma), 2.0),
        shape("poisson ramp", rising("poisson"), ramp, Some(exponential), 1.0),
    ]
}

/// One run: when its requests had come whole, by the agent's log, in seconds from the run's origin.
struct Seen {
    arrivals: Vec<f64>,
    planned: usize,
    /// The longest and the shortest way from due to arrived, apart, in milliseconds.
    spread_ms: f64,
}

fn run(shape: &Shape, seed: usize) -> Seen {
    let agent = Agent::start(&["--first-chunk", "5ms", "--gap", "1ms", "--chunks", "3"]);
    let load = format!("load={}", shape.load);
    let seed = seed.to_string();
    let run = Run::of(&["--target", &agent.url, "--set", &load, "--seed", &seed, "--no-control"]);
    let log = agent.truth();
    let rows = run.rows();
    // Two clocks with origins of their own: what lies between them is the same for every request.
    let pairs: Vec<(f64, f64)> = rows
        .iter()
        .filter_map(|row| {
            let arrived = log.get(&row["session"])?["arrived_us"].as_f64()? / 1e6;
            Some((row["intended_ms"].parse::<f64>().ok()? / 1e3, arrived))
        })
        .collect();
    let mut apart: Vec<f64> = pairs.iter().map(|(due, arrived)| arrived - due).collect();
    apart.sort_by(f64::total_cmp);
    let between = apart[apart.len() / 2];
    let mut arrivals: Vec<f64> = pairs.iter().map(|(_, arrived)| arrived - between).collect();
    arrivals.sort_by(f64::total_cmp);
    Seen { arrivals, planned: rows.len(), spread_ms: (apart[apart.len() - 1] - apart[0]) * 1e3 }
}

/// Distances between arrivals, as areas under the rate.
fn distances(shape: &Shape, seen: &Seen) -> Vec<f64> {
    let areas = seen.arrivals.iter().map(|at| (shape.area)(at.max(0.0)));
    let areas: Vec<f64> = std::iter::once(0.0).chain(areas).collect();
    areas.windows(2).map(|two| (two[1] - two[0]).max(0.0)).collect()
}

fn main() {
    println!(
        "{RATE} arrivals a second for {SECONDS} s, or a ramp from 0 to {} a second;",
        2.0 * RATE
    );
    println!("{SEEDS} seeds a shape, {AT_ONCE} runs at a time\n");
    for (number, shape) in shapes().iter().enumerate() {
        let mut seen: Vec<Seen> = Vec::new();
        let seeds: Vec<usize> = (number * SEEDS..(number + 1) * SEEDS).collect();
        for some in seeds.chunks(AT_ONCE) {
            thread::scope(|scope| {
                let runs: Vec<_> =
                    some.iter().map(|&seed| scope.spawn(move || run(shape, seed))).collect();
                seen.extend(runs.into_iter().map(|one| one.join().expect("a run")));
            });
        }
        report(shape, &seen);
    }
}

fn report(shape: &Shape, seen: &[Seen]) {
    let counts: Vec<usize> = seen.iter().map(|one| one.arrivals.len()).collect();
    let all: usize = counts.iter().sum();
    let arrived =
        if seen.iter().all(|one| one.arrivals.len() == one.planned) { "all" } else { "NOT all" };
    let spread = seen.iter().map(|one| one.spread_ms).fold(0.0, f64::max);
    println!(
        "{}: counts {counts:?}, {arrived} that were planned; sending took up to {spread:.1} ms longer at one time than at another",
        shape.name
    );
    let expected = (shape.area)(SECONDS) * seen.len() as f64;
    let Some(place) = shape.place else {
        let mut off: Vec<f64> = Vec::new();
        for one in seen {
            let due = |n: usize| invert(shape.area, n as f64);
            let at = one.arrivals.iter().enumerate();
            off.extend(at.map(|(n, at)| (at - due(n)).abs() * 1e3));
        }
        off.sort_by(f64::total_cmp);
        let at = |share: f64| off[((share * off.len() as f64) as usize).min(off.len() - 1)];
        println!(
            "    {all} of {expected}; away from where the area is whole: p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
        return;
    };
    let p: Vec<f64> = seen
        .iter()
        .map(|one| p_value(distances(shape, one).into_iter().map(place).collect()))
        .collect();
    let shown: Vec<String> = p.iter().map(|one| format!("{one:.2}")).collect();
    let z = (all as f64 - expected) / (expected * shape.variance).sqrt();
    let by_chance = 2.0 * Normal::standard().sf(z.abs());
    println!("    {all} where {expected} were expected: z {z:+.2}, p {by_chance:.2}");
    println!(
        "    distances: p {}; these ten against uniform: p {:.2}",
        shown.join(" "),
        p_value(p)
    );
}

/// When an area is reached.
fn invert(area: fn(f64) -> f64, wanted: f64) -> f64 {
    let (mut low, mut high) = (0.0, 2.0 * SECONDS);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if area(middle) < wanted { low = middle } else { high = middle }
    }
    high
}
