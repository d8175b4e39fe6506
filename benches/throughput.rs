//! `cargo bench --bench throughput`: how much one worker on one processor can do, every chunk
//! stamped and every sample written, against the embedded agent on another processor.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and may fail")]

mod support;

use support::{Agent, Run};

fn main() {
    println!(
        "{:>7} {:>11} {:>12} {:>12} {:>14}",
        "chunks", "concurrency", "requests/s", "chunks/s", "CPU us/request"
    );
    for (chunks, concurrency) in [("5", "64"), ("200", "64"), ("200", "16")] {
        let agent = Agent::start(&["--first-chunk", "0s", "--gap", "0s", "--chunks", chunks]);
        let load = ["--target", &agent.url, "-c", concurrency, "-z", "5s", "--set", "warmup=1s"];
        let run = Run::of(&load);
        let rates = &run.json("summary.json")["rates"];
        let rate = |name: &str| rates[name].as_f64().expect("a rate");
        let turns = run.json("summary.json")["counts"]["completed"].as_f64().expect("a count");
        let cpu = run.json("run.json")["health"]["cpu_s"].as_f64().expect("a time");
        println!(
            "{chunks:>7} {concurrency:>11} {:>12.0} {:>12.0} {:>14.1}",
            rate("throughput_per_s"),
            rate("chunks_per_s"),
            cpu / turns * 1e6
        );
    }
}
