//! `cargo bench --bench throughput`: how much one worker on one processor can do, every chunk
//! stamped and every sample written, against a server on another processor: the embedded agent, and a
//! bare responder that shows the client's own limit. Beside it, in the same run and on the same
//! processor, what others do who record less: wrk and oha, where they are installed.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and may fail")]

#[path = "support/responder.rs"]
mod responder;
#[expect(dead_code, reason = "each benchmark uses its part")]
mod support;

use std::path::Path;

use responder::Responder;
use support::{Agent, OUR_CPU, Run, pinned_to};

const SECONDS: &str = "5";

fn main() {
    responder::serve_if_asked();
    println!(
        "{:>10} {:>7} {:>11} {:>12} {:>12} {:>12} {:>10} {:>10}",
        "server", "chunks", "concurrency", "who", "requests/s", "chunks/s", "us/request", "to wrk"
    );
    for (chunks, concurrency) in [("5", "64"), ("200", "16")] {
        let responder = Responder::start(chunks);
        compare("responder", &responder.url, chunks, concurrency);
        drop(responder);
        let agent = Agent::start(&["--first-chunk", "0s", "--gap", "0s", "--chunks", chunks]);
        compare("agent", &agent.url, chunks, concurrency);
    }
}

/// Ours and others', one after the other against the same server.
fn compare(server: &str, url: &str, chunks: &str, concurrency: &str) {
    let per_request: f64 = chunks.parse().expect("a count");
    let load = ["--target", url, "-c", concurrency, "-z", "6s", "--set", "warmup=1s"];
    let run = Run::of(&load);
    let rates = &run.json("summary.json")["rates"];
    let rate = |name: &str| rates[name].as_f64().expect("a rate");
    let turns = run.json("summary.json")["counts"]["completed"].as_f64().expect("a count");
    let cpu = run.json("run.json")["health"]["cpu_s"].as_f64().expect("a time");
    let ours = (rate("throughput_per_s"), rate("chunks_per_s"));
    let wrk = wrk(url, concurrency);
    let ratio = |one: f64| wrk.map_or_else(|| "-".to_owned(), |wrk| format!("{:.2}", one / wrk));
    let row = |who: &str, requests: f64, chunks_per_s: f64, cost: String| {
        println!(
            "{server:>10} {chunks:>7} {concurrency:>11} {who:>12} {requests:>12.0} {chunks_per_s:>12.0} {cost:>10} {:>10}",
            ratio(requests)
        );
    };
    row("streamgauge", ours.0, ours.1, format!("{:.1}", cpu / turns * 1e6));
    if let Some(requests) = wrk {
        row("wrk", requests, requests * per_request, "-".into());
    }
    if let Some(requests) = oha(url, concurrency) {
        row("oha", requests, requests * per_request, "-".into());
    }
}

/// What a `POST` of a turn looks like to tools that send the same one again and again.
const BODY: &str =
    r#"{"user_id":"user-1","agent_id":"streamgauge","session_id":"bench-1","message":"hello"}"#;

/// Requests a second of wrk, which times no chunk.
fn wrk(url: &str, concurrency: &str) -> Option<f64> {
    let program = installed("wrk")?;
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("post.lua");
    let text = format!(
        "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\n\
         wrk.headers['x-api-key'] = 'any'\nwrk.body = '{BODY}'\n"
    );
    std::fs::write(&script, text).expect("a script");
    let output = pinned_to(OUR_CPU, &program)
        .args(["-t1", "-c", concurrency, "-d", SECONDS, "-s"])
        .arg(&script)
        .arg(format!("{url}/v2/stream/"))
        .output()
        .expect("wrk runs");
    figure(&output.stdout, "Requests/sec:")
}

/// Requests a second of oha, which times the first chunk.
fn oha(url: &str, concurrency: &str) -> Option<f64> {
    let program = installed("oha")?;
    let output = pinned_to(OUR_CPU, &program)
        .args(["--no-tui", "-c", concurrency, "-z", "5s", "-m", "POST", "-d", BODY])
        .args(["-H", "content-type: application/json", "-H", "x-api-key: any"])
        .arg(format!("{url}/v2/stream/"))
        .output()
        .expect("oha runs");
    figure(&output.stdout, "Requests/sec:")
}

fn installed(name: &str) -> Option<std::path::PathBuf> {
    let home = std::env::home_dir().map(|home| home.join(".cargo/bin"));
    let folders = [Path::new("/usr/bin").to_owned(), Path::new("/usr/local/bin").to_owned()];
    folders.into_iter().chain(home).map(|folder| folder.join(name)).find(|path| path.exists())
}

fn figure(output: &[u8], name: &str) -> Option<f64> {
    let text = String::from_utf8_lossy(output);
    text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().parse().ok())
}
