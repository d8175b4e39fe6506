//! What tests of the whole command share: running it, and reading what it left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The key in the environment of every command: what no output may show.
pub(crate) const KEY: &str = "sk-canary-5f1e";

/// The command, with a clean environment and a key.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LYZR_API_KEY", KEY)
        // Nobody's own calibration is cited in a test.
        .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-state"))
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A run that has ended, and the folder its directory lies in.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) reports: TempDir,
}

/// One row of samples.csv, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// `streamgauge run` with these arguments, to its end.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    let reports = tempfile::tempdir().unwrap();
    let output = run_into(&reports, arguments).output().unwrap();
    Ran::new(&output, reports)
}

/// `streamgauge run` with these arguments, not yet started.
pub(crate) fn run_into(reports: &TempDir, arguments: &[&str]) -> Command {
    let mut command = command(&["run"]);
    command.args(arguments).arg("--out").arg(reports.path());
    command
}

/// A scenario in a file of its own.
pub(crate) struct Scenario {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

/// Writes a scenario, and the files beside it.
pub(crate) fn scenario(text: &str, files: &[(&str, &str)]) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, text).unwrap();
    Scenario { _folder: folder, path }
}

impl Ran {
    pub(crate) fn new(output: &Output, reports: TempDir) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            reports,
        }
    }

    /// The run directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.reports.path().join("latest").canonicalize().unwrap_or_else(|_| {
            panic!("there is no run directory; exit {}:\n{}", self.code, self.err)
        })
    }

    pub(crate) fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.directory().join(file)).unwrap()).unwrap()
    }

    pub(crate) fn summary(&self) -> Value {
        self.json("summary.json")
    }

    pub(crate) fn samples(&self) -> Vec<Row> {
        rows(&self.directory().join("samples.csv"))
    }

    /// `outcome/error` of every sample, counted.
    pub(crate) fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for row in self.samples() {
            *counted.entry(format!("{}/{}", row["outcome"], row["error"])).or_insert(0) += 1;
        }
        counted
    }

    /// Every planned turn is accounted for, in the summary and in the samples.
    pub(crate) fn assert_balanced(&self) {
        let counts = &self.summary()["counts"];
        let of = |name: &str| counts[name].as_u64().unwrap();
        let parts = ["completed", "failed", "timed_out", "cancelled", "dropped"];
        let sum: u64 = parts.iter().map(|part| of(part)).sum();
        assert_eq!(of("planned"), sum, "{counts}");
        let last = self.samples().iter().filter(|row| row["retried"].is_empty()).count();
        let rows = last as u64 + of("unopened");
        assert_eq!(rows, sum, "a row for each turn's last attempt, but of sessions never opened");
    }
}

/// The rows of a CSV file, by column.
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}
