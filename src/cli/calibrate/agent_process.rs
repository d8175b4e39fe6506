//! The embedded agent as a process of its own, and its log.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::calibration::{Setting, TrueTurn};
use crate::machine;

/// Turns that its log holds: enough for a p99.9, and read in a moment.
const LOG: usize = 20_000;
/// It answers at once, or it never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// `streamgauge agent`, until dropped.
pub(super) struct AgentProcess {
    child: Child,
    /// Its base URL.
    pub(super) url: String,
}

#[derive(Deserialize)]
struct Log {
    requests: Vec<Row>,
}

/// What we need of a record (`docs/agent.md`).
#[derive(Deserialize)]
struct Row {
    session_id: Option<Box<str>>,
    arrived_us: u64,
    first_chunk_us: Option<u64>,
    ended_us: Option<u64>,
    #[serde(default)]
    writes_us: Vec<u64>,
}

impl AgentProcess {
    /// Starts one that plays `setting`, on a processor of its own where there is one.
    ///
    /// # Errors
    /// It could not be started.
    pub(super) fn start(setting: &Setting, cpu: Option<usize>) -> std::io::Result<Self> {
        let micros = |time: Duration| format!("{}us", time.as_micros());
        let first = setting.first_chunk;
        let between = format!("uniform({}, {})", micros(first / 2), micros(first * 3 / 2));
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["agent", "--listen", "127.0.0.1:0", "--first-chunk", &between])
            .args(["--gap", &micros(setting.gap), "--chunks", &setting.chunks.to_string()])
            .args(["--chunk-bytes", "6", "--truth-log", &LOG.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if setting.every_chunk {
            command.arg("--truth-writes");
        }
        let child = machine::on_processor(cpu, || command.spawn())?;
        let mut agent = Self { child, url: String::new() };
        let mut url = String::new();
        if let Some(out) = agent.child.stdout.take() {
            BufReader::new(out).read_line(&mut url)?;
        }
        agent.url = url.trim().to_owned();
        if agent.url.is_empty() {
            return Err(std::io::Error::other("the agent ended before it had said its address"));
        }
        Ok(agent)
    }

    /// The system's number of the process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log, by session.
    ///
    /// # Errors
    /// It did not answer, or not with a log.
    pub(super) fn truth(&self) -> std::io::Result<HashMap<Box<str>, TrueTurn>> {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /_truth HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n")?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let head = reply.windows(4).position(|four| four == b"\r\n\r\n");
        let body = head.and_then(|at| reply.get(at + 4..)).unwrap_or_default();
        let log: Log = serde_json::from_slice(body)?;
        Ok(log.requests.into_iter().filter_map(Row::turn).collect())
    }
}

impl Row {
    fn turn(self) -> Option<(Box<str>, TrueTurn)> {
        let since = |at: u64| Duration::from_micros(at.saturating_sub(self.arrived_us));
        let turn = TrueTurn {
            ttfc: since(self.first_chunk_us?),
            total: since(self.ended_us?),
            writes: self.writes_us,
        };
        Some((self.session_id?, turn))
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
