//! Any tool, as a command template and a way to find figures in what it prints.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::Value;

use crate::Figures;
use crate::cases::{Case, Load, TOTAL_TIMEOUT_S};

/// A tool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adapter {
    pub(crate) name: String,
    /// The command for an open load: words with `{places}`; without it such cases are n/a.
    #[serde(default)]
    open: Option<Vec<String>>,
    /// More words where there is a bound on turns on the wire and the others wait, or are dropped.
    #[serde(default)]
    open_bounded: Option<Vec<String>>,
    #[serde(default)]
    open_dropping: Option<Vec<String>>,
    /// The command for a closed load.
    #[serde(default)]
    closed: Option<Vec<String>>,
    /// Exit codes that are no failure.
    #[serde(default)]
    exits: Vec<i32>,
    /// Where the figures stand.
    figures: BTreeMap<String, Place>,
}

/// Where a figure stands in what was printed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// A JSON pointer.
    #[serde(default)]
    json: Option<String>,
    /// Another, to divide by.
    #[serde(default)]
    per: Option<String>,
    /// A regular expression with the number in group 1 and, where there is one, its unit in group 2.
    #[serde(default)]
    regex: Option<String>,
    /// Times this.
    #[serde(default)]
    scale: Option<f64>,
    /// Null says that there is no such time.
    #[serde(default)]
    null_is_none: bool,
}

/// What a tool reported.
pub(crate) struct Observed(pub(crate) Figures);

impl Adapter {
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
    }

    /// Runs the tool and reads its figures.
    pub(crate) fn measure(&self, case: &Case, url: &str) -> Result<Observed, String> {
        let words = self.words(case)?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let fill = |word: &str| fill(word, case, url, &folder.path().display().to_string());
        let words: Vec<String> = words.iter().map(|word| fill(word)).collect();
        let (program, arguments) = words.split_first().ok_or("the command is empty")?;
        let mut command =
            crate::support::pinned_to(crate::support::OUR_CPU, std::path::Path::new(program));
        let output = command
            .args(arguments)
            .env("LYZR_API_KEY", "any")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("n/a: {program} does not run: {error}"))?;
        let code = output.status.code().unwrap_or(-1);
        if code != 0 && !self.exits.contains(&code) {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{program} ended with {code}: {}", said.trim()));
        }
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let document: Value = serde_json::from_str(&printed).unwrap_or(Value::Null);
        let found = self
            .figures
            .iter()
            .filter_map(|(name, place)| Some((name.clone(), place.find(&printed, &document)?)));
        Ok(Observed(found.collect()))
    }

    fn words(&self, case: &Case) -> Result<Vec<String>, String> {
        let none = || format!("n/a: {} has no such load", self.name);
        match case.load {
            Load::Closed { .. } => self.closed.clone().ok_or_else(none),
            Load::Open { most, drop, .. } => {
                let mut words = self.open.clone().ok_or_else(none)?;
                if most.is_some() {
                    let more = if drop { &self.open_dropping } else { &self.open_bounded };
                    words.extend(more.clone().ok_or_else(none)?);
                }
                Ok(words)
            }
        }
    }
}

/// The body of the documented call.
const BODY: &str = r#"{"user_id":"u","agent_id":"a","session_id":null,"message":"hello"}"#;

fn fill(word: &str, case: &Case, url: &str, folder: &str) -> String {
    let (rate, seconds, concurrency, most) = match case.load {
        Load::Open { rate, seconds, most, .. } => (rate, seconds, 0, most.unwrap_or(0)),
        Load::Closed { concurrency, seconds } => (0, seconds, concurrency, 0),
    };
    word.replace("{streamgauge}", env!("CARGO_BIN_EXE_streamgauge"))
        .replace("{here}", concat!(env!("CARGO_MANIFEST_DIR"), "/benches/conformance/adapters"))
        .replace("{url}", url)
        .replace("{stream_url}", &format!("{url}/v2/stream/"))
        .replace("{body}", BODY)
        .replace("{folder}", folder)
        .replace("{rate}", &rate.to_string())
        .replace("{seconds}", &seconds.to_string())
        .replace("{concurrency}", &concurrency.to_string())
        .replace("{most}", &most.to_string())
        .replace("{timeout_s}", &TOTAL_TIMEOUT_S.to_string())
}

impl Place {
    fn find(&self, printed: &str, document: &Value) -> Option<f64> {
        let number = |pointer: &str| -> Option<f64> {
            match document.pointer(pointer)? {
                Value::Null if self.null_is_none => Some(f64::INFINITY),
                value => value.as_f64(),
            }
        };
        let value = match (&self.json, &self.regex) {
            (Some(pointer), _) => number(pointer)?,
            (None, Some(pattern)) => {
                let found =
                    regex::Regex::new(pattern).expect("a regex of an adapter").captures(printed)?;
                let unit = found.get(2).map_or(1.0, |unit| match unit.as_str() {
                    "us" | "µs" => 1e-3,
                    "s" => 1e3,
                    "m" => 60e3,
                    _ => 1.0,
                });
                found.get(1)?.as_str().parse::<f64>().ok()? * unit
            }
            (None, None) => return None,
        };
        let per = match &self.per {
            Some(pointer) => number(pointer)?,
            None => 1.0,
        };
        Some(value / per * self.scale.unwrap_or(1.0))
    }
}
