//! What the benchmarks share: an agent in its own process on one processor, streamgauge on another.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The processor of the agent, and ours.
pub(crate) const AGENT_CPU: &str = "0";
pub(crate) const OUR_CPU: &str = "1";

/// `streamgauge agent`, until dropped.
pub(crate) struct Agent {
    child: Child,
    /// Its base URL.
    pub(crate) url: String,
}

impl Agent {
    /// Starts one that behaves so.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = pinned(AGENT_CPU)
            .args(["agent", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the agent starts");
        let mut url = String::new();
        let out = child.stdout.take().expect("its stdout is a pipe");
        BufReader::new(out).read_line(&mut url).expect("its first line is its URL");
        Self { child, url: url.trim().to_owned() }
    }

    /// Its log of what it received and sent, by session.
    pub(crate) fn truth(&self) -> HashMap<String, Value> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the agent listens");
        write!(stream, "GET /_truth HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n")
            .expect("it takes a request");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("it answers");
        let head = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let log: Value = serde_json::from_slice(&reply[head + 4..]).expect("JSON");
        assert_eq!(log["dropped"], 0, "the agent's log is too short for this run");
        let requests = log["requests"].as_array().expect("a list of requests");
        let session = |one: &Value| one["session_id"].as_str().expect("a session").to_owned();
        requests.iter().map(|one| (session(one), one.clone())).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A finished run.
pub(crate) struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    /// `streamgauge run` with these arguments; it must end with code 0.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        run_in(folder.path(), arguments);
        Self { folder }
    }

    /// The run directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("latest")
    }

    /// The rows of its samples, by the names of their columns.
    pub(crate) fn rows(&self) -> Vec<HashMap<String, String>> {
        let samples = csv::Reader::from_path(self.directory().join("samples.csv"));
        samples.expect("it is there").deserialize().map(|row| row.expect("a row")).collect()
    }

    /// One of its JSON files.
    pub(crate) fn json(&self, file: &str) -> Value {
        let text = std::fs::read(self.directory().join(file)).expect("it is there");
        serde_json::from_slice(&text).expect("it is JSON")
    }
}

/// `streamgauge run` with these arguments into `folder`; it must end with code 0. Its directory.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> PathBuf {
    let output = pinned(OUR_CPU)
        .args(["run", "-m", "hello", "--progress", "none", "--workers", "1", "--out"])
        .arg(folder)
        .args(arguments)
        .env("LYZR_API_KEY", "any")
        .output()
        .expect("streamgauge runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("latest").canonicalize().expect("a run directory")
}

/// The command on one processor, where the system can hold it there.
fn pinned(cpu: &str) -> Command {
    pinned_to(cpu, Path::new(env!("CARGO_BIN_EXE_streamgauge")))
}

/// Any program on one processor.
pub(crate) fn pinned_to(cpu: &str, program: &Path) -> Command {
    let can_pin = Path::new("/usr/bin/taskset").exists()
        && std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1);
    if can_pin {
        let mut command = Command::new("/usr/bin/taskset");
        command.args(["-c", cpu]).arg(program);
        command
    } else {
        Command::new(program)
    }
}
