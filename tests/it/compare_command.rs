//! `streamgauge compare` as a user meets it: run directories, refusals, exit codes, 80 columns.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use streamgauge::artifact::samples::{SampleReader, SampleWriter};
use streamgauge::units::Offset;
use tempfile::TempDir;

use crate::support::{Ran, command, run, scenario};

const SCENARIO: &str = "
name: desk
target: { url: embedded }
sessions:
  - { name: short, messages: [hello] }
  - { name: long, messages: [hello, and then] }
load: { closed: { users: 40, iterations: 120 } }
";

/// Two runs of the same, made once.
fn pair() -> &'static (Ran, Ran) {
    static PAIR: OnceLock<(Ran, Ran)> = OnceLock::new();
    PAIR.get_or_init(|| {
        let scenario = scenario(SCENARIO, &[]);
        let once = |seed: &str| {
            let ran = run(&[scenario.path.to_str().unwrap(), "--seed", seed]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            ran
        };
        (once("1"), once("2"))
    })
}

fn compared(arguments: &[&str]) -> (i32, String, String) {
    let output = command(&["compare"]).args(arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Copies of the first and the second run that a test may change.
struct Copies {
    folder: TempDir,
    base: PathBuf,
    new: PathBuf,
}

fn copies() -> Copies {
    let folder = tempfile::tempdir().unwrap();
    let copy = |ran: &Ran, name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        for entry in fs::read_dir(ran.directory()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        // Whether a busy machine kept up is not what these tests are about.
        for (file, place) in [("run.json", "/validity"), ("summary.json", "/validity")] {
            edit(&path.join(file), |value| {
                *value.pointer_mut(place).unwrap() =
                    serde_json::json!({ "verdict": "valid", "reasons": [] });
            });
        }
        path
    };
    let (base, new) = (copy(&pair().0, "base"), copy(&pair().1, "new"));
    Copies { folder, base, new }
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// Without the line ends that a narrow page puts between words.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Copies {
    fn compared(&self, more: &[&str]) -> (i32, String, String) {
        let runs = [self.base.to_str().unwrap(), self.new.to_str().unwrap()];
        compared(&[&runs, more].concat())
    }

    fn new_run(&self, change: impl FnOnce(&mut Value)) {
        edit(&self.new.join("run.json"), change);
    }
}

/// Makes every answer of a run so many times slower.
fn slow_down(directory: &Path, factor: f64) {
    let path = directory.join("samples.csv");
    let kinds = ["short", "long"];
    let reader = SampleReader::new(BufReader::new(fs::File::open(&path).unwrap()), kinds).unwrap();
    let mut writer = SampleWriter::new(Vec::new(), &kinds, "desk").unwrap();
    for row in reader {
        let mut sample = row.unwrap().sample;
        let time = &mut sample.timeline;
        let due = time.intended;
        let later = |at: Offset| due + at.since(due).mul_f64(factor);
        time.headers = time.headers.map(later);
        time.first_chunk = time.first_chunk.map(later);
        time.last_chunk = time.last_chunk.map(later);
        time.ended = later(time.ended);
        writer.write(&sample).unwrap();
    }
    fs::write(path, writer.into_inner()).unwrap();
}

#[test]
fn two_lone_runs_of_the_same_agent_show_no_regression() {
    let copies = copies();
    let (code, out, err) = copies.compared(&[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ttfc.p50") && out.contains("by session"), "{out}");
    assert!(unwrapped(&out).contains("a standard deviation of 10 % is assumed"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(!out.contains('\x1b'), "no colour where nobody asked for it");
    assert_eq!(copies.compared(&[]).1, out, "the same runs give the same report");
}

#[test]
fn a_slower_agent_is_a_regression_in_every_format() {
    let copies = copies();
    slow_down(&copies.new, 3.0);
    let (code, out, _) = copies.compared(&[]);
    assert_eq!(code, 98, "{out}");
    assert!(out.contains("verdict  regressed") && out.contains("slower."), "{out}");
    let (code, out, _) = copies.compared(&["--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["verdict"]), (98, &Value::from("regressed")));
    assert_eq!(json["primary"][0]["figure"], "ttfc.p50");
    let ratio = json["primary"][0]["ratio"].as_f64().unwrap();
    assert!((2.0..4.5).contains(&ratio), "{ratio}");
    let (code, out, _) = copies.compared(&["--format", "md"]);
    assert_eq!(code, 98);
    assert!(out.starts_with("## ❌ regressed") && out.contains("| ttfc.p50 |"), "{out}");
    let (code, out, _) = copies.compared(&["--format", "junit"]);
    assert_eq!(code, 98);
    assert!(out.contains("<testcase name=\"ttfc.p50\"") && out.contains("<failure"), "{out}");
    let (code, ..) = copies.compared(&["--metric", "chunks.p50"]);
    assert_eq!(code, 2);
}

#[test]
fn with_the_noise_given_a_verdict_is_firm_and_strict_does_not_let_doubt_pass() {
    let copies = copies();
    let (code, out, _) = copies.compared(&["--run-noise", "10%"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("verdict  inconclusive") && out.contains("needs about"), "{out}");
    let (code, ..) = copies.compared(&["--run-noise", "10%", "--strict"]);
    assert_eq!(code, 97);
    let (code, out, _) = copies.compared(&["--run-noise", "0%", "--min-change", "100%"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("verdict  no worse"), "{out}");
}

#[test]
fn a_history_of_the_same_fingerprint_tells_the_noise() {
    let copies = copies();
    for number in 0..8 {
        let path = copies.folder.path().join(format!("earlier{number}"));
        fs::create_dir(&path).unwrap();
        for file in ["run.json", "summary.json"] {
            fs::copy(copies.base.join(file), path.join(file)).unwrap();
        }
        edit(&path.join("run.json"), |run| {
            run["id"] = format!("earlier{number}").into();
            run["started_at"] = format!("2026-01-0{}T00:00:00Z", number + 1).into();
        });
    }
    let folder = copies.folder.path().to_str().unwrap();
    let (_, out, err) = copies.compared(&["--history", folder, "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["noise"]["source"], "history", "{err}");
    assert_eq!(json["noise"]["runs"], 8, "neither side is its own history");
    // Of another fingerprint they say nothing.
    for number in 0..3 {
        edit(&copies.folder.path().join(format!("earlier{number}/run.json")), |run| {
            run["fingerprint"] = "another".into();
        });
    }
    let (_, out, err) = copies.compared(&["--history", folder, "--format", "json"]);
    assert!(out.contains("\"assumed\""), "{out}");
    assert!(
        err.contains("has 5 earlier runs of this fingerprint with these figures; from 8"),
        "{err}"
    );
    let (code, _, err) = copies.compared(&["--history", "nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot read the history nowhere"), "{err}");
}

#[test]
fn lines_of_a_history_stand_for_runs_whose_directories_are_gone() {
    let copies = copies();
    let run: Value =
        serde_json::from_slice(&fs::read(copies.base.join("run.json")).unwrap()).unwrap();
    let line = |number: u32| {
        let figure = |millis: f64| {
            let value = millis * (1.0 + f64::from(number % 5) / 100.0);
            serde_json::json!({ "value": value, "standard_error": 1.0, "count": 180 })
        };
        let line = serde_json::json!({
            "format": 1, "id": format!("gone-{number}"), "name": "desk", "state": "finished",
            "started_at": format!("2026-01-0{}T00:00:00Z", number + 1), "version": "0.1.0",
            "fingerprint": run["fingerprint"], "validity": "valid",
            "metrics": {
                "ttfc.p50": figure(40.0), "ttfc.p95": figure(60.0), "total.p95": figure(200.0),
                "errors": { "value": 0.0, "standard_error": 0.0, "count": 180 },
            },
        });
        line.to_string() + "\n"
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.jsonl");
    fs::write(&file, (0..8).map(line).collect::<String>() + "{\"torn").unwrap();
    for place in [folder.path(), &file] {
        let (_, out, err) =
            copies.compared(&["--history", place.to_str().unwrap(), "--format", "json"]);
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["noise"]["source"], "history", "{err}");
        assert_eq!(json["noise"]["runs"], 8);
    }
    // Lines do not have every figure.
    let place = file.to_str().unwrap();
    let (_, out, err) = copies.compared(&["--history", place, "--metric", "ttfc.p75"]);
    assert!(unwrapped(&out).contains("is assumed") && err.contains("has 0 earlier runs"), "{err}");
}

#[test]
fn runs_of_something_else_are_incomparable() {
    let copies = copies();
    copies.new_run(|run| {
        run["fingerprint"] = "another".into();
        run["scenario"]["load"]["closed"]["users"] = 41.into();
        run["scenario"]["target"]["protocol"] = "openai".into();
    });
    let (code, out, _) = copies.compared(&[]);
    assert_eq!(code, 96, "{out}");
    assert!(out.contains("verdict  incomparable"), "{out}");
    assert!(out.contains("target.protocol: lyzr-v2 in BASE, openai in NEW"), "{out}");
    assert!(out.contains("load.closed.users: 40 in BASE, 41 in NEW"), "{out}");
    assert!(!out.contains("ttfc.p50"), "no figure that could be misread: {out}");
}

#[test]
fn runs_that_cannot_be_relied_on_are_invalid() {
    let broken = |change: &dyn Fn(&Copies)| {
        let copies = copies();
        change(&copies);
        let (code, out, err) = copies.compared(&[]);
        assert_eq!(code, 96, "{out}{err}");
        assert!(out.contains("verdict  invalid"), "{out}");
        unwrapped(&out)
    };
    let out = broken(&|copies| {
        edit(&copies.new.join("summary.json"), |summary| {
            summary["validity"] =
                serde_json::json!({ "verdict": "invalid", "reasons": ["It was late."] });
        });
    });
    assert!(out.contains("is invalid: It was late."), "{out}");
    for (state, said) in [("interrupted", "was interrupted"), ("running", "was killed")] {
        let out = broken(&|copies| copies.new_run(|run| run["state"] = state.into()));
        assert!(out.contains(said), "{out}");
    }
    // A run in which nothing was done.
    let out = broken(&|copies| {
        let file = copies.new.join("samples.csv");
        let header = fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned() + "\n";
        fs::write(file, header).unwrap();
        fs::remove_file(copies.new.join("summary.json")).unwrap();
    });
    assert!(out.contains("No turn was due after the warm-up"), "{out}");
}

#[test]
fn batches_are_runs() {
    let folder = tempfile::tempdir().unwrap();
    let batch = |prompts: &str, reports: &str| {
        let out = folder.path().join(reports);
        let file = folder.path().join(format!("{prompts}.txt"));
        let rows: String = (0..80).map(|row| format!("{prompts} {row}\n")).collect();
        fs::write(&file, rows).unwrap();
        let run = command(&["batch", file.to_str().unwrap(), "-o"])
            .arg(folder.path().join(format!("{reports}.jsonl")))
            .args(["--target", "embedded", "-c", "40", "--progress", "none", "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
        let mut found = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let path = found.find(|path| path.join("batch.json").is_file()).unwrap();
        // Whether a busy machine kept up is not what this test is about.
        edit(&path.join("summary.json"), |summary| {
            summary["validity"] = serde_json::json!({ "verdict": "valid", "reasons": [] });
        });
        path.display().to_string()
    };
    let (one, other) = (batch("question", "1"), batch("question", "2"));
    let (code, said, err) = compared(&[&one, &other]);
    assert!([0, 98].contains(&code), "{said}{err}");
    assert!(said.contains("80 turns") && said.contains("ttfc.p50"), "{said}");
    let third = batch("riddle", "3");
    let (code, said, _) = compared(&[&one, &third]);
    assert_eq!(code, 96, "{said}");
    assert!(said.contains("question.txt in BASE") && said.contains("riddle.txt in NEW"), "{said}");
    assert!(!said.contains("is degraded"), "what says nothing of a refusal: {said}");
}

#[test]
fn what_is_no_readable_run_is_a_usage_error() {
    let refused = |change: &dyn Fn(&Copies), why: &str| {
        let copies = copies();
        change(&copies);
        let (code, out, err) = copies.compared(&[]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.starts_with("error: ") && err.contains(why), "{err}");
    };
    refused(&|copies| copies.new_run(|run| run["format"] = 9.into()), "has format version 9");
    refused(
        &|copies| {
            fs::remove_dir_all(&copies.new).unwrap();
            fs::create_dir(&copies.new).unwrap();
        },
        "is not a run directory",
    );
    refused(&|copies| fs::remove_dir_all(&copies.new).unwrap(), "there is no run at");
    let damaged = |copies: &Copies| {
        let file = copies.new.join("samples.csv");
        let text = fs::read_to_string(&file).unwrap().replace(",steady,", ",nowhere,");
        fs::write(file, text).unwrap();
    };
    refused(&damaged, "samples.csv is damaged");

    let base = copies();
    let base = base.base.to_str().unwrap();
    let (code, _, err) = compared(&[base, base]);
    assert_eq!(code, 2);
    assert!(err.contains("is given twice"), "{err}");
    let four = ["--metric", "ttfc.p50", "--metric", "ttfc.p75", "--metric", "ttfc.p90"];
    let (code, _, err) = compared(&[&[base, "latest", "--metric", "ttfc.p99"], &four[..]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("4 figures are too many to decide"), "{err}");
    assert_eq!(compared(&[base]).0, 2);
    assert_eq!(compared(&[]).0, 2);
}

#[test]
fn another_version_or_machine_is_told_and_no_samples_are_needed() {
    let copies = copies();
    copies.new_run(|run| {
        run["version"] = "9.9.9".into();
        run["machine"]["cpus"] = 99.into();
    });
    let (code, out, _) = copies.compared(&[]);
    assert_eq!(code, 0, "{out}");
    let said = unwrapped(&out);
    assert!(said.contains("The runs are of streamgauge") && said.contains("9.9.9"), "{out}");
    assert!(said.contains("different machines"), "{out}");

    fs::remove_file(copies.new.join("samples.csv")).unwrap();
    let (code, out, err) = copies.compared(&[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(unwrapped(&out).contains("resampled by seconds of histograms.hlog"), "{out}");
    assert!(out.contains("ttfc.p95") && !out.contains("by session"), "{out}");
}

#[test]
fn several_runs_a_side_and_runs_by_their_id() {
    let copies = copies();
    let again = |of: &Path, name: &str| {
        let path = copies.folder.path().join(name);
        fs::create_dir(&path).unwrap();
        for entry in fs::read_dir(of).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        edit(&path.join("run.json"), |run| run["id"] = name.into());
    };
    again(&copies.base, "base2");
    again(&copies.new, "new2");
    let out = copies.folder.path().to_str().unwrap();
    let (code, text, err) = compared(&[
        "--base", "base", "base2", "--new", "new", "new2", "--out", out, "--format", "json",
    ]);
    assert!([0, 98].contains(&code), "{text}{err}");
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["noise"]["source"], &json["noise"]["runs"]), (&"repeats".into(), &4.into()));
    assert_eq!(json["base"].as_array().unwrap().len(), 2);
}
