//! Any bytes as the reply of any protocol: the same text and the same verdict in one read or two.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::protocol::{Dialect, Reply};
use streamgauge::scenario::Framing;
use streamgauge::units::Offset;

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

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (which, cut, bytes) = input;
    let dialect = DIALECTS[usize::from(which) % DIALECTS.len()];
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(reading(dialect, &[bytes]), reading(dialect, &[first, second]));
});
