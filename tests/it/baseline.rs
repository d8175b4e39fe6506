//! Runs kept under a name: apart from the reports, whole, and found again.

use std::fs;
use std::path::Path;

use streamgauge::artifact::baseline::find_base;

use crate::support::{Ran, command, run};

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
