//! `cargo bench --bench conformance`: does a tool measure what happened? Situations whose right figures
//! are known beforehand, played by the embedded agent; a table of expected, observed, error, verdict.
//!
//!     cargo bench --bench conformance                                   our own
//!     cargo bench --bench conformance -- stall                          one case
//!     cargo bench --bench conformance -- benches/conformance/adapters/wrk.json     another tool
//!
//! docs/conformance.md has the cases and how to write an adapter.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a benchmark prints, and may fail"
)]

mod adapter;
mod cases;
mod known;

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::process::ExitCode;

use adapter::{Adapter, Observed};
use cases::{Case, Expected};
use support::Agent;

fn main() -> ExitCode {
    // cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (files, names): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| word.ends_with(".json"));
    let ours =
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/conformance/adapters/streamgauge.json");
    let adapter = match Adapter::read(files.first().map_or(ours, String::as_str)) {
        Ok(adapter) => adapter,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let cases: Vec<Case> = cases::all()
        .into_iter()
        .filter(|case| names.is_empty() || names.iter().any(|name| name == case.name))
        .collect();
    if cases.is_empty() {
        let known: Vec<&str> = cases::all().iter().map(|case| case.name).collect();
        eprintln!("no such case; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    println!("{} · times in ms", adapter.name);
    println!(
        "{:<17}{:<16}{:>12}{:>12}{:>12}  {:<8}",
        "case", "figure", "expected", "observed", "error", "verdict"
    );
    let mut wrong = 0;
    for case in cases {
        wrong += play(&adapter, &case);
    }
    if wrong > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Plays a case and prints its lines; how many figures are wrong.
fn play(adapter: &Adapter, case: &Case) -> usize {
    let agent = Agent::start(&case.agent);
    let observed = match adapter.measure(case, &agent.url) {
        Ok(observed) => observed,
        Err(why) => {
            println!("{:<17}{why}", case.name);
            // What a tool has no word for it cannot get wrong.
            return usize::from(!why.starts_with("n/a"));
        }
    };
    let mut wrong = 0;
    for expected in &case.expected {
        let (error, verdict) = judge(expected, observed.get(expected.figure));
        wrong += usize::from(verdict == "WRONG");
        println!(
            "{:<17}{:<16}{:>12}{:>12}{:>12}  {verdict:<8}",
            case.name,
            expected.figure,
            shown(expected.value),
            observed.get(expected.figure).map_or("n/a".into(), shown),
            error,
        );
    }
    wrong
}

fn judge(expected: &Expected, observed: Option<f64>) -> (String, &'static str) {
    let Some(observed) = observed else { return (String::new(), "n/a") };
    if expected.value.is_infinite() || observed.is_infinite() {
        let same = expected.value == observed;
        return (String::new(), if same { "right" } else { "WRONG" });
    }
    let error = observed - expected.value;
    let allowed = (expected.relative * expected.value).max(expected.absolute);
    let said = match expected.value {
        0.0 => format!("{error:+.3}"),
        value => format!("{:+.2} %", error / value * 100.0),
    };
    (said, if error.abs() <= allowed { "right" } else { "WRONG" })
}

fn shown(value: f64) -> String {
    if value.is_infinite() {
        "none".into()
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

/// Figures by name.
type Figures = std::collections::BTreeMap<String, f64>;

impl Observed {
    fn get(&self, figure: &str) -> Option<f64> {
        self.0.get(figure).copied()
    }
}
