//! Runs over time: what is kept, what is found, what is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use serde_json::Value;
use streamgauge::artifact::history::{HISTORY, append, read};
use streamgauge::history::{Entry, FORMAT, Measured, Policy, Primary, State, Track, Word, tracks};
use streamgauge::report::{HISTORY_COLUMNS, Style, history_csv, history_markdown, history_text};
use streamgauge::summary::ValidityVerdict;

use crate::support::{command, run};

/// A night's run in which everything is `factor` times as slow as usual, and 3 % up or down.
fn night(number: usize, factor: f64, chance: &mut Xoshiro256PlusPlus) -> Entry {
    let effect = (0.03 * chance.sample::<f64, _>(StandardNormal)).exp() * factor;
    let began =
        jiff::Timestamp::from_second(1_767_000_000 + i64::try_from(number).unwrap() * 86_400)
            .unwrap();
    let measured = |value: f64| Measured {
        value: value * effect,
        standard_error: Some(value * effect * 0.01),
        count: 600,
    };
    let errors = Measured { value: 0.0, standard_error: Some(0.0), count: 600 };
    Entry {
        format: FORMAT,
        id: format!("{}_nightly_{number:04}", began.strftime("%Y-%m-%dT%H-%M-%SZ")),
        name: "nightly".into(),
        started_at: began.to_string(),
        state: State::Finished,
        fingerprint: "00aa11bb22cc33dd".into(),
        version: "0.1.0".into(),
        commit: Some(format!("{number:07x}{:033}", 0)),
        branch: Some("main".into()),
        dirty: false,
        target: "embedded".into(),
        validity: Some(ValidityVerdict::Valid),
        metrics: BTreeMap::from([
            ("ttfc.p50".into(), measured(200.0)),
            ("ttfc.p95".into(), measured(320.0)),
            ("total.p95".into(), measured(1_900.0)),
            ("errors".into(), errors),
        ]),
    }
}

/// So many nights; from night `at` on everything is `factor` times as slow.
fn nights(count: usize, at: usize, factor: f64) -> Vec<Entry> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(7);
    (0..count).map(|n| night(n, if n < at { 1.0 } else { factor }, &mut chance)).collect()
}

fn only(entries: Vec<Entry>) -> Track {
    let mut all = tracks(entries, &Policy::default());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn verdict(entries: Vec<Entry>) -> Word {
    only(entries).newest.unwrap().verdict
}

#[test]
fn nights_that_do_not_change_are_as_before() {
    let track = only(nights(60, 60, 1.0));
    assert!(track.changes.is_empty(), "{:?}", track.changes);
    let newest = track.newest.unwrap();
    assert_eq!(newest.verdict, Word::AsBefore);
    assert!((newest.runs_per_day - 1.0).abs() < 1e-9);
    assert!((newest.chance - 1.0 / 91.3125 / 4.0).abs() < 1e-9, "four figures share the budget");
    let ttfc = newest.judged[0].expected.unwrap();
    assert_eq!((ttfc.runs, ttfc.first, ttfc.last), (30, 29, 58));
    assert!(ttfc.low > 150.0 && ttfc.low < 195.0 && ttfc.high > 205.0 && ttfc.high < 250.0);
}

#[test]
fn a_step_is_an_alarm_at_once_and_a_change_three_nights_later() {
    assert_eq!(verdict(nights(41, 40, 1.2)), Word::Regressed);
    assert_eq!(verdict(nights(41, 40, 0.8)), Word::Improved);
    let track = only(nights(43, 40, 1.2));
    let change = &track.changes[0];
    assert_eq!((track.changes.len(), change.at), (1, 40));
    assert!(change.after >= 37 && change.after < 40 && change.until >= 40, "{change:?}");
    let shifted: Vec<Primary> = change.shifts.iter().map(|shift| shift.metric).collect();
    assert_eq!(shifted, [Primary::TtfcP50, Primary::TtfcP95, Primary::TotalP95]);
    assert!((change.shifts[0].ratio().unwrap() - 1.2).abs() < 0.06);
    // It is still judged by the nights before: three nights do not make slow usual.
    assert_eq!(track.newest.unwrap().verdict, Word::Regressed);
    assert_eq!(verdict(nights(60, 40, 1.2)), Word::AsBefore, "twenty do");
}

#[test]
fn what_is_small_or_uncertain_is_no_alarm() {
    let mut steady = nights(40, 40, 1.0);
    // Values that hardly move: a tight expectation, but 3 % do not matter.
    for run in &mut steady {
        run.metrics.get_mut("ttfc.p50").unwrap().value = 200.0;
    }
    let mut newest = steady.pop().unwrap();
    let ttfc = newest.metrics.get_mut("ttfc.p50").unwrap();
    ttfc.value = 207.0;
    steady.push(newest.clone());
    assert_eq!(verdict(steady.clone()), Word::AsBefore);
    // 12 % do, unless the run itself is too short to know.
    let ttfc = newest.metrics.get_mut("ttfc.p50").unwrap();
    ttfc.value = 224.0;
    steady.pop();
    steady.push(newest.clone());
    assert_eq!(verdict(steady.clone()), Word::Regressed);
    newest.metrics.get_mut("ttfc.p50").unwrap().standard_error = Some(20.0);
    steady.pop();
    steady.push(newest);
    assert_eq!(verdict(steady), Word::AsBefore);
}

#[test]
fn errors_are_judged_by_how_many_there_were_before() {
    let with_errors = |usual: u64, newest: u64| {
        let mut runs = nights(40, 40, 1.0);
        for (at, run) in runs.iter_mut().enumerate() {
            let errors = if at == 39 { newest } else { usual * (at as u64 % 2) };
            run.metrics.get_mut("errors").unwrap().value = errors as f64 / 600.0;
        }
        verdict(runs)
    };
    assert_eq!(with_errors(0, 1), Word::AsBefore, "one of 600 can happen");
    assert_eq!(with_errors(0, 12), Word::Regressed);
    assert_eq!(with_errors(2, 4), Word::AsBefore);
    assert_eq!(with_errors(2, 40), Word::Regressed);
}

#[test]
fn only_runs_that_can_stand_beside_each_other_are_used() {
    assert_eq!(verdict(nights(8, 8, 1.0)), Word::TooFew);
    assert_eq!(verdict(nights(9, 9, 1.0)), Word::AsBefore);
    let mut runs = nights(40, 40, 1.0);
    // A wild night that was invalid, and one that was interrupted, say nothing.
    for (at, run) in runs.iter_mut().enumerate().take(30).skip(20) {
        run.metrics.get_mut("ttfc.p50").unwrap().value = 900.0;
        match at % 2 {
            0 => run.state = State::Interrupted,
            _ => run.validity = Some(ValidityVerdict::Invalid),
        }
    }
    let track = only(runs.clone());
    assert!(track.changes.is_empty());
    assert_eq!(track.newest.unwrap().judged[0].expected.unwrap().runs, 29);
    runs[39].validity = Some(ValidityVerdict::Invalid);
    assert_eq!(verdict(runs.clone()), Word::Invalid);
    runs[39].state = State::Running;
    assert_eq!(verdict(runs), Word::Incomplete);
}

#[test]
fn a_changed_scenario_begins_a_track_of_its_own() {
    let mut runs = nights(50, 25, 3.0);
    for run in runs.iter_mut().skip(25) {
        run.fingerprint = "ffee".into();
    }
    let all = tracks(runs, &Policy::default());
    let prints: Vec<&str> = all.iter().map(|track| track.fingerprint.as_str()).collect();
    assert_eq!(prints, ["00aa11bb22cc33dd", "ffee"], "the newest run's track is the last");
    assert!(all.iter().all(|track| track.changes.is_empty()), "nothing is tested across them");
    assert_eq!(all[1].follows.as_deref(), Some("00aa11bb22cc33dd"));
    assert_eq!(all[0].follows, None);
}

#[test]
fn lines_of_many_writers_are_whole_and_a_torn_one_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(HISTORY);
    fs::write(&file, "{\"format\":1,\"id\":\"torn").unwrap();
    let runs = nights(80, 80, 1.0);
    std::thread::scope(|scope| {
        for some in runs.chunks(10) {
            let parent = folder.path();
            scope.spawn(move || some.iter().for_each(|run| append(parent, run).unwrap()));
        }
    });
    let kept = read(folder.path()).unwrap();
    let ids = |runs: &[Entry]| runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&kept.entries), ids(&runs), "every line is there, whole");
    assert_eq!(kept.passed_over.len(), 1);
    assert!(kept.passed_over[0].contains("line 1: it cannot be read"), "{:?}", kept.passed_over);
    // A line that is cut while it is written hides no other.
    let text = fs::read(&file).unwrap();
    fs::write(&file, &text[..text.len() - 40]).unwrap();
    assert_eq!(read(&file).unwrap().entries.len(), 79);
}

#[test]
fn later_formats_are_said_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(HISTORY);
    fs::write(&file, "{\"format\":2,\"id\":\"x\",\"new\":true}\n\n[1]\n").unwrap();
    let kept = read(folder.path()).unwrap();
    assert!(kept.entries.is_empty());
    assert!(kept.passed_over[0].contains("line 1: its format 2 is of a later version"));
    assert_eq!(kept.passed_over.len(), 2, "an empty line is nothing: {:?}", kept.passed_over);
}

#[test]
fn a_run_adds_a_line_and_line_and_directory_stand_in_for_each_other() {
    let ran = run(&["-m", "Hello", "--target", "embedded", "-n", "30", "--progress", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let from_line = read(&ran.reports.path().join(HISTORY)).unwrap().entries;
    assert_eq!(from_line.len(), 1);
    let summary = ran.summary();
    let ttfc = from_line[0].measured(Primary::TtfcP50).unwrap();
    assert_eq!(Value::from(ttfc.value), summary["metrics"]["ttfc"]["p50"]);
    assert_eq!(ttfc.count, 30);
    let ci = &summary["metrics"]["ttfc"]["ci95"]["p50"];
    let error = (ci[1].as_f64().unwrap() - ci[0].as_f64().unwrap()) / 3.92;
    assert!((ttfc.standard_error.unwrap() - error).abs() < 1e-6);
    assert_eq!(from_line[0].measured(Primary::TtfcP95).unwrap().standard_error, None);
    assert_eq!(read(ran.reports.path()).unwrap().entries, from_line, "it is there once");
    fs::remove_file(ran.reports.path().join(HISTORY)).unwrap();
    assert_eq!(read(ran.reports.path()).unwrap().entries, from_line, "the directory says the same");
    fs::remove_file(ran.directory().join("summary.json")).unwrap();
    let killed = read(ran.reports.path()).unwrap().entries;
    assert!(killed[0].metrics.is_empty() && !killed[0].is_usable());
}

fn written(folder: &Path, runs: &[Entry]) {
    let lines: Vec<String> = runs.iter().map(|run| serde_json::to_string(run).unwrap()).collect();
    fs::write(folder.join(HISTORY), lines.join("\n") + "\n").unwrap();
}

fn history(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(&["history"]).arg(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_exit_code_says_what_the_newest_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = history(folder.path(), &[]);
    assert_eq!(code, 2);
    assert!(err.contains("no run in"), "{err}");
    assert_eq!(history(&folder.path().join("gone"), &[]).0, 2);
    written(folder.path(), &nights(50, 50, 1.0));
    assert_eq!(history(folder.path(), &["--strict"]).0, 0);
    assert_eq!(history(folder.path(), &["--branch", "other"]).0, 2);
    assert_eq!(history(folder.path(), &["--false-alarms", "often"]).0, 2);
    written(folder.path(), &nights(50, 49, 1.5));
    assert_eq!(history(folder.path(), &[]).0, 98);
    assert_eq!(history(folder.path(), &["--min-change", "90%"]).0, 0);
    written(folder.path(), &nights(5, 5, 1.0));
    assert_eq!((history(folder.path(), &[]).0, history(folder.path(), &["--strict"]).0), (0, 97));
    let mut invalid = nights(50, 50, 1.0);
    invalid[49].validity = Some(ValidityVerdict::Invalid);
    written(folder.path(), &invalid);
    assert_eq!(history(folder.path(), &[]).0, 96);
}

#[test]
fn every_format_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &nights(60, 40, 1.2));
    let json: Value =
        serde_json::from_str(&history(folder.path(), &["--format", "json"]).1).unwrap();
    let track = &json["tracks"][0];
    assert_eq!(track["changes"][0]["at"], 40);
    assert_eq!(track["newest"]["verdict"], "as_before");
    assert_eq!(track["runs"].as_array().unwrap().len(), 60);
    let csv = history(folder.path(), &["--format", "csv"]).1;
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(rows.headers().unwrap(), HISTORY_COLUMNS.as_slice());
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 60);
    assert!(rows.iter().enumerate().all(|(at, row)| (&row[17] == "1") == (at == 40)));
    let md = history(folder.path(), &["--format", "md"]).1;
    assert!(md.starts_with("## ✅ nightly: as before"), "{md}");
    assert!(md.contains("### Changes") && md.contains("ttfc p50 +"), "{md}");
    let text = history(folder.path(), &[]).1;
    assert!(text.contains("changes") && text.contains("newest  as before"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal_whatever_is_in_it() {
    let mut runs = nights(300, 200, 1.2);
    for run in &mut runs {
        run.name = "a name | that <goes> on ".repeat(9) + "\x1b[2J";
        run.branch = Some("branch/".repeat(30));
        run.id = "id".repeat(90);
    }
    runs[120].state = State::Interrupted;
    let policy = Policy::default();
    let all = tracks(runs, &policy);
    for width in [60, 80, 100] {
        let text = history_text(&all, &policy, (10, width), Style::plain());
        assert!(!text.contains('\x1b'));
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width} columns: {line}");
        }
    }
    let md = history_markdown(&all, &policy, 10);
    assert!(!md.contains("<goes>"), "{md}");
    let mut rows = Vec::new();
    history_csv(&all, &mut rows).unwrap();
    assert_eq!(csv::Reader::from_reader(rows.as_slice()).records().count(), 300);
}
