//! Clients other people wrote, against the embedded agent. They run from the virtual environment that
//! `STREAMGAUGE_CLIENTS_VENV` names (with `requests` and `openai`), and are skipped aloud without it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use streamgauge::agent::{Agent, Behaviour};

const ANSWER: &str = "Streams are read as they come — é, 世界 and 😀 included — word by word.";

fn slow_agent() -> Agent {
    crate::agent::agent(|options| {
        let (first, gap) = (Duration::from_millis(100), Duration::from_millis(50));
        options.behaviour = Behaviour::fixed(first, gap, 13);
        options.behaviour.answer = Some(ANSWER.into());
    })
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[expect(clippy::disallowed_methods, reason = "the variable that names the clients")]
fn run(script: &str, base: &str) -> Option<serde_json::Value> {
    let Ok(folder) = std::env::var("STREAMGAUGE_CLIENTS_VENV") else {
        eprintln!("SKIPPED: {script}: STREAMGAUGE_CLIENTS_VENV names no virtual environment");
        return None;
    };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let output = Command::new(PathBuf::from(folder).join("bin/python"))
        .arg(script)
        .args([base, "Can you stream your response?"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The text is whole, and its first piece came long before the last.
fn assert_streamed(seen: &serde_json::Value) {
    assert_eq!(seen["text"], ANSWER);
    let at = |name: &str| seen[name].as_f64().unwrap();
    assert!(at("last") - at("first") >= 0.3, "{seen}");
}

#[test]
fn the_documented_python_example_streams() {
    let agent = slow_agent();
    if let Some(seen) = run("stream_requests.py", &agent.base_url()) {
        assert_streamed(&seen);
    }
}

#[test]
fn the_openai_package_streams_on_both_paths() {
    let agent = slow_agent();
    for path in ["/v1", "/v4"] {
        if let Some(seen) = run("stream_openai.py", &format!("{}{path}", agent.base_url())) {
            assert_streamed(&seen);
            assert_eq!(seen["pieces"], 13);
        }
    }
}
