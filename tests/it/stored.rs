//! A run read from its directory alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use streamgauge::artifact::{Ending, ReadError, StoredRun, find};
use streamgauge::metric::Metric;
use tempfile::TempDir;

use crate::support::{Ran, run, scenario};

const SCENARIO: &str = "
target: { url: embedded }
sessions:
  - { name: short, messages: [hello], weight: 2 }
  - { name: long, messages: [hello, and then] }
load: { closed: { users: 20, iterations: 40 } }
warmup: 20ms
slo: { ttfc: 1s }
thresholds:
  errors: ['rate<1%']
  'ttfc{session=long}': ['p(95)<5s', 'max<9s']
";

/// One run that all tests look at.
fn ran() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| {
        let scenario = scenario(SCENARIO, &[]);
        let ran = run(&[scenario.path.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran
    })
}

/// A copy of a run directory, as if it had been carried to another machine.
fn copy(of: &Path) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("copied");
    fs::create_dir(&path).unwrap();
    for entry in fs::read_dir(of).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
    }
    (parent, path)
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn a_finished_run_is_what_it_was_wherever_it_lies() {
    let ran = ran();
    let stored = StoredRun::open(&ran.directory()).unwrap();
    assert_eq!(serde_json::to_value(&stored.summary).unwrap(), ran.summary());
    assert_eq!((stored.ending(), stored.recomputed), (Ending::Finished, false));
    assert_eq!(stored.kinds(), ["short", "long"]);
    let (_parent, path) = copy(&ran.directory());
    assert_eq!(StoredRun::open(&path).unwrap().summary, stored.summary);
    let rows = stored.samples().unwrap().unwrap().map(Result::unwrap).count();
    assert_eq!(rows, ran.samples().len());
}

#[test]
fn a_killed_run_has_the_figures_of_its_samples() {
    let ran = ran();
    let whole = StoredRun::open(&ran.directory()).unwrap().summary;
    let planned = whole.counts.planned;
    let (_parent, path) = copy(&ran.directory());
    edit(&path.join("run.json"), |run| run["state"] = "running".into());
    fs::remove_file(path.join("summary.json")).unwrap();
    let stored = StoredRun::open(&path).unwrap();
    assert_eq!((stored.ending(), stored.recomputed), (Ending::Killed, true));
    // All but what samples do not have: gaps, how long writing took, and the load in plain words.
    let mut again = stored.summary;
    for metric in
        Metric::ALL.into_iter().filter(|one| ![Metric::Gap, Metric::ClientLag].contains(one))
    {
        assert_eq!(again.metrics.get(metric), whole.metrics.get(metric), "{metric}");
    }
    again.metrics = whole.metrics.clone();
    again.run = whole.run.clone();
    again.load.description = whole.load.description.clone();
    again.thresholds.sort_by(|one, other| one.metric.cmp(&other.metric));
    for (one, other) in again.groups.iter_mut().zip(&whole.groups) {
        one.metrics = other.metrics.clone();
    }
    let (again, whole) =
        (serde_json::to_value(again).unwrap(), serde_json::to_value(whole).unwrap());
    // Ends of turns are whole microseconds in a file, and so a rate's last digits may differ.
    let rate = |of: &Value| of["rates"]["chunks_per_s"].as_f64().unwrap();
    assert!((rate(&again) / rate(&whole) - 1.0).abs() < 1e-6);
    // What the run saw of itself died with it, and with that a reason to doubt it, on a busy machine.
    let reasons = |of: &Value| of["validity"]["reasons"].as_array().unwrap().clone();
    let (left, all) = (reasons(&again), reasons(&whole));
    assert!(left.iter().all(|one| all.contains(one)), "{left:?} of {all:?}");
    assert!(left.len() < all.len() || again["validity"] == whole["validity"]);
    let seen_itself = ["rates", "health", "validity"];
    let kept = whole.as_object().unwrap().iter();
    for (field, value) in kept.filter(|(field, _)| !seen_itself.contains(&field.as_str())) {
        assert!(*value == again[field], "{field}: {value:.300} became {:.300}", again[field]);
    }

    // Killed before the first row was written.
    let file = path.join("samples.csv");
    let rows = fs::read(&file).unwrap();
    fs::write(&file, "").unwrap();
    let none = StoredRun::open(&path).unwrap_err();
    assert!(matches!(none, ReadError::NoFigures { .. }), "{none}");
    fs::write(&file, rows).unwrap();

    // Killed while a row was written.
    let text = fs::read(&file).unwrap();
    fs::write(&file, &text[..text.len() - 30]).unwrap();
    let cut = StoredRun::open(&path).unwrap().summary;
    assert_eq!(cut.counts.planned, planned - 1);
}

#[test]
fn what_cannot_be_read_is_refused_with_what_to_do() {
    let ran = ran();
    let refused = |change: &dyn Fn(&Path)| {
        let (_parent, path) = copy(&ran.directory());
        change(&path);
        StoredRun::open(&path).unwrap_err()
    };
    let other = refused(&|path| edit(&path.join("run.json"), |run| run["format"] = 2.into()));
    assert!(other.to_string().contains("has format version 2, and this streamgauge knows 1"));
    let other = refused(&|path| edit(&path.join("summary.json"), |one| one["format"] = 7.into()));
    assert!(matches!(other, ReadError::Format { .. }), "{other}");
    let empty = refused(&|path| {
        fs::read_dir(path).unwrap().for_each(|one| fs::remove_file(one.unwrap().path()).unwrap());
    });
    assert!(empty.to_string().contains("there is no run.json"), "{empty}");
    let half = refused(&|path| fs::write(path.join("run.json"), "{\"format\": 1, ").unwrap());
    assert!(half.to_string().contains("run.json is damaged: EOF"), "{half}");
    let half = refused(&|path| fs::write(path.join("summary.json"), "").unwrap());
    assert!(half.to_string().contains("the summary is made anew from samples.csv"), "{half}");
    let other = refused(&|path| fs::write(path.join("run.json"), "{\"a\": 1}").unwrap());
    assert!(matches!(other, ReadError::NotARun { .. }), "{other}");
    let nothing = refused(&|path| {
        fs::remove_file(path.join("summary.json")).unwrap();
        fs::remove_file(path.join("samples.csv")).unwrap();
    });
    assert!(nothing.to_string().contains("nothing is left of the run's figures"), "{nothing}");
    let header = refused(&|path| {
        fs::remove_file(path.join("summary.json")).unwrap();
        fs::write(path.join("samples.csv"), "sample,sess").unwrap();
    });
    assert!(header.to_string().contains("samples.csv is damaged"), "{header}");
    let missing = StoredRun::open(Path::new("reports/nowhere")).unwrap_err();
    assert!(missing.to_string().contains("there is no run at reports/nowhere"), "{missing}");
    let file = StoredRun::open(&ran.directory().join("run.json")).unwrap_err();
    assert!(matches!(file, ReadError::NotARun { .. }), "{file}");
}

#[test]
fn runs_are_found_by_directory_by_id_and_as_the_latest() {
    let ran = ran();
    let out = ran.reports.path();
    let id = StoredRun::open(&ran.directory()).unwrap().manifest.id;
    assert_eq!(find(Path::new(&id), out), out.join(&id));
    assert_eq!(find(Path::new("latest"), out), out.join("latest"));
    assert_eq!(find(&ran.directory(), Path::new("elsewhere")), ran.directory());
    assert_eq!(find(Path::new("nowhere"), out), Path::new("nowhere"));
}

#[test]
fn a_sweep_is_several_runs() {
    let scenario = scenario(
        "target: { url: embedded }\nsessions: [{ name: a, messages: [hi] }]\nload: { closed: { users: 1, iterations: 6 } }\n",
        &[],
    );
    let ran = run(&[scenario.path.to_str().unwrap(), "--sweep", "concurrency=1,2"]);
    let error = StoredRun::open(&ran.directory()).unwrap_err().to_string();
    assert!(error.contains("is a sweep, which is several runs: give one of its levels"), "{error}");
    assert!(error.contains("(level 1)") && error.contains("(level 2)"), "{error}");
}
