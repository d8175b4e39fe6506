//! What happens in a batch, as it happens: a JSON document a line, for programs that watch it.
//!
//! It says which rows, not what they say: no prompt, no answer, no message of the target.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use serde::Serialize;

use super::record::Status;
use super::result::Usage;

/// Lines on their way to the file; whoever has more to say waits.
const BACKLOG: usize = 4096;

/// One thing that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Happened<'a> {
    /// A process takes up the work.
    Begun {
        run: &'a str,
        /// Which process it is, from 1.
        leg: usize,
        rows: u64,
        left: u64,
        /// At once; of `-c auto`, what it begins with.
        limit: u32,
    },
    /// An attempt is about to leave: its intent is on the disk.
    Intent { id: &'a str, turn: u32, attempt: u32, session_id: &'a str },
    /// An attempt has ended.
    Attempt {
        id: &'a str,
        turn: u32,
        attempt: u32,
        outcome: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        http_status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttfc_ms: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_ms: Option<f64>,
        chunks: u64,
        bytes: u64,
        #[serde(skip_serializing_if = "Usage::is_empty")]
        usage: Usage,
        /// The row is asked again, in this many milliseconds at the earliest.
        #[serde(skip_serializing_if = "Option::is_none")]
        again_in_ms: Option<f64>,
    },
    /// A row has its result.
    Row {
        id: &'a str,
        status: Status,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        attempts: usize,
    },
    /// No request leaves until then.
    GateClosed { because: Because, for_ms: f64 },
    /// Requests leave again.
    GateOpened,
    /// `-c auto` lets so many rows be on their way from now on.
    Limit { limit: u32, was: u32 },
    /// No more rows are begun; the same command goes on later.
    Paused { because: &'a str },
    /// No more rows are begun: something has to be mended first.
    Stopped { because: &'a str },
    /// The process is about to end.
    Ended { rows: u64, left: u64, counts: &'a serde_json::Map<String, serde_json::Value> },
}

/// Why a gate was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Because {
    /// The target asks to come again later.
    RetryAfter,
    /// The target cannot be reached.
    Unreachable,
}

/// A line: when, and what.
#[derive(Serialize)]
struct Line<'a> {
    at: &'a str,
    #[serde(flatten)]
    what: &'a Happened<'a>,
}

/// Where events are told, from any thread; nowhere, where nobody wants to know.
#[derive(Debug, Default)]
pub struct Events(Option<SyncSender<Vec<u8>>>);

/// The thread that writes them; ends when every [`Events`] of it is gone.
pub type EventsWriter = JoinHandle<io::Result<()>>;

impl Events {
    /// Nobody is told.
    pub fn nowhere() -> Self {
        Self(None)
    }

    /// Goes on with the file at `path`, or with standard output (`-`). `failed` is called when it cannot be
    /// written any more.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn to(
        path: &Path,
        failed: impl FnOnce() + Send + 'static,
    ) -> io::Result<(Self, EventsWriter)> {
        let out: Box<dyn Write + Send> = match path.as_os_str() == "-" {
            true => Box::new(io::stdout()),
            false => Box::new(open(path)?),
        };
        let (sender, lines) = sync_channel(BACKLOG);
        let body = move || {
            let written = write(BufWriter::new(out), &lines);
            if written.is_err() {
                failed();
                // What still comes goes nowhere.
                while lines.recv().is_ok() {}
            }
            written
        };
        let thread = std::thread::Builder::new().name("events".into()).spawn(body)?;
        Ok((Self(Some(sender)), thread))
    }

    /// Whether anybody wants to know.
    pub(super) fn wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells what happened `at` a wall time (RFC 3339).
    pub(super) fn tell(&self, at: &str, what: &Happened<'_>) {
        let Some(sender) = &self.0 else { return };
        // Names and numbers can always be written as JSON.
        let mut line = serde_json::to_vec(&Line { at, what }).unwrap_or_default();
        line.push(b'\n');
        // A writer that is gone has told why.
        let _ = sender.send(line);
    }
}

/// The file, to be gone on with; a last line that was not wholly written is cut off.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path);
    if file.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        // Some can only be written to, as a pipe that somebody else reads.
        file = OpenOptions::new().append(true).open(path);
    }
    let mut file = file?;
    let meta = file.metadata()?;
    if meta.is_file() && meta.len() > 0 {
        let mut end = meta.len();
        let mut block = vec![0; 1 << 16];
        let whole = loop {
            let start = end.saturating_sub(block.len() as u64);
            let part = &mut block[..(end - start) as usize];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(part)?;
            match part.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => break start + at as u64 + 1,
                None if start == 0 => break 0,
                None => end = start,
            }
        };
        if whole < meta.len() {
            file.set_len(whole)?;
        }
    }
    Ok(file)
}

/// Lines that come together are written together; nothing waits for more.
fn write(mut out: impl Write, lines: &Receiver<Vec<u8>>) -> io::Result<()> {
    while let Ok(line) = lines.recv() {
        out.write_all(&line)?;
        while let Ok(line) = lines.try_recv() {
            out.write_all(&line)?;
        }
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_gone_on_with_and_a_torn_line_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, "{\"event\":\"old\"}\n{\"eve").unwrap();
        let (events, writer) = Events::to(&path, || {}).unwrap();
        events.tell("2026-01-01T00:00:00Z", &Happened::GateOpened);
        drop(events);
        writer.join().unwrap().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"event\":\"old\"}\n{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"gate_opened\"}\n"
        );
    }
}
