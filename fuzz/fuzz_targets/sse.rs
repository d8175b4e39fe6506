//! Any bytes in any two reads: the same events as in one, and no event above the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::protocol::{SseDecoder, SseEvent};
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

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(events(&[bytes]), events(&[first, second]));
});
