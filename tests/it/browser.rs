//! report.html of a run in a browser.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::driver::{Browser, HOSTILE};
use crate::support::{command, run, scenario};

/// A run of six seconds, with text in it that means ill: the page of it, and its summary.
fn hostile_page() -> (crate::support::Ran, PathBuf, Value) {
    let scenario = scenario(
        "name: browsed\ntarget: { url: embedded }\nusers: { count: 4 }\n\
         sessions:\n  - { name: CANARY, messages: [Hello, And then?] }\n\
         \x20 - { name: other, messages: [What?, Why?, When?] }\n\
         load: { closed: { users: 4, duration: 5s } }\nwarmup: 1s\n\
         thresholds: { ttfc: ['p(95)<20s'], errors: ['rate<1%'] }\n",
        &[],
    );
    let ran = run(&[scenario.path.to_str().unwrap(), "--progress", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let directory = ran.directory();
    assert!(directory.join("report.html").is_file());
    let name = |text: &str| text.replace("CANARY", HOSTILE);
    let path = directory.join("summary.json");
    let mut summary: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    summary["run"]["name"] = HOSTILE.into();
    summary["groups"][0]["session"] = HOSTILE.into();
    summary["errors"] = json!([{
        "error": "status", "status": 503, "count": 2, "example": HOSTILE, "outcome": "failed",
    }]);
    summary["caveats"] = json!([{
        "caveat": "x", "seen": HOSTILE, "meaning": HOSTILE, "remedy": HOSTILE,
    }]);
    std::fs::write(&path, summary.to_string()).unwrap();
    for file in ["samples.csv", "run.json"] {
        let path = directory.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, name(&text)).unwrap();
    }
    let made = command(&["report", directory.to_str().unwrap(), "--format", "html"]);
    let made = { made }.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let page = directory.join("made.html");
    std::fs::write(&page, &made.stdout).unwrap();
    (ran, page, summary)
}

#[test]
fn the_page_is_safe_loads_nothing_and_shows_the_numbers_of_the_summary() {
    let Some(browser) = Browser::start() else { return };
    let (_ran, page, summary) = hostile_page();
    browser.open(&page);

    // Text of others stays text.
    assert_eq!(browser.script("return document.scripts.length"), 2, "ours, and the numbers");
    let text = browser.script("return document.body.innerText").as_str().unwrap().to_owned();
    assert!(text.matches("<script>window.hacked = 1</script>").count() >= 5, "{text}");

    // Every number is that of the summary, and those that matter are there.
    let mut seen = BTreeSet::new();
    for (of, value) in browser.numbers() {
        assert_eq!(Some(value), summary.pointer(&of).and_then(Value::as_f64), "{of}");
        seen.insert(of);
    }
    for metric in ["ttfc", "ttfc_service", "total", "total_service", "gap", "lateness"] {
        for figure in ["count", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99_9", "max"] {
            let of = format!("/metrics/{metric}/{figure}");
            assert!(seen.contains(&of), "{of}");
        }
    }
    for of in ["/counts/completed", "/rates/throughput_per_s", "/groups/1/metrics/ttfc/p95"] {
        assert!(seen.contains(of), "{of}");
    }
    browser.assert_kept_to_itself();
}

#[test]
fn tables_sort_and_charts_zoom() {
    let Some(browser) = Browser::start() else { return };
    let (_ran, page, _) = hostile_page();
    browser.open(&page);

    let totals = |browser: &Browser| -> Vec<f64> {
        let values = browser.script(
            "return Array.from(document.querySelectorAll('.waterfall tbody data')).map(d => +d.value)",
        );
        values.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect()
    };
    let click = "Array.from(document.querySelectorAll('.waterfall th button')).find(b => b.textContent.startsWith('total')).click()";
    browser.script(click);
    let up = totals(&browser);
    assert!(up.len() > 8 && up.is_sorted(), "{up:?}");
    browser.script(click);
    let down = totals(&browser);
    assert!(down.iter().rev().is_sorted(), "{down:?}");
    let head =
        "return document.querySelector('.waterfall th[aria-sort]').getAttribute('aria-sort')";
    assert_eq!(browser.script(head), "descending");

    // What is dragged over is what is shown, in every panel.
    let stretch = |browser: &Browser| {
        let shown = browser.script(
            "const d = document.getElementById('timeline').dataset; return [+d.from, +d.to]",
        );
        (shown[0].as_f64().unwrap(), shown[1].as_f64().unwrap())
    };
    let (start, end) = stretch(&browser);
    assert_eq!(start, 0.0);
    browser.drag("#timeline .plot", (0.25, 0.8));
    let (from, to) = stretch(&browser);
    assert!((from / end - 0.25).abs() < 0.02 && (to / end - 0.8).abs() < 0.02, "{from} {to}");
    let boxes = browser.script(
        "return new Set(Array.from(document.querySelectorAll('#timeline .plot')).map(p => p.getAttribute('viewBox'))).size",
    );
    assert_eq!(boxes, 1);
    let readout = browser.script("return document.querySelector('#timeline .readout').textContent");
    assert!(readout.as_str().unwrap().contains("completed "), "{readout}");
    browser.script("Array.from(document.querySelectorAll('.tools button')).find(b => b.textContent === 'all').click()");
    assert_eq!(stretch(&browser), (0.0, end));
    let (console, _) = browser.traces();
    assert_eq!(console, Vec::<Value>::new(), "the console is silent");
}

#[test]
fn without_scripts_the_page_says_everything() {
    let (_ran, page, summary) = hostile_page();
    let text = std::fs::read_to_string(page).unwrap();
    assert!(text.len() < 500_000, "{} bytes", text.len());
    // What a browser without scripts shows is what stands in the file.
    let body = &text[..text.rfind("<script>").unwrap()];
    for id in ["latency", "time", "turns", "sessions", "errors", "about"] {
        assert!(body.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert!(body.contains("default-src 'none'"));
    assert!(!body.contains("<script>window"), "text of others is escaped");
    let p95 = summary["metrics"]["ttfc"]["p95"].as_f64().unwrap();
    assert!(body.contains(&format!("data-of=\"/metrics/ttfc/p95\">{p95:.3}</data>")));
    assert!(body.matches("<svg class=\"chart\"").count() >= 11);
    assert!(
        !text.contains("http://www.w3") && !text.contains("https://"),
        "no address but the target's"
    );
}
