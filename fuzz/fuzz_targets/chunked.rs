//! Any bytes in any two reads: the same body as in one, or the same refusal, and no byte taken twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamgauge::client::wire::chunked::{ChunkedDecoder, Malformed, Piece};

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

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let whole = body(&[bytes]);
    assert!(whole.0.len() <= bytes.len() && whole.1 <= bytes.len());
    assert_eq!(whole, body(&[first, second]));
});
