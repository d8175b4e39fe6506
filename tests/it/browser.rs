//! report.html in a browser: Chromium, driven through chromedriver (WebDriver over plain HTTP).
//!
//! Skipped where there is no browser; with `STREAMGAUGE_BROWSER` set, as CI does, that is a failure.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{command, run, scenario};

const HOSTILE: &str = "<script>window.hacked = 1</script><img src=x onerror='window.hacked=1'>";

/// A browser with one page; it ends with this.
struct Browser {
    driver: Child,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    session: String,
    _profile: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "where programs are found")]
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Browser {
    /// `None` where there is none and nobody insists.
    #[expect(clippy::disallowed_methods, reason = "the variable that wants a browser to be there")]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn start() -> Option<Self> {
        let insisted = std::env::var_os("STREAMGAUGE_BROWSER").is_some();
        let (Some(chromium), Some(driver)) = (found("chromium"), found("chromedriver")) else {
            assert!(
                !insisted,
                "STREAMGAUGE_BROWSER is set, and chromium or chromedriver is missing"
            );
            eprintln!("skipped: chromium or chromedriver is not there");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(driver.stdout.take().unwrap());
        let port = said.lines().map_while(Result::ok).find_map(|line| {
            let rest = line.split_once("successfully on port ")?.1;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        let profile = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut browser = Self {
            driver,
            runtime,
            client,
            session: format!("http://127.0.0.1:{}/session", port.unwrap()),
            _profile: profile,
        };
        let folder = browser._profile.path().display();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            &format!("--user-data-dir={folder}"),
        ];
        let made = browser.ask(
            "",
            &json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } }),
        );
        let id = made["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    /// A command of the driver's; its value.
    fn ask(&self, command: &str, body: &Value) -> Value {
        let url = format!("{}{command}", self.session);
        let request = self.client.post(&url).body(body.to_string());
        let request = request.timeout(Duration::from_secs(120));
        let text = self.runtime.block_on(async { request.send().await.unwrap().text().await });
        let reply: Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert!(reply["value"]["error"].is_null(), "{command}: {reply}");
        reply["value"].clone()
    }

    fn script(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    fn open(&self, page: &Path) {
        self.ask("/url", &json!({ "url": format!("file://{}", page.display()) }));
    }

    /// What the page told its console, and where it asked for something.
    fn traces(&self) -> (Vec<Value>, Vec<String>) {
        let console = self.ask("/se/log", &json!({ "type": "browser" }));
        let traffic = self.ask("/se/log", &json!({ "type": "performance" }));
        let asked = traffic.as_array().unwrap().iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let sent = message["message"]["method"] == "Network.requestWillBeSent";
            let request = &message["message"]["params"];
            // The browser's own first page is none of ours.
            let ours = !request["documentURL"].as_str()?.starts_with("chrome:");
            (sent && ours).then(|| Some(request["request"]["url"].as_str()?.to_owned()))?
        });
        (console.as_array().unwrap().clone(), asked.collect())
    }

    /// Presses the pointer at one place of an element and lets go at another, both as shares of its
    /// width.
    fn drag(&self, selector: &str, (from, to): (f64, f64)) {
        self.script(&format!("document.querySelector({selector:?}).scrollIntoView()"));
        let element = self.ask("/element", &json!({ "using": "css selector", "value": selector }));
        let width = self.script(&format!(
            "return document.querySelector({selector:?}).getBoundingClientRect().width"
        ));
        // Places count from the middle.
        let at = |share: f64| ((share - 0.5) * width.as_f64().unwrap()).round();
        let to_place = |share: f64| json!({ "type": "pointerMove", "duration": 50, "origin": element, "x": at(share), "y": 0 });
        self.ask(
            "/actions",
            &json!({ "actions": [{
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" },
            "actions": [
                to_place(from), { "type": "pointerDown", "button": 0 },
                to_place(to), { "type": "pointerUp", "button": 0 },
            ],
        }] }),
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, the driver does not.
        let gone = self.client.delete(&self.session).timeout(Duration::from_secs(20));
        let _ = self.runtime.block_on(async { gone.send().await.map(drop) });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

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
    assert!(browser.script("return window.hacked === undefined").as_bool().unwrap());
    assert_eq!(browser.script("return document.scripts.length"), 2, "ours, and the numbers");
    let text = browser.script("return document.body.innerText").as_str().unwrap().to_owned();
    assert!(text.matches("<script>window.hacked = 1</script>").count() >= 5, "{text}");
    assert_eq!(browser.script("return document.querySelectorAll('img').length"), 0);

    // Every number is that of the summary, and those that matter are there.
    let shown = browser.script(
        "return Array.from(document.querySelectorAll('data[data-of]')).map(d => [d.dataset.of, d.value])",
    );
    let mut seen = BTreeMap::new();
    for pair in shown.as_array().unwrap() {
        let (of, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let wanted = summary.pointer(of).and_then(Value::as_f64);
        assert_eq!(Some(value.parse::<f64>().unwrap()), wanted, "{of}");
        seen.insert(of.to_owned(), value.to_owned());
    }
    for metric in ["ttfc", "ttfc_service", "total", "total_service", "gap", "lateness"] {
        for figure in ["count", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99_9", "max"] {
            let of = format!("/metrics/{metric}/{figure}");
            assert!(seen.contains_key(&of), "{of}");
        }
    }
    for of in ["/counts/completed", "/rates/throughput_per_s", "/groups/1/metrics/ttfc/p95"] {
        assert!(seen.contains_key(of), "{of}");
    }

    let (console, asked) = browser.traces();
    assert_eq!(console, Vec::<Value>::new(), "the console is silent");
    assert!(!asked.is_empty());
    for url in asked {
        assert!(url.starts_with("file://") || url.starts_with("data:"), "{url}");
    }
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
