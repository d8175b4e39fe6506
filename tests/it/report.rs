//! What the report of a run looks like.

use std::time::Duration;

use streamgauge::metric::Metric;
use streamgauge::report::{SUMMARY_COLUMNS, Style, summary_csv, text};
use streamgauge::sample::{Failure, Outcome};
use streamgauge::summary::Summary;

use crate::summary::{at, ended, facts, hundred, mixed, summary_of, turn};

fn troubled() -> Summary {
    let mut facts = facts(&[("ttfc", "p(95)<800ms"), ("errors", "rate<1%"), ("connect", "max<1s")]);
    facts.load.warmup = Duration::from_secs(2);
    facts.load.ended = Some(at(12_000.0));
    summary_of(&facts, &mixed())
}

#[test]
fn a_good_run_fits_on_a_screen() {
    let samples: Vec<_> = (0..1_000).map(|n| turn(n, n as f64 * 10.0, 20.0)).collect();
    let mut facts = facts(&[("ttfc", "p(95)<800ms")]);
    facts.kinds.truncate(1);
    let report = text(&summary_of(&facts, &samples), Style::plain(), Some("reports/x"));
    let shown = "\
desk
run 2026-11-22T21-30-00Z_desk_7f3a
load 10/s for 10s; measured over 10 s

turns
  planned         1,000    completed       1,000    in warm-up          0
  throughput    100.0/s    chunks        400.0/s    errors         0.00 %

ms                    p50        p75        p90        p95        p99        max
ttfc               10.000     10.000     10.000     10.000     10.000     10.000
1000 of 1000    10.0–10.0  10.0–10.0  10.0–10.0  10.0–10.0  10.0–10.0
ttfc_service       10.000     10.000     10.000     10.000     10.000     10.000
1000 of 1000    10.0–10.0  10.0–10.0  10.0–10.0  10.0–10.0  10.0–10.0
total              20.000     20.000     20.000     20.000     20.000     20.000
1000 of 1000    20.0–20.0  20.0–20.0  20.0–20.0  20.0–20.0  20.0–20.0
lateness            0.000      0.000      0.000      0.000      0.000      0.000
                    0–0µs      0–0µs      0–0µs      0–0µs      0–0µs
Second lines: answered of all; 95 % intervals (n/a: too few turns for one).

thresholds
  ✓ ttfc p(95)<800ms                                                  10.000 ms

validity  valid

files: reports/x
";
    let shown: Vec<_> = shown.lines().collect();
    let report: Vec<_> = report.lines().map(str::trim_end).collect();
    assert_eq!(report, shown);
}

#[test]
fn trouble_is_shown_beside_the_figures() {
    let report = text(&troubled(), Style::plain(), None);
    for part in [
        "failed             24    timed out          24    dropped            24",
        "all turns",
        "920 of 1000",
        "by session",
        "timed out timeout_idle",
        "✗ errors rate<1%",
        "✗ connect max<1s",
        "no data",
        "to know before believing the numbers",
        "24 attempts were repeated.",
    ] {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_whatever_is_in_it() {
    let mut wide = troubled();
    wide.run.name = "a name that goes on and on ".repeat(8);
    wide.load.description = "open, 5/s, poisson ".repeat(10);
    wide.groups[0].session = "session ".repeat(20);
    wide.errors[0].example = Some("connection \x1b[2J refused\r\n".repeat(20));
    wide.errors[0].count = 123_456_789;
    wide.counts.completed = 12_345_678_901;
    wide.thresholds[0].metric = "ttfc{session=".to_owned() + &"x".repeat(80) + "}";
    wide.validity.reasons = vec!["reason ".repeat(40)];
    for summary in
        [wide, troubled(), summary_of(&facts(&[]), &[]), summary_of(&facts(&[]), &hundred())]
    {
        let report = text(&summary, Style::plain(), None);
        assert!(!report.contains('\x1b'), "text of others moved the cursor");
        for line in report.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = text(&troubled(), Style::plain(), None);
    let coloured = text(&troubled(), Style::coloured(), None);
    assert!(coloured.contains("\x1b["));
    let mut stripped = String::new();
    for part in coloured.split("\x1b[") {
        let (_, rest) = part.split_once('m').filter(|_| !stripped.is_empty()).unwrap_or(("", part));
        stripped.push_str(rest);
    }
    assert_eq!(stripped.trim_start_matches("1m"), plain);
}

#[test]
fn a_run_in_which_nothing_was_answered_still_reports() {
    let dead: Vec<_> =
        (0..5).map(|n| ended(turn(n, n as f64, 1.0), Outcome::Failed(Failure::Connect))).collect();
    let report = text(&summary_of(&facts(&[]), &dead), Style::plain(), None);
    assert!(report.contains("failed connect"), "{report}");
    assert!(report.contains("100.00 %"), "{report}");
}

#[test]
fn summary_csv_has_a_row_for_each_metric_and_series() {
    let summary = troubled();
    let mut file = Vec::new();
    summary_csv(&summary, &mut file).unwrap();
    let mut rows = csv::Reader::from_reader(file.as_slice());
    assert_eq!(rows.headers().unwrap(), SUMMARY_COLUMNS.as_slice());
    let rows: Vec<_> = rows.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 3 * Metric::COUNT + 5);
    let ttfc = rows.iter().find(|row| &row[1] == "refund" && &row[2] == "ttfc").unwrap();
    let figures = summary.groups[0].metrics.get(Metric::Ttfc);
    assert_eq!(ttfc[4], figures.count.to_string());
    assert_eq!(ttfc[11], figures.percentiles.p95.unwrap().to_string());
    assert_eq!(ttfc[24], figures.ci95.p95.unwrap()[0].to_string());
}
