//! Expectations, set-up and closing as a user meets them: exit codes, files, the report.

use crate::support::{run, scenario};

const SCENARIO: &str = "target: { url: embedded }
users: { count: 4 }
on_error: continue
sessions:
  - name: talk
    setup: ['Let us begin.']
    messages:
      - { text: one, expect: { contains: 'zebra crossing' } }
      - { text: two, expect: { not_empty: true, min_chunks: 1, max_total: 1h } }
    closing: ['The end.']
load: { once: { concurrency: 4 } }
";

#[test]
fn a_broken_expectation_is_counted_named_and_gated() {
    let written = scenario(SCENARIO, &[]);
    let path = written.path.to_str().unwrap();
    let ran = run(&[path]);
    assert_eq!(ran.code, 3, "four turns are without a good answer: {}", ran.out);
    assert_eq!(ran.outcomes()["failed/expectation"], 4);
    let summary = ran.summary();
    assert_eq!(summary["counts"]["planned"], 8, "set-up and closing are not in it");
    assert_eq!(
        (&summary["aside"]["planned"], &summary["aside"]["completed"]),
        (&8.into(), &8.into())
    );
    assert_eq!(summary["metrics"]["ttfc"]["count"], 4);
    assert_eq!(summary["errors"][0]["error"], "expectation");
    let why = "expect.contains: the answer does not contain `zebra crossing`";
    assert_eq!(summary["errors"][0]["example"], why);
    assert!(ran.out.contains("set-up and closing, not in any figure: 8 completed"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    // What was answered stands in no file.
    for file in ["samples.csv", "summary.json", "run.json"] {
        let text = std::fs::read_to_string(ran.directory().join(file)).unwrap();
        assert!(!text.contains("You said"), "{file}");
    }
    // A threshold on errors takes the place of the limit.
    for (bound, code) in [("rate<60%", 0), ("rate<40%", 99)] {
        let threshold = format!("thresholds.errors={bound}");
        assert_eq!(run(&[path, "--set", &threshold]).code, code, "{bound}");
    }
}

#[test]
fn samples_say_which_part_of_its_session_a_turn_is() {
    let written = scenario(SCENARIO, &[]);
    let ran = run(&[written.path.to_str().unwrap(), "--set", "users.count=1"]);
    let mut parts: Vec<(String, String)> =
        ran.samples().iter().map(|row| (row["turn"].clone(), row["part"].clone())).collect();
    parts.sort();
    let expected = [("1", "setup"), ("2", "main"), ("3", "main"), ("4", "closing")];
    let expected: Vec<_> = expected.map(|(turn, part)| (turn.to_owned(), part.to_owned())).into();
    assert_eq!(parts, expected);
}

#[test]
fn a_setup_that_fails_is_told_with_its_reason() {
    let written = scenario(
        "target: { url: embedded }
users: { count: 2 }
sessions:
  - { setup: [{ text: hello, expect: { max_chunks: 1 } }], messages: [one], closing: [bye] }
",
        &[],
    );
    let ran = run(&[written.path.to_str().unwrap()]);
    assert_eq!(ran.code, 3);
    let summary = ran.summary();
    assert_eq!(summary["counts"]["dropped"], 2, "what was set up for was never asked");
    assert_eq!((&summary["aside"]["failed"], &summary["aside"]["dropped"]), (&2.into(), &2.into()));
    let setup = summary["errors"].as_array().unwrap().iter().find(|one| one["part"] == "setup");
    assert_eq!(setup.unwrap()["example"], "expect.max_chunks: more chunks than 1");
}
