//! `cargo bench --bench accuracy`: our figures beside the agent's own log of what it did, turn by
//! turn; and how late arrivals are sent.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail"
)]

mod support;

use support::{Agent, Run};

fn main() {
    println!(
        "first chunk 50 ms, gap 5 ms, 20 chunks; ms; error = ours − the agent's, turn by turn"
    );
    println!(
        "{:>7} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "streams", "", "ours p50", "p99", "agent p50", "p99", "error p50", "p99", "max"
    );
    for streams in ["10", "100", "1000"] {
        let agent = Agent::start(&["--first-chunk", "50ms", "--gap", "5ms", "--chunks", "20"]);
        let load = ["--target", &agent.url, "-c", streams, "-z", "10s", "--set", "warmup=1s"];
        let run = Run::of(&load);
        let truth = agent.truth();
        for (name, column, end) in [
            ("ttfc", "ttfc_service_ms", "first_chunk_us"),
            ("total", "total_service_ms", "ended_us"),
        ] {
            let mut ours = Vec::new();
            let mut theirs = Vec::new();
            let mut errors = Vec::new();
            for row in run.rows() {
                if row["phase"] == "warmup" || row["outcome"] != "completed" {
                    continue;
                }
                let one = &truth[&row["session"]];
                let at = |key: &str| one[key].as_f64().unwrap();
                let true_value = (at(end) - at("arrived_us")) / 1e3;
                let value: f64 = row[column].parse().unwrap();
                ours.push(value);
                theirs.push(true_value);
                errors.push(value - true_value);
            }
            println!(
                "{streams:>7} {name:>6} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3}",
                percentile(&mut ours, 50.0),
                percentile(&mut ours, 99.0),
                percentile(&mut theirs, 50.0),
                percentile(&mut theirs, 99.0),
                percentile(&mut errors, 50.0),
                percentile(&mut errors, 99.0),
                percentile(&mut errors, 100.0),
            );
        }
    }
    println!("\nlateness of arrivals, µs");
    println!("{:>10} {:>8} {:>8} {:>8}", "arrivals/s", "p50", "p99", "max");
    for rate in ["100/s", "1000/s"] {
        let agent = Agent::start(&["--first-chunk", "20ms", "--gap", "5ms", "--chunks", "5"]);
        let load = ["--target", &agent.url, "-r", rate, "-z", "10s", "--set", "warmup=1s"];
        let run = Run::of(&load);
        let lateness = &run.json("summary.json")["metrics"]["lateness"];
        let at = |key: &str| lateness[key].as_f64().unwrap() * 1e3;
        println!("{rate:>10} {:>8.0} {:>8.0} {:>8.0}", at("p50"), at("p99"), at("max"));
    }
}

fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}
