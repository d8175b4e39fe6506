//! The chunked transfer coding (RFC 9112, section 7.1), one read at a time.
//!
//! Nothing is gathered: a piece of data is handed out as the part of the read that it is, and what
//! lies between pieces is remembered in a few words. Strict where leniency would let two readers
//! see two messages: lines end with CRLF, sizes are hexadecimal and nothing else.

use std::ops::Range;

/// Most bytes of extensions, and of trailers, in one body.
const EXTRA: u32 = 16 << 10;

/// A decoder between two reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkedDecoder {
    state: State,
    /// Bytes of extensions and trailers so far.
    extra: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the digits of a size, of which there may be none yet.
    Size {
        size: u64,
        digits: bool,
    },
    /// White space after a size.
    Blank(u64),
    /// Behind the `;` of an extension.
    Extension(u64),
    /// Before the LF of a size line.
    SizeEnd(u64),
    /// So many bytes of data are still to come.
    Data(u64),
    /// Before the CR, and before the LF, behind the data.
    DataCr,
    DataLf,
    /// At the start of a trailer line, or of the empty line at the end.
    TrailerStart,
    /// In a trailer, and before its LF.
    Trailer,
    TrailerLf,
    /// Before the last LF.
    EndLf,
    Done,
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size: 0, digits: false }
    }
}

/// What a read holds next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Data, at these places of the bytes given.
    Data(Range<usize>),
    /// The body has ended; what follows is not part of it.
    End,
    /// Everything is taken, and more has to come.
    More,
}

/// Bytes that are not what the coding allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not a hexadecimal digit.
    #[error("the size of an HTTP chunk is not a number")]
    Size,
    /// More than 2⁶⁴ bytes.
    #[error("the size of an HTTP chunk is too large")]
    TooLarge,
    /// A line that does not end with CRLF.
    #[error("a line of the chunked coding does not end with CRLF")]
    Line,
    /// Data that is longer than its size says.
    #[error("an HTTP chunk is longer than its size says")]
    Overlong,
    /// Too many bytes that are no data.
    #[error("the extensions or trailers of the chunked coding are longer than 16 KiB")]
    Extra,
}

impl ChunkedDecoder {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes up to and with the next piece: how many, and what it is. Call it again with the
    /// rest until it wants more.
    ///
    /// # Errors
    /// The bytes are not what the coding allows; the connection is of no more use.
    pub fn next(&mut self, bytes: &[u8]) -> Result<(usize, Piece), Malformed> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let State::Data(left) = self.state {
                let here = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - here as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                return Ok((at + here, Piece::Data(at..at + here)));
            }
            if self.state == State::Done {
                return Ok((at, Piece::End));
            }
            at += 1;
            self.state = self.step(byte)?;
            if self.state == State::Done {
                return Ok((at, Piece::End));
            }
        }
        Ok((at, Piece::More))
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        Ok(match (self.state, byte) {
            (State::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    _ => (byte | 0x20) - b'a' + 10,
                };
                if size >> 60 != 0 {
                    return Err(Malformed::TooLarge);
                }
                State::Size { size: size << 4 | u64::from(digit), digits: true }
            }
            (State::Size { digits: false, .. }, _) => return Err(Malformed::Size),
            (State::Size { size, .. } | State::Blank(size), b'\r') => State::SizeEnd(size),
            (State::Size { size, .. } | State::Blank(size), b'\t' | b' ') => {
                self.extra(1)?;
                State::Blank(size)
            }
            (State::Size { size, .. } | State::Blank(size), b';') => State::Extension(size),
            (State::Size { .. } | State::Blank(_), _) => return Err(Malformed::Size),
            (State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Extension(_), b'\n') => return Err(Malformed::Line),
            (State::Extension(size), _) => {
                self.extra(1)?;
                State::Extension(size)
            }
            (State::SizeEnd(0), b'\n') => State::TrailerStart,
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataCr, _) => return Err(Malformed::Overlong),
            (State::DataLf, b'\n') => State::default(),
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerStart | State::Trailer, b'\n') => return Err(Malformed::Line),
            (State::TrailerStart | State::Trailer, _) => {
                self.extra(1)?;
                State::Trailer
            }
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            (State::SizeEnd(_) | State::DataLf | State::TrailerLf | State::EndLf, _) => {
                return Err(Malformed::Line);
            }
            // Both are dealt with before a byte is looked at.
            (State::Data(_) | State::Done, _) => self.state,
        })
    }

    fn extra(&mut self, bytes: u32) -> Result<(), Malformed> {
        self.extra += bytes;
        if self.extra > EXTRA { Err(Malformed::Extra) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that reads of these bytes give: the data, how long each piece is, how it ended.
    fn decode(reads: &[&[u8]]) -> (Vec<u8>, Vec<usize>, Result<bool, Malformed>) {
        let (mut data, mut pieces) = (Vec::new(), Vec::new());
        let mut decoder = ChunkedDecoder::new();
        for read in reads {
            let mut rest = *read;
            loop {
                match decoder.next(rest) {
                    Err(error) => return (data, pieces, Err(error)),
                    Ok((_, Piece::End)) => return (data, pieces, Ok(true)),
                    Ok((taken, Piece::More)) => {
                        assert_eq!(taken, rest.len());
                        break;
                    }
                    Ok((taken, Piece::Data(place))) => {
                        assert!(!place.is_empty() && place.end == taken);
                        data.extend_from_slice(&rest[place.clone()]);
                        pieces.push(place.len());
                        rest = &rest[taken..];
                    }
                }
            }
        }
        (data, pieces, Ok(decoder.is_done()))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_told_apart() {
        let body =
            b"5;a=\"b\"\r\nhello\r\n1 ;x\r\n \r\n0A\r\n0123456789\r\n0\r\nx: y\r\n\r\nHTTP/1.1";
        let (data, pieces, end) = decode(&[body]);
        assert_eq!((data.as_slice(), end), (&b"hello 0123456789"[..], Ok(true)));
        assert_eq!(pieces, [5, 1, 10]);
        // What follows is not taken.
        let mut decoder = ChunkedDecoder::new();
        let (taken, piece) = decoder.next(b"0\r\n\r\nHTTP").unwrap();
        assert_eq!((taken, piece), (5, Piece::End));
        assert_eq!(decoder.next(b"HTTP").unwrap(), (0, Piece::End));
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for (body, why) in [
            (&b"\r\n"[..], Malformed::Size),
            (b"x\r\n", Malformed::Size),
            (b"-5\r\n", Malformed::Size),
            (b"0x5\r\n", Malformed::Size),
            (b"5\nhello", Malformed::Size),
            (b"5\r\r", Malformed::Line),
            (b"5;a\nhello", Malformed::Line),
            (b"5\r\nhello!\r\n", Malformed::Overlong),
            (b"5\r\nhello\rx", Malformed::Line),
            (b"10000000000000000\r\n", Malformed::TooLarge),
            (b"0\r\nx: y\n", Malformed::Line),
            (b"0\r\n\n", Malformed::Line),
            (b"0\r\n\rx", Malformed::Line),
        ] {
            assert_eq!(decode(&[body]).2, Err(why), "{:?}", String::from_utf8_lossy(body));
        }
        let long = [&b"5;"[..], &vec![b'a'; EXTRA as usize + 1]].concat();
        assert_eq!(decode(&[&long]).2, Err(Malformed::Extra));
        let long = [&b"0\r\na: "[..], &vec![b'a'; EXTRA as usize + 1]].concat();
        assert_eq!(decode(&[&long]).2, Err(Malformed::Extra));
    }

    proptest! {
        /// Every chunk comes out whole from one read, and the same bytes from any others.
        #[test]
        fn any_split_gives_the_same_body(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            trailer in any::<bool>(), cuts in proptest::collection::vec(0usize..300, 0..6),
        ) {
            let mut body = Vec::new();
            for (index, chunk) in chunks.iter().enumerate() {
                let extension = if index % 2 == 1 { ";n=1" } else { "" };
                body.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(if trailer { b"0\r\na: b\r\nc: d\r\n\r\n" } else { b"0\r\n\r\n" });
            let whole: Vec<u8> = chunks.concat();
            let (data, pieces, end) = decode(&[&body]);
            prop_assert_eq!((&data, end), (&whole, Ok(true)));
            prop_assert_eq!(pieces, chunks.iter().map(Vec::len).collect::<Vec<_>>());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
            let (data, _, end) = decode(&reads);
            prop_assert_eq!((&data, end), (&whole, Ok(true)));
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            let (data, _, end) = decode(&bytes);
            prop_assert_eq!((&data, end), (&whole, Ok(true)));
            // A body that is cut anywhere before its end has not ended.
            for cut in 0..body.len() {
                prop_assert_eq!(decode(&[&body[..cut]]).2, Ok(false));
            }
        }

        #[test]
        fn no_bytes_at_all_make_it_panic_or_differ_by_their_split(
            bytes in proptest::collection::vec(prop_oneof![
                any::<u8>(), Just(b'0'), Just(b'1'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b'f'),
            ], 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(bytes.len());
            let (data, _, end) = decode(&[&bytes]);
            let (split, _, split_end) = decode(&[&bytes[..cut], &bytes[cut..]]);
            prop_assert_eq!(data, split);
            prop_assert_eq!(end, split_end);
        }
    }
}
