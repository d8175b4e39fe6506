//! `streamgauge report`: a run shown again from its directory alone, whatever has happened to it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, command, run, scenario};

const FORMATS: [&str; 5] = ["text", "json", "csv", "md", "junit"];

const MIXED: &str = r#"
name: "desk | <b>"
target: { url: embedded }
users: { count: 3 }
sessions:
  - name: refund
    messages:
      - { text: "Where is it?", expect: { min_chunks: 1, contains: "no answer says this" } }
  - { name: greeting, messages: ["Hello!"] }
load: { closed: { users: 3, iterations: 24 } }
thresholds: { ttfc: ["p(95)<10s", "p(50)<1us"] }
"#;

fn mixed() -> Ran {
    let scenario = scenario(MIXED, &[]);
    let ran = run(&[scenario.path.to_str().unwrap(), "--progress", "none"]);
    assert_eq!(ran.code, 99, "{}", ran.err);
    ran
}

fn report(directory: &Path, format: &str) -> String {
    let output = command(&["report", "--format", format]).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// What is left of a run that was killed: no summary, and samples cut inside a row.
fn killed(directory: &Path) {
    for name in ["summary.json", "summary.csv"] {
        fs::remove_file(directory.join(name)).unwrap();
    }
    let path = directory.join("run.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest["state"] = "running".into();
    for key in ["ended_at", "counts", "health", "validity"] {
        manifest.as_object_mut().unwrap().remove(key);
    }
    fs::write(&path, manifest.to_string()).unwrap();
    let samples = fs::read(directory.join("samples.csv")).unwrap();
    fs::write(directory.join("samples.csv"), &samples[..samples.len() - 30]).unwrap();
}

#[test]
fn every_format_is_that_of_the_run_wherever_its_directory_lies() {
    let ran = mixed();
    let directory = ran.directory();
    let elsewhere = tempfile::tempdir().unwrap();
    copy(&directory, &elsewhere.path().join("copied"));
    for format in FORMATS {
        let here = report(&directory, format);
        assert_eq!(here, report(&elsewhere.path().join("copied"), format), "{format}");
        assert!(!here.contains(ran.reports.path().to_str().unwrap()), "{format} names a place");
    }
    let file = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    assert_eq!(report(&directory, "json"), file("summary.json"));
    assert_eq!(report(&directory, "csv"), file("summary.csv"));
    // What was shown at the end, but for the line that says where the files are.
    let shown = ran.out.split("\nfiles: ").next().unwrap();
    assert_eq!(report(&directory, "text"), shown);
}

#[test]
fn a_run_is_found_by_directory_link_and_id() {
    let ran = mixed();
    let reports = ran.reports.path().to_str().unwrap();
    let id = ran.summary()["run"]["id"].as_str().unwrap().to_owned();
    let expected = report(&ran.directory(), "csv");
    assert_eq!(report(&ran.reports.path().join("latest"), "csv"), expected);
    let by_id = command(&["report", &id, "--out", reports, "--format", "csv"]).output().unwrap();
    assert_eq!(String::from_utf8(by_id.stdout).unwrap(), expected);
    for (named, why) in [("nowhere", "there is no run at"), ("src", "is not a run directory")] {
        let output = command(&["report", named]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(why));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_run_that_was_killed_is_reported_from_its_samples() {
    let ran = mixed();
    let whole: Value = ran.summary();
    let directory = ran.directory();
    killed(&directory);
    let text = report(&directory, "text");
    assert!(text.starts_with("This run did not come to its end: it was killed"), "{text}");
    assert!(text.contains("made anew from samples.csv"), "{text}");
    let json: Value = serde_json::from_str(&report(&directory, "json")).unwrap();
    let completed = |summary: &Value| summary["counts"]["completed"].as_u64().unwrap();
    let failed = |summary: &Value| summary["counts"]["failed"].as_u64().unwrap();
    let lost = completed(&whole) + failed(&whole) - completed(&json) - failed(&json);
    assert_eq!(lost, 1, "the row that was cut is the only one missing");
    let junit = report(&directory, "junit");
    assert!(junit.contains("errors=\"1\""), "not to have ended is an error: {junit}");
    assert!(report(&directory, "md").contains("❌ | the run comes to its end"));
    for format in FORMATS {
        report(&directory, format);
    }
}

#[test]
fn junit_has_a_test_for_everything_the_run_is_held_to() {
    let ran = mixed();
    let junit = report(&ran.directory(), "junit");
    let name = |name: &str| format!("testcase name=\"{name}\"");
    for case in [
        "the run comes to its end",
        "the tool keeps up",
        "ttfc p(95)&lt;10s",
        "ttfc p(50)&lt;1us",
        "expect contains",
        "expect min_chunks",
        "turns without an answer: at most 0",
    ] {
        assert!(junit.contains(&name(case)), "no {case} in\n{junit}");
    }
    assert!(junit.contains("tests=\"7\" skipped=\"0\" errors=\"0\" failures=\"3\""), "{junit}");
    assert!(junit.contains("does not contain"), "the first broken answer is told: {junit}");
    assert!(!junit.contains("<b>"), "a name is text: {junit}");
}

#[test]
fn markdown_keeps_text_text() {
    let md = report(&mixed().directory(), "md");
    assert!(md.starts_with("## ❌ desk \\| &lt;b&gt;: 3 of 7 did not hold"), "{md}");
    for part in ["| ❌ | ttfc p(50)&lt;1us |", "### By session", "### Without an answer"] {
        assert!(md.contains(part), "no `{part}` in\n{md}");
    }
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut lines = md.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().filter(|next| next.starts_with('|'));
        if line.starts_with('|')
            && let Some(next) = next
        {
            assert_eq!(columns(line), columns(next), "a row of another width:\n{line}\n{next}");
        }
    }
}

#[test]
fn a_sweep_is_reported_level_by_level() {
    let scenario = scenario(MIXED, &[]);
    let path = scenario.path.to_str().unwrap();
    let arguments = [path, "--sweep", "concurrency=1,2", "--rest", "1ms", "--progress", "none"];
    let ran = run(&arguments);
    let directory = ran.directory();
    let sweep: Value =
        serde_json::from_slice(&fs::read(directory.join("sweep.json")).unwrap()).unwrap();
    let json: Value = serde_json::from_str(&report(&directory, "json")).unwrap();
    assert_eq!(json, sweep);
    assert_eq!(report(&directory, "csv").lines().count(), 3);
    assert_eq!(report(&directory, "text"), ran.out.split("\nfiles: ").next().unwrap());
    assert!(report(&directory, "md").contains("| concurrency | turns |"));
    let junit = report(&directory, "junit");
    assert_eq!(junit.matches("<testsuite name").count(), 2, "{junit}");
    assert!(junit.contains("concurrency=2"));
    // A level whose directory is gone still has its line.
    let level = directory.join(sweep["levels"][0]["run"].as_str().unwrap());
    fs::remove_dir_all(level).unwrap();
    assert_eq!(report(&directory, "junit").matches("<testsuite name").count(), 2);
}

#[test]
fn a_batch_is_reported_like_a_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prompts.txt"), "One\nTwo\nThree\n").unwrap();
    let out = folder.path().join("reports");
    let output = command(&["batch", "--target", "embedded", "--out"])
        .args([&out, &folder.path().join("prompts.txt")])
        .arg("-o")
        .arg(folder.path().join("results.jsonl"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = out.join("latest").canonicalize().unwrap();
    for format in FORMATS {
        let shown = report(&directory, format);
        assert!(!shown.contains("Three"), "prompts are in results, not in reports");
    }
    killed(&directory);
    assert!(report(&directory, "text").contains("completed           2"));
}
