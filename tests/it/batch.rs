//! `streamgauge batch` over real sockets: results, going on after a kill, and the journal's word.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{KEY, command};

/// The embedded agent in a process of its own.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = command(&["agent", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(arguments).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }

    /// What it says about the requests it got, in order.
    pub(crate) fn truth(&self) -> Vec<Value> {
        self.requests("/v2/stream/")
    }

    /// The messages it was sent to this path.
    pub(crate) fn all(&self, path: &str) -> Vec<String> {
        let text = |one: &Value| one["message"].as_str().unwrap_or("").to_owned();
        self.requests(path).iter().map(text).collect()
    }

    fn requests(&self, path: &str) -> Vec<Value> {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET /_truth HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            let mut whole = String::new();
            let mut rest = body;
            while let Some((size, after)) = rest.split_once("\r\n") {
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                if size == 0 {
                    break;
                }
                whole.push_str(&after[..size]);
                rest = &after[size + 2..];
            }
            whole
        } else {
            body.to_owned()
        };
        let document: Value = serde_json::from_str(&body).unwrap();
        let requests = document["requests"].as_array().unwrap().clone();
        requests.into_iter().filter(|one| one["path"] == path).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with prompts, and what a batch makes of them.
pub(crate) struct Batch {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
}

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Batch {
    pub(crate) fn new(url: &str, prompts: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("prompts.jsonl"), prompts).unwrap();
        Self { folder, url: url.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command =
            command(&["batch", "prompts.jsonl", "--agent-id", "a", "--progress", "none"]);
        command
            .current_dir(self.folder.path())
            .args(["--target", &self.url, "--out", "reports"])
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.path("reports").join("latest").canonicalize().unwrap()
    }

    /// Everything agrees.
    pub(crate) fn verify(&self) {
        let directory = self.directory();
        let output = command(&["batch", "verify", directory.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
    }
}

pub(crate) fn rows(count: usize) -> String {
    (0..count)
        .map(|n| format!("{{\"id\": \"r{n}\", \"message\": \"say {n}\", \"n\": {n}.50}}\n"))
        .collect()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["id"].as_str().unwrap()).collect()
}

fn read_everything(folder: &Path, found: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_everything(&path, found);
        } else {
            found.extend(fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_row_has_one_result_and_the_agent_got_every_byte() {
    let agent = Served::start(&["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "3"]);
    let prompts = concat!(
        "\u{feff}{\"id\": \"a\", \"message\": \" caf\u{e9} \\\"x\\\"\\n{{ no }}\u{2028}\", \"cost\": 1.10}\r\n",
        "\n",
        "{\"id\": \"b\", \"turns\": [\"one\", \"two\"], \"tags\": [1,  2]}\n",
        "{\"message\": \"again\"}\n",
        "{\"message\": \"again\"}"
    );
    let batch = Batch::new(&agent.url, prompts);
    let ended = batch.run(&["-o", "answers.jsonl", "--order", "input"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let lines = batch.lines("answers.jsonl");
    let ids = ids(&lines);
    assert_eq!(&ids[..2], ["a", "b"]);
    assert_eq!(ids[3], format!("{}-2", ids[2]));
    assert!(lines.iter().all(|line| line["status"] == "completed" && line["http_status"] == 200));
    assert_eq!(lines[1]["turns"].as_array().unwrap().len(), 2);
    assert_eq!(lines[1]["attempts"].as_array().unwrap().len(), 2);
    let text = fs::read_to_string(batch.path("answers.jsonl")).unwrap();
    assert!(text.contains("\"meta\":{\"cost\":1.10}"), "numbers as written: {text}");
    assert!(text.contains("\"meta\":{\"tags\":[1,  2]}"), "{text}");
    let sent: BTreeSet<String> =
        agent.truth().iter().map(|one| one["message"].as_str().unwrap().to_owned()).collect();
    let expected = [" caf\u{e9} \"x\"\n{{ no }}\u{2028}", "one", "two", "again"];
    assert_eq!(sent, expected.iter().map(ToString::to_string).collect());
    batch.verify();
    let health = fs::read(batch.directory().join("run.json")).unwrap();
    let health = &serde_json::from_slice::<Value>(&health).unwrap()["health"];
    assert!(health["descriptors"]["most"].as_u64().unwrap() > 0, "it watches itself: {health}");
    assert!(health["connections_opened"].as_u64().unwrap() >= 1, "{health}");
    let again = batch.run(&["-o", "answers.jsonl", "--order", "input"]);
    assert_eq!((again.code, agent.truth().len()), (0, 5), "{}", again.err);
    assert!(again.err.contains("nothing was sent"), "{}", again.err);
    let mut everything = Vec::new();
    read_everything(batch.folder.path(), &mut everything);
    everything.extend(ended.out.bytes().chain(ended.err.bytes()));
    assert!(memchr::memmem::find(&everything, KEY.as_bytes()).is_none(), "the key is nowhere");
}

#[test]
fn results_on_standard_output_come_there_alone() {
    let agent = Served::start(&["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "2"]);
    let batch = Batch::new(&agent.url, "{\"message\": \"one\"}\n{\"message\": \"two\"}\n");
    for requests in [2, 2] {
        let ended = batch.run(&["-o", "-"]);
        assert_eq!((ended.code, agent.truth().len()), (0, requests), "{}", ended.err);
        let lines: Vec<Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{}", ended.out);
        assert!(lines.iter().all(|line| line["status"] == "completed"));
    }
    assert!(!batch.path("-").exists(), "no file of that name");
    let refused = batch.run(&["-o", "-", "--events", "-", "--fresh"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("both want standard output"), "{}", refused.err);
    assert_eq!(agent.truth().len(), 2);
}

/// Kills the batch at several moments and lets it go on each time.
fn campaign(effects: &str) -> (Batch, Served, u64) {
    let agent = Served::start(&["--first-chunk", "8ms", "--gap", "1ms", "--chunks", "3"]);
    let batch = Batch::new(&agent.url, &rows(250));
    let arguments = ["-o", "answers.jsonl", "-c", "6", "--effects", effects];
    for kill in 0..8u64 {
        let mut child = batch.command(&arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + 37 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let ended = batch.run(&arguments);
    assert!(matches!(ended.code, 0 | 3), "{}", ended.err);
    let lines = batch.lines("answers.jsonl");
    let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (250, 250), "each id exactly once");
    batch.verify();
    let doubts = lines
        .iter()
        .flat_map(|line| line["attempts"].as_array().unwrap())
        .filter(|attempt| attempt["outcome"] == "in_doubt")
        .count();
    (batch, agent, doubts as u64)
}

#[test]
fn a_batch_killed_again_and_again_asks_every_row_and_repeats_only_what_is_in_doubt() {
    let (batch, agent, doubts) = campaign("at-least-once");
    let lines = batch.lines("answers.jsonl");
    assert!(lines.iter().all(|line| line["status"] == "completed"));
    let truth = agent.truth();
    assert!(truth.len() as u64 <= 250 + doubts, "{} requests, {doubts} in doubt", truth.len());
    let sessions: BTreeSet<&str> =
        truth.iter().map(|one| one["session_id"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), truth.len(), "never again into the same session");
    let samples = crate::support::rows(&batch.directory().join("samples.csv"));
    let last = samples.iter().filter(|row| row["retried"].is_empty()).count();
    assert_eq!(last, 250, "the samples of all legs");
}

#[test]
fn at_most_once_never_sends_a_row_twice() {
    let (batch, agent, _) = campaign("at-most-once");
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    for one in agent.truth() {
        *sent.entry(one["message"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(sent.values().all(|count| *count == 1), "{sent:?}");
    for line in batch.lines("answers.jsonl") {
        assert!(line["status"] == "completed" || line["status"] == "in_doubt", "{line}");
    }
}

#[test]
fn a_cut_journal_goes_on_and_a_damaged_one_is_refused_with_its_place() {
    let agent = Served::start(&["--first-chunk", "1ms", "--gap", "0ms", "--chunks", "2"]);
    let batch = Batch::new(&agent.url, &rows(6));
    assert_eq!(batch.run(&["-o", "answers.jsonl"]).code, 0);
    let path = batch.directory().join("journal");
    let whole = fs::read(&path).unwrap();
    for lost in [1, 13, whole.len() / 5, whole.len() / 2] {
        fs::write(&path, &whole[..whole.len() - lost]).unwrap();
        let ended = batch.run(&["-o", "answers.jsonl"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert_eq!(batch.lines("answers.jsonl").len(), 6);
        batch.verify();
    }
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle] ^= 0x20;
    fs::write(&path, &damaged).unwrap();
    let ended = batch.run(&["-o", "answers.jsonl"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("is damaged at byte "), "{}", ended.err);
    assert_eq!(fs::read(&path).unwrap(), damaged, "nothing has been changed");
}

#[test]
fn what_changed_is_named_and_a_second_process_is_refused() {
    let agent = Served::start(&["--first-chunk", "300ms", "--gap", "0ms", "--chunks", "2"]);
    let batch = Batch::new(&agent.url, &rows(40));
    let mut first = batch.command(&["-o", "answers.jsonl", "-c", "2"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(900));
    let second = batch.run(&["-o", "answers.jsonl", "-c", "2"]);
    assert_eq!(second.code, 2);
    assert!(second.err.contains("another process"), "{}", second.err);
    first.kill().unwrap();
    first.wait().unwrap();
    fs::write(batch.path("prompts.jsonl"), rows(41)).unwrap();
    let changed = batch.run(&["-o", "answers.jsonl", "-c", "2", "--map", "id=n"]);
    assert_eq!(changed.code, 2);
    for part in ["input: was 40 rows", "is 41 rows", "--map: was ``, is `id=n`", "--fresh"] {
        assert!(changed.err.contains(part), "{part}: {}", changed.err);
    }
    fs::write(batch.path("theirs.jsonl"), "precious\n").unwrap();
    let theirs = batch.run(&["-o", "theirs.jsonl"]);
    assert_eq!(theirs.code, 2, "{}", theirs.err);
    assert_eq!(fs::read_to_string(batch.path("theirs.jsonl")).unwrap(), "precious\n");
}

#[test]
fn rows_of_a_session_go_in_order_one_at_a_time() {
    let agent = Served::start(&["--first-chunk", "5ms", "--gap", "0ms", "--chunks", "2"]);
    let prompts: String = (0..30)
        .map(|n| format!("{{\"id\": {n}, \"message\": \"m{n}\", \"chat\": \"c{}\"}}\n", n % 3))
        .collect();
    let batch = Batch::new(&agent.url, &prompts);
    let ended = batch.run(&[
        "-o",
        "a.csv",
        "-c",
        "8",
        "--session-field",
        "chat",
        "--session-ids",
        "literal",
        "--order",
        "input",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    for one in agent.truth() {
        assert_eq!(one["in_session"], 0, "one at a time");
        let number: u32 = one["message"].as_str().unwrap()[1..].parse().unwrap();
        let session = one["session_id"].as_str().unwrap().to_owned();
        assert_eq!(session, format!("c{}", number % 3));
        assert!(last.insert(session, number).is_none_or(|before| before < number));
    }
    let rows = crate::support::rows(&batch.path("a.csv"));
    let order: Vec<&str> = rows.iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(order, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row["status"] == "completed" && !row["answer"].is_empty()));
    batch.verify();
    // An answer that was changed, a row that is gone, and a row that is there twice are seen.
    let text = fs::read_to_string(batch.path("a.csv")).unwrap();
    let (rest, last) = text.trim_end().rsplit_once('\n').unwrap();
    let twice = format!("{text}{last}\n");
    for other in [text.replacen(",completed,", ",failed,", 1), format!("{rest}\n"), twice] {
        fs::write(batch.path("a.csv"), other).unwrap();
        let directory = batch.directory();
        let output = command(&["batch", "verify", directory.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).contains("WRONG  "));
    }
}
