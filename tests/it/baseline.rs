//! Runs kept under a name: apart from the reports, whole, and found again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use streamgauge::agent::Agent;
use streamgauge::artifact::baseline::find_base;

use crate::support::{Ran, Scenario, command, run, run_into, scenario};

fn some_run() -> Ran {
    let ran = run(&["-m", "Hello", "--target", "embedded", "-n", "20", "--progress", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

fn baseline(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let folder = folder.to_str().unwrap();
    let output = command(&["baseline", "--baselines", folder]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_baseline_outlives_the_reports_and_is_a_run_directory_itself() {
    let ran = some_run();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let out = ran.reports.path().to_str().unwrap().to_owned();
    let (code, _, err) = baseline(&kept, &["save", "main", "latest", "--out", &out]);
    assert_eq!(code, 0, "{err}");
    let csv = fs::read_to_string(ran.directory().join("summary.csv")).unwrap();
    let id = ran.summary()["run"]["id"].as_str().unwrap().to_owned();
    assert!(err.starts_with(&format!("Baseline main is run {id}")), "{err}");
    drop(ran);
    let report = command(&["report", "--format", "csv"]).arg(kept.join("main")).output().unwrap();
    assert_eq!(String::from_utf8(report.stdout).unwrap(), csv);
    let (_, list, _) = baseline(&kept, &["list"]);
    assert!(list.starts_with("main ") && list.contains(&id), "{list}");
    assert_eq!(find_base(Path::new("main"), Path::new(&out), &kept), kept.join("main"));
    // A run that is there under this path comes first; what is nowhere is given back.
    let named = kept.join("main");
    assert_eq!(find_base(&named, Path::new(&out), &kept), named);
    assert_eq!(find_base(Path::new("other"), Path::new(&out), &kept), Path::new("other"));
    assert_eq!(baseline(&kept, &["remove", "main"]).0, 0);
    assert_eq!(baseline(&kept, &["remove", "main"]).0, 2);
    assert!(baseline(&kept, &["list"]).2.contains("No baselines"));
}

#[test]
fn saving_again_replaces_and_leaves_nothing_behind() {
    let (first, second) = (some_run(), some_run());
    let folder = tempfile::tempdir().unwrap();
    for ran in [&first, &second] {
        let directory = ran.directory();
        let (code, _, err) =
            baseline(folder.path(), &["save", "v1.2_x", directory.to_str().unwrap()]);
        assert_eq!(code, 0, "{err}");
    }
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["v1.2_x"]);
    let kept = fs::read_to_string(folder.path().join("v1.2_x/run.json")).unwrap();
    assert!(kept.contains(second.summary()["run"]["id"].as_str().unwrap()));
}

#[test]
fn names_and_runs_that_will_not_do_are_refused() {
    let ran = some_run();
    let folder = tempfile::tempdir().unwrap();
    let directory = ran.directory();
    let directory = directory.to_str().unwrap();
    for name in ["../up", ".hidden", "a/b", "", "ü"] {
        let (code, _, err) = baseline(folder.path(), &["save", name, directory]);
        assert_eq!(code, 2, "{name}: {err}");
    }
    assert_eq!(baseline(folder.path(), &["save", "x", "nowhere"]).0, 2);
    let path = ran.directory().join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"finished\"", "\"interrupted\"")).unwrap();
    let (code, _, err) = baseline(folder.path(), &["save", "x", directory]);
    assert_eq!(code, 2);
    assert!(err.contains("did not come to its end"), "{err}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// An agent whose first chunk takes so long.
fn slow(first: &str) -> Agent {
    crate::agent::agent(|options| {
        let first = first.parse::<streamgauge::units::Span>().unwrap().0;
        options.behaviour =
            streamgauge::agent::Behaviour::fixed(first, std::time::Duration::from_millis(1), 3);
    })
}

const ASKED: &str = r#"
name: gated
target: { url: "http://127.0.0.1:1" }
sessions: [{ name: greeting, messages: ["Hello!"] }]
load: { closed: { users: 10, iterations: 80 } }
"#;

/// A folder of reports, and the baselines kept in it.
struct Gated {
    scenario: Scenario,
    reports: tempfile::TempDir,
    baselines: PathBuf,
}

impl Gated {
    /// With a run of `agent` as the baseline main.
    fn new(agent: &Agent) -> Self {
        let reports = tempfile::tempdir().unwrap();
        let baselines = reports.path().join("kept");
        let gated = Self { scenario: scenario(ASKED, &[]), reports, baselines };
        assert_eq!(gated.valid(agent, &[]).0, 0);
        let saved = baseline(&gated.baselines, &["save", "main", "latest", "--out", gated.out()]);
        assert_eq!(saved.0, 0, "{}", saved.2);
        gated
    }

    fn out(&self) -> &str {
        self.reports.path().to_str().unwrap()
    }

    fn ask(&self, agent: &Agent, more: &[&str]) -> (i32, String, String) {
        let url = agent.base_url();
        let mut command = run_into(&self.reports, &[self.scenario.path.to_str().unwrap()]);
        command.args(["--progress", "none", "--target", &url, "--baselines"]).arg(&self.baselines);
        said(command.args(more))
    }

    /// On a machine that is busy a run may be invalid, and says so: it is made again.
    fn valid(&self, agent: &Agent, more: &[&str]) -> (i32, String, String) {
        let mut asked = self.ask(agent, more);
        for _ in 0..5 {
            if self.latest("summary.json")["validity"]["verdict"] != "invalid" {
                break;
            }
            asked = self.ask(agent, more);
        }
        asked
    }

    fn latest(&self, file: &str) -> serde_json::Value {
        let path = self.reports.path().join("latest").join(file);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Makes the history one of eight earlier runs whose times are those of the last one, times
    /// each of `factors`.
    fn remember(&self, factors: [f64; 8]) {
        let path = self.reports.path().join("history.jsonl");
        let lines = fs::read_to_string(&path).unwrap();
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        let earlier = factors.iter().enumerate().map(|(number, factor)| {
            let mut line = last.clone();
            line["id"] = format!("earlier-{number}").into();
            line["started_at"] = format!("2026-01-0{}T00:00:00Z", number + 1).into();
            line["validity"] = "valid".into();
            for figure in ["ttfc.p50", "ttfc.p95", "total.p95"] {
                let value = line["metrics"][figure]["value"].as_f64().unwrap();
                line["metrics"][figure]["value"] = (value * factor).into();
            }
            line.to_string() + "\n"
        });
        fs::write(path, earlier.collect::<String>()).unwrap();
    }
}

fn said(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_run_is_gated_by_its_baseline() {
    let quick = slow("200ms");
    let gated = Gated::new(&quick);
    let ask = |agent: &Agent, more: &[&str]| gated.ask(agent, more);
    let valid = |agent: &Agent, more: &[&str]| gated.valid(agent, more);
    let latest = |file: &str| gated.latest(file);
    let (reports, baselines, out) = (&gated.reports, &gated.baselines, gated.out());
    // Four times as long is more than two lone runs may differ by chance.
    let slow = slow("800ms");
    let (code, said, err) = valid(&slow, &["--baseline", "main", "--ci", "github"]);
    assert_eq!(code, 98, "{said}{err}");
    assert!(said.contains("regressed"), "{said}");
    assert!(err.contains("ttfc.p50 against baseline main: regressed: "), "{err}");
    assert_eq!(latest("comparison.json")["verdict"], "regressed");
    // compare takes a baseline by its name, and tells CI.
    let compare = command(&["compare", "main", "latest", "--out", out, "--ci", "github"])
        .arg("--baselines")
        .arg(baselines)
        .output()
        .unwrap();
    assert_eq!(compare.status.code(), Some(98));
    let errors = String::from_utf8(compare.stderr).unwrap();
    assert!(errors.contains("::ttfc.p50: regressed: "), "{errors}");
    // `latest` is the run before, not this one.
    let before = latest("run.json")["id"].clone();
    let (_, said, _) = ask(&slow, &["--baseline", "latest", "--format", "json"]);
    serde_json::from_str::<serde_json::Value>(&said).expect("the summary is all of it");
    assert_eq!(latest("comparison.json")["base"][0]["id"], before);
    let runs = || fs::read_dir(reports.path()).unwrap().count();
    let before = runs();
    let (code, _, err) = ask(&quick, &["--baseline", "main", "-n", "6"]);
    assert_eq!(code, 96, "{err}");
    assert!(err.contains("nothing was sent"), "{err}");
    let (code, _, err) = ask(&quick, &["--baseline", "nobody"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("are main"), "what there is: {err}");
    assert_eq!(runs(), before, "what is refused leaves nothing");
}

#[test]
fn the_runs_of_the_history_tell_how_much_runs_differ() {
    let quick = slow("200ms");
    let gated = Gated::new(&quick);
    // They differ by 40 %: whether this run is slower cannot be told. Their directories are gone.
    gated.remember([0.6, 1.4, 0.8, 1.2, 1.0, 0.7, 1.5, 0.9]);
    let (code, said, err) = gated.valid(&quick, &["--baseline", "main", "--strict"]);
    let kept = gated.latest("comparison.json");
    assert_eq!(kept["noise"]["source"], "history", "{said}{err}");
    assert_eq!(kept["noise"]["runs"], 8, "neither the baseline nor this run is its own history");
    assert_eq!((code, &kept["verdict"]), (97, &"inconclusive".into()), "{said}{err}");
    let between = kept["primary"][0]["between"].as_f64().unwrap();
    assert!((0.25..0.8).contains(&between), "{between}");
    // They hardly differ: twice as slow is a regression, and no less.
    gated.remember([0.99, 1.01, 1.0, 1.02, 0.98, 1.0, 1.01, 0.99]);
    let (code, said, err) = gated.valid(&slow("400ms"), &["--baseline", "main"]);
    assert_eq!(gated.latest("comparison.json")["noise"]["source"], "history", "{said}{err}");
    assert_eq!(code, 98, "{said}{err}");
}

#[test]
fn a_report_of_a_gated_run_has_the_comparison() {
    let quick = slow("200ms");
    let gated = Gated::new(&quick);
    gated.remember([0.6, 1.4, 0.8, 1.2, 1.0, 0.7, 1.5, 0.9]);
    let (code, live, err) = gated.valid(&quick, &["--baseline", "main", "--strict"]);
    assert_eq!(code, 97, "{live}{err}");
    let report = |format: &str| {
        let (code, out, err) =
            said(&mut command(&["report", "latest", "--out", gated.out(), "--format", format]));
        assert_eq!(code, 0, "{err}");
        out
    };
    let junit = report("junit");
    let case = "<testcase name=\"ttfc.p50 against baseline main\"";
    assert!(junit.contains(case), "{junit}");
    assert!(junit.contains("type=\"comparison\""), "--strict is kept: {junit}");
    let markdown = report("md");
    assert!(
        markdown.contains("| ❌ | ttfc.p50 against baseline main | inconclusive:"),
        "{markdown}"
    );
    assert!(markdown.contains("\n## ⚠️ inconclusive: "), "{markdown}");
    let text = report("text");
    let compared = live.find("verdict  inconclusive").map(|at| &live[at..]).unwrap();
    assert!(text.ends_with(compared), "{text}");
    // A comparison of before the baseline's name was kept still opens.
    let path = gated.reports.path().join("latest/comparison.json");
    let mut kept = gated.latest("comparison.json");
    let base = kept["base"][0]["id"].as_str().unwrap().to_owned();
    kept.as_object_mut().unwrap().retain(|key, _| key != "baseline" && key != "strict");
    fs::write(&path, kept.to_string()).unwrap();
    assert!(report("junit").contains(&format!("ttfc.p50 against baseline {base}")));
    fs::write(&path, "{").unwrap();
    let (code, _, err) = said(&mut command(&["report", "latest", "--out", gated.out()]));
    assert_eq!(code, 2);
    assert!(err.contains("comparison.json is damaged"), "{err}");
}

#[test]
fn what_is_invalid_is_compared_with_nothing() {
    let quick = slow("200ms");
    let gated = Gated::new(&quick);
    let path = gated.baselines.join("main/summary.json");
    let mut summary: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    summary["validity"] = serde_json::json!({ "verdict": "invalid", "reasons": ["It was late."] });
    fs::write(&path, summary.to_string()).unwrap();
    let (code, said, err) = gated.ask(&quick, &["--baseline", "main"]);
    assert_eq!(code, 96, "{said}{err}");
    assert!(said.contains("is invalid: It was late."), "{said}");
    assert_eq!(gated.latest("comparison.json")["verdict"], "invalid");
}
