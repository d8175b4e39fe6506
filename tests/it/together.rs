//! Several scenarios in one file: read, planned, run together, and reported apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use streamgauge::artifact::StoredRun;
use streamgauge::plan::Plan;
use streamgauge::scenario::{Imagined, Load, Overrides, Problems, Scenarios, load, read};

use crate::support::{command, run, scenario};

const TWO: &str = "name: mixed
target: { url: embedded }
sessions:
  - { name: chat, messages: ['Hello!', 'And now?'] }
slo: { total: 10s }
scenarios:
  - name: steady
    load: { closed: { users: 2, iterations: 6 } }
  - name: burst
    start_after: 300ms
    load: { open: { rate: 20/s, arrivals: poisson, duration: 500ms } }
    sessions:
      - { name: chat, messages: ['Quick: {{ session.number }}'] }
      - { name: other, messages: ['Something else.'] }
thresholds:
  'total{scenario=burst}': ['max<30s']
  'errors{scenario=steady, session=chat}': ['rate<1%']
";

fn reading(
    text: &str,
    files: &[(&str, &str)],
    overrides: &Overrides,
) -> Result<Scenarios, Problems> {
    let world =
        files.iter().fold(Imagined::new(), |world, (name, text)| world.with_file(*name, *text));
    read("x.yaml", text, Path::new(""), overrides, &world)
}

fn wrong(text: &str) -> String {
    reading(text, &[("o.csv", "n\n1\n")], &Overrides::default()).unwrap_err().to_string()
}

#[test]
fn they_run_together_and_are_reported_apart() {
    let file = scenario(TWO, &[]);
    let ran = run(&[file.path.to_str().unwrap(), "--progress", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.assert_balanced();
    let summary = ran.summary();
    let apart = summary["scenarios"].as_array().unwrap();
    let names: Vec<&str> = apart.iter().map(|one| one["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["steady", "burst"]);
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for row in ran.samples() {
        *rows.entry(row["scenario"].clone()).or_default() += 1;
        let due: f64 = row["intended_ms"].parse().unwrap();
        assert!(row["scenario"] == "steady" || due >= 300.0, "{due}");
    }
    assert_eq!(rows["steady"], 12);
    for one in apart {
        let name = one["scenario"].as_str().unwrap();
        assert_eq!(one["counts"]["planned"], rows[name], "{name}");
        assert_eq!(one["metrics"]["total"]["count"], rows[name], "{name}");
        assert!(one["rates"]["goodput_per_s"].as_f64().is_some(), "the slo is shared");
    }
    assert_eq!(apart[1]["load"]["measured_s"], 0.5, "over its own time");
    assert_eq!(apart[1]["start_s"], 0.3);
    let groups: BTreeSet<(String, String)> = summary["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let word = |key: &str| group[key].as_str().unwrap().to_owned();
            (word("scenario"), word("session"))
        })
        .collect();
    let expected = [("burst", "chat"), ("burst", "other"), ("steady", "chat")];
    let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(groups, BTreeSet::from(expected));
    assert!(summary["thresholds"].as_array().unwrap().iter().all(|one| one["ok"] == true));
    let sessions: BTreeSet<String> =
        ran.samples().iter().map(|row| row["session"].clone()).collect();
    let offered = apart[1]["load"]["offered"]["sent"].as_u64().unwrap();
    assert_eq!(sessions.len() as u64, 6 + offered, "no two share a session id");
    assert!(ran.out.contains("by scenario") && ran.out.contains("burst/other"), "{}", ran.out);
    let csv = std::fs::read_to_string(ran.directory().join("summary.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",scenario"));
    assert!(csv.lines().any(|line| line.contains(",throughput,") && line.ends_with(",burst")));

    // Killed before its summary was written: the same figures from its samples.
    let path = ran.directory();
    let before = StoredRun::open(&path).unwrap().summary;
    let text = std::fs::read_to_string(path.join("run.json")).unwrap();
    std::fs::write(path.join("run.json"), text.replace("\"finished\"", "\"running\"")).unwrap();
    std::fs::remove_file(path.join("summary.json")).unwrap();
    let again = StoredRun::open(&path).unwrap();
    assert!(again.recomputed);
    for (one, other) in before.scenarios.iter().zip(&again.summary.scenarios) {
        assert_eq!((&one.scenario, one.counts), (&other.scenario, other.counts));
    }
    for (one, other) in before.groups.iter().zip(&again.summary.groups) {
        assert_eq!((one.label(), one.counts), (other.label(), other.counts));
    }
}

#[test]
fn what_stands_at_the_top_holds_for_each_that_does_not_say_it() {
    let text = "target: { url: embedded }
sessions: [{ messages: ['{{ data.order.n }} {{ data.city.n }} {{ env.A }}{{ env.B }}'] }]
data: { order: { from: o.csv, pick: unique }, city: { from: c.csv } }
env: [A, B]
load: { closed: { users: 3, duration: 1m } }
warmup: 5s
scenarios:
  - {}
  - { name: own, load: { once: {} }, warmup: 0s, data: { city: { from: d.csv } }, env: [B] }
";
    let world = Imagined::new()
        .with_file("o.csv", "n\n1\n2\n3\n4\n5\n")
        .with_file("c.csv", "n\nc\n")
        .with_file("d.csv", "n\nd\n")
        .with_var("A", "a")
        .with_var("B", "b");
    let all = read("x.yaml", text, Path::new(""), &Overrides::default(), &world).unwrap();
    let [first, own] = all.all.as_slice() else { panic!("{all:?}") };
    assert_eq!((&*first.scenario.name, &*own.scenario.name), ("scenario-1", "own"));
    assert!(matches!(first.scenario.load, Load::Closed { users: 3, .. }));
    assert!(matches!(own.scenario.load, Load::Once { .. }) && own.scenario.warmup.is_none());
    assert_eq!(own.scenario.data["city"].rows[0]["n"], "d");
    assert_eq!(first.scenario.data["city"].rows[0]["n"], "c");
    // Unique rows are used once over both.
    let rows = |at: usize| {
        let rows = all.all[at].scenario.data["order"].rows.iter();
        rows.map(|row| row["n"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (rows(0), rows(1)),
        (["1", "3", "5"].map(String::from).to_vec(), ["2", "4"].map(String::from).to_vec())
    );
    // What is kept beside the run reads as the same.
    let kept = serde_json::to_string(&all.resolved()).unwrap();
    let again = read("x.yaml", &kept, Path::new(""), &Overrides::default(), &world).unwrap();
    assert_eq!(again.resolved(), all.resolved());
}

#[test]
fn a_plan_is_the_same_each_time_and_random_apart() {
    let text = "target: { url: embedded }
sessions: [{ messages: [a] }]
load: { open: { rate: 10/s, arrivals: poisson, duration: 10s } }
scenarios: [{ start_after: 0s }, { start_after: 20s }, {}]
";
    let all = reading(text, &[], &Overrides::default()).unwrap();
    let whole = streamgauge::plan::Shard::WHOLE;
    let due = |plan: &Plan| plan.arrivals(whole).map(|(_, due)| due.nanos()).collect::<Vec<_>>();
    let plans = Plan::together(all.clone(), 7);
    let arrivals: Vec<_> = plans.iter().map(due).collect();
    let again: Vec<_> = Plan::together(all.clone(), 7).iter().map(due).collect();
    assert_eq!(arrivals, again);
    assert!(arrivals[1].iter().all(|&due| (20_000_000_000..30_000_000_000).contains(&due)));
    assert_ne!(arrivals[0], arrivals[2], "two Poisson streams of one run are not the same");
    let numbers: BTreeSet<u64> = plans
        .iter()
        .flat_map(|plan| (0..50).map(move |number| plan.session(number, 0).unwrap().number))
        .collect();
    assert_eq!(numbers.len(), 150);
    // Without `scenarios` nothing is other than it was.
    let alone = "target: { url: embedded }\nsessions: [{ messages: [a] }]\nload: { open: { rate: 10/s, arrivals: poisson, duration: 10s } }\n";
    let world = Imagined::new();
    let one = load("x.yaml", alone, Path::new(""), &Overrides::default(), &world).unwrap();
    let several = reading(alone, &[], &Overrides::default()).unwrap();
    assert!(!several.listed);
    assert_eq!((several.fingerprint(), several.resolved()), (one.fingerprint(), one.resolved()));
    assert_eq!(due(&Plan::new(one, 7)), arrivals[0]);
    let moved = text.replace("20s", "21s");
    let moved = reading(&moved, &[], &Overrides::default()).unwrap();
    assert_ne!(moved.fingerprint(), all.fingerprint(), "when each starts is part of it");
}

#[test]
fn mistakes_are_told_once_and_with_their_place() {
    let top = "target: { url: embedded }\n";
    let shared =
        format!("{top}sessions: [{{ messages: ['{{{{ x }}}}'] }}]\nscenarios: [{{}}, {{}}]\n");
    let told = wrong(&shared);
    assert_eq!(told.matches("error:").count(), 1, "told once: {told}");
    for (text, whats) in [
        ("scenarios: []", &["`scenarios` is an empty list"][..]),
        ("scenarios: [{}]", &["x.yaml:2:13", "`scenarios[0]` has no `sessions`"]),
        (
            "scenarios: [{ seshions: [] }]",
            &["unknown field `seshions`", "did you mean `sessions`?"],
        ),
        (
            "scenarios: [{ limits: {} }]",
            &["x.yaml:2:15", "unknown field `limits` in `scenarios[0]`"],
        ),
        ("scenarios: 5", &["`scenarios` wants a list of scenarios"]),
        (
            "sessions: [{ messages: [a] }]\nscenarios:\n  - { name: a }\n  - { name: a }",
            &["x.yaml:5:13", "two scenarios are named `a`"],
        ),
        (
            "sessions: [{ messages: [a] }]\nscenarios: [{ name: 'a=b' }]",
            &["`scenarios[0].name` holds '='"],
        ),
        (
            "sessions: [{ messages: [a] }]\nscenarios: [{ start_after: soon }]",
            &["x.yaml:3:28", "`scenarios[0].start_after`"],
        ),
        (
            "sessions: [{ messages: [a] }]\nscenarios: [{ name: alpha }]\nthresholds: { 'ttfc{scenario=zzzzzz}': 'max<1s' }",
            &["no scenario `zzzzzz`: this one is `alpha`"],
        ),
        (
            "sessions: [{ messages: ['{{ data.o.n }}'] }]\ndata: { o: { from: o.csv, pick: unique } }\nscenarios: [{}, {}]",
            &["2 scenarios take unique rows of o.csv and it has 1"],
        ),
    ] {
        let told = wrong(&format!("{top}{text}\n"));
        assert!(whats.iter().all(|what| told.contains(what)), "{text}: {told}");
    }
}

#[test]
fn what_sets_one_load_does_not_go_with_several() {
    let file = scenario(TWO, &[("rows.txt", "a\n")]);
    let path = file.path.to_str().unwrap();
    let reports = tempfile::tempdir().unwrap();
    let out = reports.path().to_str().unwrap();
    let rows = file.path.with_file_name("rows.txt");
    for (arguments, why) in [
        (&["run", path, "-c", "3", "--out", out][..], "scenarios[0].load.closed.users=5"),
        (&["plan", path, "-r", "3/s"], "the file lists `scenarios`"),
        (&["run", path, "--sweep", "rate=1/s,2/s", "--out", out], "--sweep changes one load"),
        (&["run", path, "--find-max", "rate", "--out", out], "--find-max changes one load"),
        (
            &["batch", rows.to_str().unwrap(), "--scenario", path, "--out", out],
            "only one can be used here",
        ),
    ] {
        let output = command(arguments).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
    }
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 0, "nothing was begun");
    let set = ["plan", path, "--format", "json", "--set", "scenarios[0].load.closed.users=5"];
    let plan: Value = serde_json::from_slice(&command(&set).output().unwrap().stdout).unwrap();
    assert_eq!(plan["scenarios"][0]["plan"]["users"], 5);
    assert_eq!(plan["scenario"]["scenarios"][0]["load"]["closed"]["users"], 5);
}
