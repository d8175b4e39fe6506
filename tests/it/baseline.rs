//! Runs kept under a name: apart from the reports, whole, and found again.

use std::fs;
use std::path::Path;

use streamgauge::artifact::baseline::find_base;

use crate::support::{Ran, command, run, run_into, scenario};

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
fn slow(first: &str) -> streamgauge::agent::Agent {
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

#[test]
fn a_run_is_gated_by_its_baseline() {
    let scenario = scenario(ASKED, &[]);
    let reports = tempfile::tempdir().unwrap();
    let baselines = reports.path().join("kept");
    let ask = |agent: &streamgauge::agent::Agent, more: &[&str]| {
        let url = agent.base_url();
        let mut command = run_into(&reports, &[scenario.path.to_str().unwrap()]);
        command.args(["--progress", "none", "--target", &url, "--baselines"]).arg(&baselines);
        let output = command.args(more).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let latest = |file: &str| -> serde_json::Value {
        let path = reports.path().join("latest").join(file);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    // On a machine that is busy a run may be invalid, and says so: it is made again.
    let valid = |agent: &streamgauge::agent::Agent, more: &[&str]| {
        let mut asked = ask(agent, more);
        for _ in 0..5 {
            if latest("summary.json")["validity"]["verdict"] != "invalid" {
                break;
            }
            asked = ask(agent, more);
        }
        asked
    };
    let quick = slow("200ms");
    assert_eq!(valid(&quick, &[]).0, 0);
    let out = reports.path().to_str().unwrap();
    assert_eq!(baseline(&baselines, &["save", "main", "latest", "--out", out]).0, 0);
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
        .arg(&baselines)
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
