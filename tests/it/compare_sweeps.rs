//! `streamgauge compare` of two sweeps, level by level.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use streamgauge::agent::{Agent, Behaviour};
use tempfile::TempDir;

use crate::support::{command, run_into, scenario};

const ASKED: &str = r#"
name: swept
target: { url: "http://127.0.0.1:1" }
sessions: [{ name: greeting, messages: ["Hello!"] }]
load: { closed: { users: 1, iterations: 80 } }
"#;

fn agent(first_ms: u64) -> Agent {
    crate::agent::agent(|options| {
        let (first, gap) = (Duration::from_millis(first_ms), Duration::from_millis(1));
        options.behaviour = Behaviour::fixed(first, gap, 3);
    })
}

/// A sweep in a folder of its own; whether a busy machine kept up is not what is tested.
fn sweep(agent: &Agent, levels: &str) -> (TempDir, String) {
    let scenario = scenario(ASKED, &[]);
    let reports = tempfile::tempdir().unwrap();
    let output = run_into(&reports, &[scenario.path.to_str().unwrap()])
        .args(["--progress", "none", "--quiet", "--rest", "1ms", "--target", &agent.base_url()])
        .args(["--sweep", levels])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = sub(reports.path(), "sweep.json");
    for entry in fs::read_dir(&directory).unwrap() {
        let file = entry.unwrap().path().join("summary.json");
        if let Ok(text) = fs::read(&file) {
            let mut summary: Value = serde_json::from_slice(&text).unwrap();
            summary["validity"] = serde_json::json!({ "verdict": "valid", "reasons": [] });
            fs::write(file, summary.to_string()).unwrap();
        }
    }
    (reports, directory)
}

/// The directory below `parent` that has such a file.
fn sub(parent: &Path, file: &str) -> String {
    let mut all = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path());
    all.find(|path| path.join(file).is_file()).unwrap().display().to_string()
}

fn compared(arguments: &[&str]) -> (i32, String, String) {
    let output = command(&["compare"]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn levels_of_the_same_value_are_compared_in_every_format() {
    let (_base, base) = sweep(&agent(30), "concurrency=2,4,8");
    let (_new, new) = sweep(&agent(120), "concurrency=4,8,16");
    let (code, text, err) = compared(&[&base, &new]);
    assert_eq!(code, 98, "{text}{err}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let row = |level: &str| text.lines().find(|line| line.starts_with(&format!("{level} ")));
    for level in ["4", "8"] {
        assert!(row(level).unwrap().ends_with(" regressed"), "{text}");
    }
    assert!(row("2").is_none() && text.contains("concurrency 2: only BASE has it."), "{text}");
    assert!(text.contains("concurrency 16: only NEW has it."), "{text}");
    assert!(text.contains("concurrency=4: ttfc.p50 is "), "{text}");

    let (code, json, _) = compared(&[&base, &new, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["verdict"]), (98, &"regressed".into()));
    assert_eq!(
        (&json["parameter"], &json["levels"][1]["level"]),
        (&"concurrency".into(), &"8".into())
    );
    let figure = &json["levels"][0]["comparison"]["primary"][0];
    assert_eq!(figure["figure"], "ttfc.p50");
    // Two levels: corrected for both of them.
    let (p, adjusted) = (figure["p"].as_f64().unwrap(), figure["p_adjusted"].as_f64().unwrap());
    assert!(adjusted >= (2.0 * p).min(1.0) && adjusted <= 1.0, "{p} {adjusted}");

    let (code, markdown, _) = compared(&[&base, &new, "--format", "md"]);
    assert_eq!(code, 98);
    assert!(
        markdown.contains("\n| concurrency | ttfc.p50 | ttfc.p95 | total.p95 | verdict |\n"),
        "{markdown}"
    );
    let (code, junit, _) = compared(&[&base, &new, "--format", "junit"]);
    assert_eq!(code, 98);
    assert!(junit.contains("<testsuite name=\"concurrency=4\""), "{junit}");
    let (code, _, err) = compared(&[&base, &new, "--format", "html"]);
    assert_eq!(code, 2);
    assert!(err.contains("two of their levels"), "{err}");
    let (code, _, err) = compared(&[&base, &new, "--ci", "github"]);
    assert_eq!(code, 98);
    assert!(err.contains("::concurrency=8 ttfc.p50: regressed: "), "{err}");
}

#[test]
fn sweeps_of_something_else_are_refused() {
    let agent = agent(5);
    let (_base, base) = sweep(&agent, "concurrency=8");
    let (_new, new) = sweep(&agent, "concurrency=16");
    let refused = |arguments: &[&str], expected: i32, why: &str| {
        let (code, out, err) = compared(arguments);
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert!(err.contains(why), "{err}");
    };
    refused(&[&base, &new], 96, "have no level in common: 8 and 16");
    refused(&[&base, &base], 2, "is given twice");
    let level = sub(Path::new(&base), "samples.csv");
    refused(&[&base, &level], 2, "is a sweep, which is several runs");
    refused(&["--base", &base, &new, "--new", &level], 2, "is a sweep, which is several runs");
    let file = Path::new(&new).join("sweep.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"concurrency\"", "\"rate\"")).unwrap();
    refused(&[&base, &new], 96, "is a sweep of concurrency and ");
    fs::write(&file, "{").unwrap();
    refused(&[&base, &new], 2, "sweep.json cannot be read");
}
