//! Streams that real services sent. The recordings are not part of the project; what they hold is:
//! `tests/fixtures/recorded/golden.json` has counts, lengths and digests of each, and no text. It was made
//! without our decoder, by the `golden.py` beside it: with httpx-sse 0.4.3, which had to agree with the rules
//! of the HTML standard written down there, and with the JSON of the events added up in Python.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Event, dialect, events, finished, oracle, read_reply, splits_agree};

#[derive(Deserialize)]
struct Golden {
    file: String,
    bytes: usize,
    sha256: String,
    events: usize,
    kinds: BTreeMap<String, usize>,
    listing_sha256: String,
    /// Nothing where the stream is not that of a chat completion: then it has to be refused.
    chat: Option<Chat>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Chat {
    text_bytes: usize,
    text_sha256: String,
    chunks: u64,
    tool_calls: u64,
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
    tokens_reasoning: Option<u64>,
}

fn table() -> Vec<Golden> {
    serde_json::from_str(include_str!("../../fixtures/recorded/golden.json")).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The name the standard gives an event that has none.
fn kind(event: &Event) -> &str {
    if event.kind.is_empty() { "message" } else { &event.kind }
}

fn listing_sha256(events: &[Event]) -> String {
    let lines = events.iter().map(|event| {
        let (kind, data) = (kind(event), &event.data);
        format!("{}:{kind} {}:{data}\n", kind.len(), data.len())
    });
    sha256(lines.collect::<String>().as_bytes())
}

/// The recordings in `folder`, each with its line of the table; or a sentence for each that is missing,
/// changed or unknown.
fn recordings(folder: &Path) -> Result<Vec<(Golden, Vec<u8>)>, String> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for golden in table() {
        let path = folder.join(&golden.file);
        match std::fs::read(&path) {
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
            Ok(whole) if sha256(&whole) == golden.sha256 => found.push((golden, whole)),
            Ok(whole) => wrong.push(format!(
                "{}: changed: {} bytes with SHA-256 {}, but golden.json was made from {} bytes with {}",
                path.display(),
                whole.len(),
                sha256(&whole),
                golden.bytes,
                golden.sha256
            )),
        }
    }
    let known: Vec<String> = table().into_iter().map(|golden| golden.file).collect();
    for (path, _) in super::streams_in(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !known.iter().any(|file| file == name) {
            wrong.push(format!("{}: not in golden.json; golden.py adds it", path.display()));
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong.join("\n")) }
}

/// Run by hand: `STREAMGAUGE_SSE=folder cargo test --test it event_streams -- --ignored`.
#[test]
#[ignore = "reads a folder that is not part of the project"]
#[expect(clippy::disallowed_methods, reason = "the variable that names the folder")]
#[expect(clippy::print_stdout, reason = "a look by hand")]
fn recorded_streams_hold_what_the_table_says_wherever_they_are_cut() {
    let folder = std::env::var("STREAMGAUGE_SSE")
        .expect("STREAMGAUGE_SSE has to name the folder with the recorded streams");
    let recordings = recordings(Path::new(&folder)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut positions = 0;
    for (golden, whole) in &recordings {
        let name = golden.file.as_str();
        let seen = events(&[whole]);
        let mut kinds = BTreeMap::new();
        for event in &seen {
            *kinds.entry(kind(event).to_owned()).or_default() += 1;
        }
        assert_eq!((seen.len(), &kinds), (golden.events, &golden.kinds), "{name}");
        assert_eq!(
            listing_sha256(&seen),
            golden.listing_sha256,
            "{name}: the listing of the events"
        );
        assert_eq!(finished(seen), oracle(&[whole]), "{name}: what sse-stream sees");

        let (reply, end) = read_reply(dialect("openai"), &[whole]);
        let tokens = reply.tokens();
        let chat = Chat {
            text_bytes: reply.text().len(),
            text_sha256: sha256(reply.text().as_bytes()),
            chunks: reply.chunks(),
            tool_calls: reply.tool_calls(),
            tokens_in: tokens.input,
            tokens_out: tokens.output,
            tokens_reasoning: tokens.reasoning,
        };
        let end = end.map_err(|breach| breach.failure.word());
        match &golden.chat {
            Some(expected) => assert_eq!((&chat, end), (expected, Ok(())), "{name}"),
            None => assert_eq!((chat.chunks, end), (0, Err("protocol")), "{name}"),
        }
        // And the same for every cut, byte by byte too.
        splits_agree(name, whole);
        positions += whole.len() + 1;
        println!("{name}: {} events, {} bytes", golden.events, whole.len());
    }
    println!("{} streams, {positions} positions", recordings.len());
}

#[test]
fn a_recorded_stream_that_is_missing_changed_or_unknown_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = recordings(folder.path()).err().unwrap();
    let count = table().len();
    assert_eq!((count, missing.lines().count()), (12, count), "{missing}");
    for (line, golden) in missing.lines().zip(table()) {
        assert!(line.contains(&golden.file) && line.contains("No such file"), "{line}");
    }

    std::fs::write(folder.path().join(&table()[3].file), "data: another\n\n").unwrap();
    std::fs::write(folder.path().join("new.sse"), "data: a\n\n").unwrap();
    let wrong = recordings(folder.path()).err().unwrap();
    let changed = wrong.lines().nth(3).unwrap();
    assert!(
        changed.contains(&table()[3].file) && changed.contains("changed: 15 bytes"),
        "{changed}"
    );
    assert!(wrong.ends_with("new.sse: not in golden.json; golden.py adds it"), "{wrong}");
}
