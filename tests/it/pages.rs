//! The pages of a comparison and of a history.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{Browser, HOSTILE};
use crate::support::{command, run, scenario};

/// What the command writes in this form.
fn written(arguments: &[&str], form: &str) -> String {
    let output = command(arguments).args(["--format", form]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A page in a file, and the same as JSON.
struct Written {
    folder: TempDir,
    page: PathBuf,
    json: Value,
}

impl Written {
    fn new(folder: TempDir, name: &str, arguments: &[&str]) -> Self {
        let page = folder.path().join(name);
        fs::write(&page, written(arguments, "html")).unwrap();
        Self { json: serde_json::from_str(&written(arguments, "json")).unwrap(), folder, page }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.page).unwrap()
    }

    /// Every number that the page shows is the one of the JSON form, all digits of it.
    fn assert_same_numbers(&self, shown: &[(String, f64)], wanted: &[&str]) {
        for (of, value) in shown {
            // The reader of JSON may be wrong in the last of seventeen digits.
            let told = self.json.pointer(of).and_then(Value::as_f64).unwrap_or(f64::NAN);
            assert!((told - value).abs() <= 1e-14 * value.abs(), "{of}: {value} for {told}");
        }
        for of in wanted {
            assert!(shown.iter().any(|(place, _)| place == of), "{of} is not shown");
        }
    }
}

/// The numbers that stand in the text of a page with their places.
fn numbers(page: &str) -> Vec<(String, f64)> {
    let number = |piece: &str| {
        let (value, rest) = piece.split_once("\" data-of=\"")?;
        Some((rest.split_once('"')?.0.to_owned(), value.parse().unwrap()))
    };
    page.split("<data value=\"").skip(1).filter_map(number).collect()
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// A run beside itself, with names, commits and targets that mean ill.
fn comparison() -> Written {
    let scenario = scenario(
        "name: desk\ntarget: { url: embedded }\n\
         sessions:\n  - { name: CANARY, messages: [hello] }\n\
         \x20 - { name: long, messages: [hello, and then] }\n\
         load: { closed: { users: 40, iterations: 120 } }\n",
        &[],
    );
    let ran = run(&[scenario.path.to_str().unwrap(), "--progress", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let folder = tempfile::tempdir().unwrap();
    let sides = ["base", "new"].map(|side| {
        let path = folder.path().join(side);
        fs::create_dir(&path).unwrap();
        for file in ["run.json", "summary.json", "samples.csv", "timeline.csv", "histograms.hlog"] {
            fs::copy(ran.directory().join(file), path.join(file)).unwrap();
        }
        let samples = fs::read_to_string(path.join("samples.csv")).unwrap();
        fs::write(path.join("samples.csv"), samples.replace("CANARY", HOSTILE)).unwrap();
        let valid = json!({ "verdict": "valid", "reasons": [] });
        edit(&path.join("summary.json"), |summary| {
            summary["validity"] = valid.clone();
            summary["run"]["id"] = format!("{side} {HOSTILE}").into();
            summary["groups"][0]["session"] = HOSTILE.into();
        });
        edit(&path.join("run.json"), |run| {
            run["validity"] = valid;
            run["id"] = format!("{side} {HOSTILE}").into();
            run["target"]["url"] = format!("http://{HOSTILE}").into();
            run["git"] = json!({ "commit": HOSTILE, "branch": HOSTILE, "dirty": false });
            run["scenario"]["sessions"][0]["name"] = HOSTILE.into();
        });
        path.to_str().unwrap().to_owned()
    });
    Written::new(folder, "comparison.html", &["compare", &sides[0], &sides[1]])
}

#[test]
fn the_page_of_a_comparison_shows_the_numbers_of_its_json_and_text_as_text() {
    let written = comparison();
    let page = written.text();
    let wanted = [
        "/errors/base/rate",
        "/primary/0/base/value",
        "/primary/0/ratio",
        "/kinds/1/figures/0/new/value",
    ];
    written.assert_same_numbers(&numbers(&page), &wanted);
    assert!(page.contains("default-src 'none'"));
    assert!(
        !page.contains("<script>window") && !page.contains("<img"),
        "text of others is escaped"
    );
    let figures = page.matches("<svg class=\"chart\"").count();
    assert_eq!(figures, 4, "both distributions, in two ways");
    for id in ["h-verdict", "h-both", "h-looking"] {
        assert!(page.contains(&format!("<h2 id=\"{id}\">")), "{id}");
    }

    let Some(browser) = Browser::start() else { return };
    browser.open(&written.page);
    let text = browser.script("return document.body.innerText").as_str().unwrap().to_owned();
    // Both ids, both targets, and a session kind in several rows.
    assert!(text.matches("<script>window.hacked = 1</script>").count() >= 6, "{text}");
    assert_eq!(browser.numbers(), numbers(&page));
    let click =
        "document.querySelector('#main section:last-of-type table th:nth-child(2) button').click()";
    browser.script(click);
    let sorted = "return document.querySelectorAll('th[aria-sort]').length";
    assert_eq!(browser.script(sorted), 1);
    browser.assert_kept_to_itself();
}

/// Thirty nights, from the twentieth on a third slower; the last one's page is there.
fn history() -> Written {
    let folder = tempfile::tempdir().unwrap();
    let last = "29\"><img src=x onerror=window.hacked=1>";
    let lines = (0..30).map(|night: u32| {
        let factor = if night < 20 { 1.0 } else { 1.33 };
        let effect = factor * (1.0 + 0.01 * f64::from(night * 7 % 11));
        let measured = |value: f64| {
            json!({ "value": value * effect, "standard_error": value * 0.01, "count": 600 })
        };
        let line = json!({
            "format": 1, "name": HOSTILE, "version": "0.1.0", "fingerprint": "00aa11bb22cc33dd",
            "id": if night == 29 { last.to_owned() } else { night.to_string() },
            "started_at": format!("2026-10-{:02}T02:00:00Z", night + 1),
            "state": "finished", "validity": "valid", "branch": HOSTILE, "target": HOSTILE,
            "commit": format!("<b>{night:02}{HOSTILE}"),
            "metrics": {
                "ttfc.p50": measured(200.0), "ttfc.p95": measured(320.0), "total.p95": measured(1_900.0),
                "errors": { "value": 0.01, "standard_error": 0.002, "count": 600 },
            },
        });
        format!("{line}\n")
    });
    fs::write(folder.path().join("history.jsonl"), lines.collect::<String>()).unwrap();
    // What a run leaves there is read; its page alone is enough to link to.
    let run = folder.path().join(last);
    fs::create_dir(&run).unwrap();
    fs::write(run.join("report.html"), "<!doctype html><title>the run</title>").unwrap();
    let place = folder.path().to_str().unwrap().to_owned();
    Written::new(folder, "history.html", &["history", &place])
}

#[test]
fn the_page_of_a_history_shows_the_numbers_of_its_json_and_links_to_the_runs_that_are_there() {
    let written = history();
    let page = written.text();
    let wanted =
        ["/tracks/0/runs/0/metrics/ttfc.p50/value", "/tracks/0/runs/29/metrics/errors/value"];
    written.assert_same_numbers(&numbers(&page), &wanted);
    assert_eq!(numbers(&page).len(), 30 * 4);
    assert!(!page.contains("<script>window") && !page.contains("<img") && !page.contains("<b>"));
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 4, "a curve a figure");
    let changes = written.json.pointer("/tracks/0/changes").unwrap().as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(page.contains("It changed once") && page.contains("2026-10-21: ttfc p50 +3"), "{page}");
    assert_eq!(page.matches("not here").count(), 29);

    let Some(browser) = Browser::start() else { return };
    browser.open(&written.page);
    let text = browser.script("return document.body.innerText").as_str().unwrap().to_owned();
    assert!(text.contains("<script>window.hacked = 1</script>"), "{text}");
    assert_eq!(browser.numbers(), numbers(&page));
    browser.assert_kept_to_itself();
    browser.script("document.querySelector('td a').click()");
    assert_eq!(browser.script("return document.title"), "the run");
    drop(written.folder);
}

#[test]
fn single_chunks_are_drawn_where_they_were_recorded_and_their_text_is_not_shown() {
    let page = |record: &[&str]| {
        let ran =
            run(&[&["-m", "Hello", "--target", "embedded", "--progress", "none"], record].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        (fs::read_to_string(ran.directory().join("report.html")).unwrap(), ran)
    };
    let (text, ran) = page(&["--record", "chunks"]);
    let line = fs::read_to_string(ran.directory().join("chunks.jsonl")).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let chunks = told["chunks"].as_array().unwrap();
    let (_, path) = text.split_once("<path class=\"w-chunk\" d=\"").expect("ticks");
    let ticks = path.split_once('"').unwrap().0.matches('M').count();
    // Those too near to each other are one.
    assert!((2..=chunks.len()).contains(&ticks), "{ticks} ticks for {} chunks", chunks.len());
    let answer: String = chunks.iter().map(|chunk| chunk[1].as_str().unwrap()).collect();
    assert!(answer.len() > 20 && !text.contains(&answer[..20]), "{answer}");
    assert!(!page(&[]).0.contains("class=\"w-chunk\" d="));
}
