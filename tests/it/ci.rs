//! A run inside GitHub Actions, and inside nothing.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use crate::support::{Ran, run_into, scenario};

const GATED: &str = r#"
name: "desk: 100%, now"
target: { url: embedded }
sessions: [{ name: greeting, messages: ["Hello!"] }]
load: { closed: { users: 2, iterations: 6 } }
thresholds: { ttfc: ["p(95)<10s", "p(50)<1us", "max<2us"] }
"#;

/// What a job of GitHub Actions has around it.
struct Job {
    folder: TempDir,
}

impl Job {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("summary"), "# from the step before\n").unwrap();
        fs::write(folder.path().join("output"), "").unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let scenario = scenario(GATED, &[]);
        let reports = tempfile::tempdir().unwrap();
        let mut command = run_into(&reports, &[scenario.path.to_str().unwrap()]);
        command
            .args(["--progress", "none"])
            .args(arguments)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary"))
            .env("GITHUB_OUTPUT", self.folder.path().join("output"));
        Ran::new(&command.output().unwrap(), reports)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        let text = self.file("output");
        let pairs = text.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

#[test]
fn github_gets_a_summary_outputs_and_an_error_for_each_failed_gate() {
    let job = Job::new();
    let ran = job.run(&["--format", "json"]);
    assert_eq!(ran.code, 99);
    let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(errors.len(), 2, "{}", ran.err);
    assert!(
        errors[0]
            .starts_with("::error title=streamgauge%3A desk%3A 100%25%2C now::ttfc p(50)<1us: "),
        "{}",
        errors[0]
    );
    let summary: serde_json::Value = serde_json::from_str(&ran.out).expect("stdout is data alone");
    let outputs = job.outputs();
    assert_eq!(outputs["run-id"], summary["run"]["id"].as_str().unwrap());
    assert_eq!((outputs["exit-code"].as_str(), outputs["verdict"].as_str()), ("99", "failed"));
    assert_eq!(outputs["ttfc-p95-ms"], summary["metrics"]["ttfc"]["p95"].to_string());
    assert!(std::path::Path::new(&outputs["directory"]).join("summary.json").is_file());
    let shown = job.file("summary");
    assert!(shown.starts_with("# from the step before\n## ❌ desk: 100%, now"), "{shown}");
    // A second command of the same step adds to it.
    job.run(&["--quiet"]);
    assert_eq!(job.file("summary").matches("## ❌ desk").count(), 2);
}

#[test]
fn nobody_is_told_who_was_not_to_be() {
    let job = Job::new();
    let ran = job.run(&["--ci", "none"]);
    assert!(!ran.err.contains("::error"), "{}", ran.err);
    assert_eq!((job.file("output").as_str(), job.file("summary").lines().count()), ("", 1));
}

#[test]
fn a_full_summary_stays_below_what_github_takes() {
    let job = Job::new();
    let full = "x".repeat((1 << 20) - 1_500);
    fs::write(job.folder.path().join("summary"), &full).unwrap();
    job.run(&[]);
    let text = job.file("summary");
    assert!(text.len() < 1 << 20 && text.contains("*Cut here"), "{}", text.len());
    job.run(&[]);
    assert_eq!(job.file("summary"), text, "there is no room left to say more");
}

#[test]
fn files_that_cannot_be_written_fail_no_run() {
    let job = Job::new();
    for name in ["summary", "output"] {
        fs::remove_file(job.folder.path().join(name)).unwrap();
        fs::create_dir(job.folder.path().join(name)).unwrap();
    }
    let ran = job.run(&[]);
    assert_eq!(ran.code, 99, "the run's own code");
    assert_eq!(ran.err.matches("cannot be written").count(), 2, "{}", ran.err);
}

#[test]
fn a_sweep_tells_of_its_levels() {
    let job = Job::new();
    let ran = job.run(&["--sweep", "concurrency=1,2", "--rest", "1ms"]);
    assert_eq!(ran.code, 99);
    assert_eq!(ran.err.matches("::error ").count(), 2, "{}", ran.err);
    assert!(job.file("summary").contains("| concurrency | turns |"));
    assert_eq!(job.outputs()["exit-code"], "99");
}
