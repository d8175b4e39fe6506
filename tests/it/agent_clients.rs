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

/// The call the vendor documents, but for the address.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[expect(clippy::disallowed_methods, reason = "the variable that wants every client to be there")]
fn the_documented_curl_call_streams() {
    use std::io::Read;
    use std::process::Stdio;
    use std::time::Instant;

    let agent = slow_agent();
    let url = format!("{}/v2/stream/", agent.base_url());
    let body = r#"{
        "user_id": "user123",
        "agent_id": "60d0fe4f5311236168a109ca",
        "session_id": "session123",
        "message": "Can you stream your response?"
    }"#;
    let spawned = Command::new("curl")
        .args(["--silent", "--show-error", "--no-buffer", "-X", "POST", &url])
        .args(["-H", "accept: application/json", "-H", "content-type: application/json"])
        .args(["-H", "x-api-key: any", "-d", body])
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut curl) = spawned else {
        assert!(std::env::var_os("STREAMGAUGE_CLIENTS_VENV").is_none(), "curl is missing");
        eprintln!("SKIPPED: there is no curl");
        return;
    };
    let mut text = Vec::new();
    let mut times = Vec::new();
    let mut piece = [0; 4096];
    let out = curl.stdout.as_mut().unwrap();
    loop {
        let read = out.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        text.extend_from_slice(&piece[..read]);
        times.push(Instant::now());
    }
    assert!(curl.wait().unwrap().success());
    assert_eq!(String::from_utf8(text).unwrap(), ANSWER);
    let first_to_last = times[times.len() - 1].duration_since(times[0]);
    assert!(first_to_last > Duration::from_millis(200), "it came all at once: {first_to_last:?}");
}
