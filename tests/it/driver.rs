//! Chromium, driven through chromedriver (WebDriver over plain HTTP).
//!
//! Tests that need it are skipped where there is none; with `STREAMGAUGE_BROWSER` set, as CI does, that
//! is a failure.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Text that means ill: none of it may run, wherever it came from.
pub(crate) const HOSTILE: &str =
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked=1'>";

/// A browser with one page; it ends with this.
pub(crate) struct Browser {
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
    pub(crate) fn start() -> Option<Self> {
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
    pub(crate) fn ask(&self, command: &str, body: &Value) -> Value {
        let url = format!("{}{command}", self.session);
        let request = self.client.post(&url).body(body.to_string());
        let request = request.timeout(Duration::from_secs(120));
        let text = self.runtime.block_on(async { request.send().await.unwrap().text().await });
        let reply: Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert!(reply["value"]["error"].is_null(), "{command}: {reply}");
        reply["value"].clone()
    }

    pub(crate) fn script(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub(crate) fn open(&self, page: &Path) {
        self.ask("/url", &json!({ "url": format!("file://{}", page.display()) }));
    }

    /// What the page told its console, and where it asked for something.
    pub(crate) fn traces(&self) -> (Vec<Value>, Vec<String>) {
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

    /// Nothing of what others wrote has run, the console is silent, and nothing but files was asked for.
    pub(crate) fn assert_kept_to_itself(&self) {
        assert!(self.script("return window.hacked === undefined").as_bool().unwrap());
        assert_eq!(self.script("return document.querySelectorAll('img').length"), 0);
        let (console, asked) = self.traces();
        assert_eq!(console, Vec::<Value>::new(), "the console is silent");
        assert!(!asked.is_empty());
        for url in asked {
            assert!(url.starts_with("file://") || url.starts_with("data:"), "{url}");
        }
    }

    /// Every number that says where it stands in the JSON form of the page, with that place.
    pub(crate) fn numbers(&self) -> Vec<(String, f64)> {
        let shown = self.script(
            "return Array.from(document.querySelectorAll('data[data-of]')).map(d => [d.dataset.of, d.value])",
        );
        let pair = |pair: &Value| {
            (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().parse().unwrap())
        };
        shown.as_array().unwrap().iter().map(pair).collect()
    }

    /// Presses the pointer at one place of an element and lets go at another, both as shares of its
    /// width.
    pub(crate) fn drag(&self, selector: &str, (from, to): (f64, f64)) {
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
