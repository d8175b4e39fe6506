//! Event streams byte by byte: whatever the reads, the events are the same; they are those that
//! another decoder sees, and those that stand beside each fixture.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use proptest::prelude::*;
use streamgauge::protocol::{Breach, Dialect, Reply, SseDecoder, SseEvent};
use streamgauge::scenario::{Framing, Protocol};
use streamgauge::units::Offset;

mod recorded;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    kind: String,
    data: String,
    unfinished: bool,
}

fn events(reads: &[&[u8]]) -> Vec<Event> {
    let mut seen = Vec::new();
    let mut decoder = SseDecoder::new(SseDecoder::DEFAULT_LIMIT);
    let mut note = |event: SseEvent<'_>| {
        seen.push(Event {
            kind: String::from_utf8_lossy(event.kind).into_owned(),
            data: String::from_utf8_lossy(event.data).into_owned(),
            unfinished: event.unfinished,
        });
    };
    for read in reads {
        decoder.feed(read, Offset::ZERO, &mut note).unwrap();
    }
    decoder.end(Offset::ZERO, &mut note).unwrap();
    seen
}

/// What the crate `sse-stream` sees: it drops the block a stream breaks off in, and gives up at
/// bytes that are not UTF-8.
fn oracle(reads: &[&[u8]]) -> Vec<Event> {
    let reads: Vec<_> =
        reads.iter().map(|read| Ok::<_, std::io::Error>(Bytes::copy_from_slice(read))).collect();
    let decoder = sse_stream::SseByteStream::new(stream::iter(reads));
    let all = decoder.collect::<Vec<_>>().now_or_never().unwrap();
    all.into_iter()
        .map_while(Result::ok)
        .filter_map(|event| {
            let kind = event.event.unwrap_or_default();
            Some(Event { kind, data: event.data?, unfinished: false })
        })
        .collect()
}

fn finished(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|event| !event.unfinished);
    events
}

/// What a dialect makes of a stream.
fn read_reply(dialect: Dialect, reads: &[&[u8]]) -> (Reply, Result<(), Breach>) {
    let mut reply = Reply::default();
    reply.clear(true, false);
    let mut decoder = dialect.decoder();
    let mut end = Ok(());
    for read in reads {
        end = end.and_then(|()| decoder.feed(read, Offset::ZERO, &mut reply));
    }
    let end = end.and_then(|()| decoder.end(Offset::ZERO, &mut reply));
    (reply, end)
}

/// The same in words: its text, its figures, its end.
fn reading(dialect: Dialect, reads: &[&[u8]]) -> String {
    let (reply, end) = read_reply(dialect, reads);
    let mut said = String::new();
    let tokens = reply.tokens();
    let _ = writeln!(said, "text {:?}", reply.text());
    let _ = writeln!(said, "chunks {}", reply.chunks());
    let _ = writeln!(said, "reasoning {}", reply.first_reasoning().is_some());
    let _ = writeln!(said, "tool calls {}", reply.tool_calls());
    let _ = writeln!(said, "tokens {:?} {:?} {:?}", tokens.input, tokens.output, tokens.reasoning);
    let _ = match end {
        Ok(()) => writeln!(said, "completed"),
        Err(breach) => writeln!(said, "{}: {}", breach.failure.word(), breach.message),
    };
    said
}

fn dialect(name: &str) -> Dialect {
    let protocol = match name {
        name if name.starts_with("lyzr-v2") => Protocol::LyzrV2,
        name if name.starts_with("lyzr-v3") => Protocol::LyzrV3,
        _ => Protocol::OpenAi,
    };
    Dialect::new(protocol, Framing::Auto)
}

fn streams_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .collect();
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    streams_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sse"))
}

/// Every cut into two reads, and every byte on its own: the same events, the same reading.
fn splits_agree(name: &str, whole: &[u8]) -> usize {
    let expected = (events(&[whole]), reading(dialect(name), &[whole]));
    for cut in 0..=whole.len() {
        let (first, second) = whole.split_at(cut);
        let seen = (events(&[first, second]), reading(dialect(name), &[first, second]));
        assert_eq!(seen, expected, "{name} cut at byte {cut}");
    }
    let single: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!((events(&single), reading(dialect(name), &single)), expected, "{name} in bytes");
    expected.0.len()
}

#[test]
fn a_fixture_cut_anywhere_reads_the_same() {
    for (path, whole) in fixtures() {
        splits_agree(path.file_name().unwrap().to_str().unwrap(), &whole);
    }
}

#[test]
fn a_fixture_reads_as_it_says_beside_it() {
    let mut wrong = Vec::new();
    for (path, whole) in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut seen = reading(dialect(name), &[&whole]);
        for Event { kind, data, unfinished } in events(&[&whole]) {
            let unfinished = if unfinished { " unfinished" } else { "" };
            let _ = writeln!(seen, "event {kind:?} {data:?}{unfinished}");
        }
        let golden = path.with_extension("golden");
        if std::fs::read_to_string(&golden).ok().as_ref() != Some(&seen) {
            wrong.push(format!("{} should be:\n{seen}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn another_decoder_sees_the_same_events_in_the_fixtures() {
    for (path, whole) in fixtures() {
        // That decoder ends at a byte that is not UTF-8; ours goes on and flags it.
        if std::str::from_utf8(&whole).is_ok() {
            assert_eq!(finished(events(&[&whole])), oracle(&[&whole]), "{}", path.display());
        }
    }
}

/// Pieces that streams are made of, and some that they are not.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let common = prop::sample::select(vec!["data: a", "\n", "\n\n", "data:", "\r\n", "\r"]);
    let rare = prop::sample::select(vec![
        "data", "data:  b", "event: x", "event", ": c", ":", "é", "\u{2028}", " ", "id: 1",
        "retry: 5", "foo: bar", "DATA: x", "data : x", "[DONE]", "\0",
    ]);
    let piece = prop_oneof![common, rare];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn another_decoder_sees_the_same_events(
        bom in any::<bool>(),
        stream in any_stream(),
        cuts in proptest::collection::vec(0usize..200, 0..8),
    ) {
        let whole = if bom { [b"\xef\xbb\xbf".as_slice(), &stream].concat() } else { stream };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let reads: Vec<&[u8]> = cuts.windows(2).map(|two| &whole[two[0]..two[1]]).collect();
        prop_assert_eq!(finished(events(&reads)), oracle(&[&whole]));
    }

    #[test]
    fn no_bytes_bring_a_decoder_down(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0usize..300,
    ) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        for name in ["lyzr-v2", "lyzr-v3", "openai"] {
            // In plain text a chunk is what a read brought: their number is not the stream's own.
            let read = |reads: &[&[u8]]| {
                let said = reading(dialect(name), reads);
                said.lines().filter(|line| !line.starts_with("chunks")).collect::<Vec<_>>().join("\n")
            };
            prop_assert_eq!(read(&[&bytes]), read(&[first, second]));
        }
    }
}
