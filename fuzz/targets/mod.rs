//! What is fuzzed, as plain functions: libFuzzer's targets call them, and so does a short form in the
//! project's own tests.

use std::path::Path;

use streamgauge::client::wire::chunked::{ChunkedDecoder, Malformed, Piece};
use streamgauge::plan::{Plan, Shard};
use streamgauge::protocol::{Dialect, Reply, SseDecoder, SseEvent};
use streamgauge::scenario::{Framing, Imagined, Overrides, read};
use streamgauge::units::Offset;

const LIMIT: usize = 1 << 12;

type Seen = Vec<(Vec<u8>, Vec<u8>, bool)>;

fn events(reads: &[&[u8]]) -> (Seen, bool) {
    let mut seen = Vec::new();
    let mut decoder = SseDecoder::new(LIMIT);
    let mut note = |event: SseEvent<'_>| {
        assert!(event.data.len() <= 2 * LIMIT);
        seen.push((event.kind.to_vec(), event.data.to_vec(), event.unfinished));
    };
    let fed = reads.iter().try_for_each(|read| decoder.feed(read, Offset::ZERO, &mut note));
    let ended = fed.and_then(|()| decoder.end(Offset::ZERO, &mut note));
    (seen, ended.is_ok())
}

/// Any bytes in any two reads: the same events as in one, and no event above the limit.
pub(crate) fn sse(cut: u16, bytes: &[u8]) {
    let (first, second) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
    assert_eq!(events(&[bytes]), events(&[first, second]));
}

const DIALECTS: [Dialect; 6] = [
    Dialect::LyzrV2(Framing::Auto),
    Dialect::LyzrV2(Framing::Raw),
    Dialect::LyzrV2(Framing::Sse),
    Dialect::LyzrV2(Framing::Json),
    Dialect::LyzrV3,
    Dialect::OpenAi,
];

fn reading(dialect: Dialect, reads: &[&[u8]]) -> (String, u64, String) {
    let mut reply = Reply::default();
    reply.clear(true, true);
    let mut decoder = dialect.decoder();
    let fed = reads.iter().try_for_each(|read| decoder.feed(read, Offset::ZERO, &mut reply));
    let ended = fed.and_then(|()| decoder.end(Offset::ZERO, &mut reply));
    (reply.text().to_owned(), reply.tool_calls(), format!("{ended:?}"))
}

/// Any bytes as the reply of any protocol: the same text and the same verdict in one read or two.
pub(crate) fn reply(which: u8, cut: u16, bytes: &[u8]) {
    let dialect = DIALECTS[usize::from(which) % DIALECTS.len()];
    let (first, second) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
    assert_eq!(reading(dialect, &[bytes]), reading(dialect, &[first, second]));
}

fn body(reads: &[&[u8]]) -> (Vec<u8>, usize, Result<bool, Malformed>) {
    let (mut data, mut taken) = (Vec::new(), 0);
    let mut decoder = ChunkedDecoder::new();
    for read in reads {
        let mut rest = *read;
        loop {
            let (count, piece) = match decoder.next(rest) {
                Ok(next) => next,
                Err(error) => return (data, 0, Err(error)),
            };
            taken += count;
            match piece {
                Piece::End => return (data, taken, Ok(true)),
                Piece::More => break,
                Piece::Data(place) => data.extend_from_slice(&rest[place]),
            }
            rest = &rest[count..];
        }
    }
    (data, taken, Ok(decoder.is_done()))
}

/// Any bytes in any two reads: the same body as in one, or the same refusal, and no byte taken twice.
pub(crate) fn chunked(cut: u16, bytes: &[u8]) {
    let (first, second) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
    let whole = body(&[bytes]);
    assert!(whole.0.len() <= bytes.len() && whole.1 <= bytes.len());
    assert_eq!(whole, body(&[first, second]));
}

/// Any text as a scenario file: read or refused with sentences, never a panic; what is read can be
/// resolved, hashed and planned.
pub(crate) fn scenario(text: &str) {
    let world = Imagined::new().with_file("rows.csv", "message,id\nhello,1\n");
    match read("fuzz.yaml", text, Path::new(""), &Overrides::default(), &world) {
        Ok(scenarios) => {
            let _ = (scenarios.resolved(), scenarios.fingerprint());
            for plan in Plan::together(scenarios, 0) {
                if let Some(session) = plan.session(0, 0) {
                    let _ = session.text(1, "session", None);
                }
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

const TRACE_FILES: [&str; 3] = ["trace.jsonl", "trace.csv", "trace.json"];

/// Any bytes as a trace: read or refused with sentences; what is read arrives in order, from nought on.
pub(crate) fn trace(which: u8, bytes: &[u8]) {
    let file = TRACE_FILES[usize::from(which) % TRACE_FILES.len()];
    let text = format!(
        "target: {{ url: embedded }}\nsessions: [{{ messages: [a] }}]\n\
         load: {{ replay: {{ from: {file}, speed: 2 }} }}\n"
    );
    let world = Imagined::new().with_file(file, bytes);
    match read("fuzz.yaml", &text, Path::new(""), &Overrides::default(), &world) {
        Ok(scenarios) => {
            for plan in Plan::together(scenarios, 0) {
                let mut before = Offset::ZERO;
                let mut count = 0;
                for (_, due) in plan.arrivals(Shard::WHOLE) {
                    assert!(due >= before, "arrivals are in order");
                    (before, count) = (due, count + 1);
                }
                assert_eq!(Some(count), plan.session_count());
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}
