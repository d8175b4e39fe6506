//! Where a body ends.

use super::chunked::{ChunkedDecoder, Malformed, Piece};

/// How the end of a body is known, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, or nothing more of it.
    Empty,
    /// So many bytes are still to come.
    Length(u64),
    /// It says so itself.
    Chunked(ChunkedDecoder),
    /// When the connection ends.
    UntilClose,
}

impl Framing {
    /// Takes bytes up to and with the next piece, as [`ChunkedDecoder::next`].
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<(usize, Piece), Malformed> {
        match self {
            Self::Empty => Ok((0, Piece::End)),
            Self::Chunked(decoder) => decoder.next(bytes),
            _ if bytes.is_empty() => Ok((0, Piece::More)),
            Self::UntilClose => Ok((bytes.len(), Piece::Data(0..bytes.len()))),
            Self::Length(left) => {
                let here = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::Empty;
                }
                Ok((here, Piece::Data(0..here)))
            }
        }
    }

    /// Whether the end of the connection is the end of the body.
    pub(super) fn ends_with_connection(&self) -> bool {
        matches!(self, Self::UntilClose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_counted_down_over_reads_and_takes_no_byte_more() {
        let mut framing = Framing::Length(5);
        assert_eq!(framing.next(b"ab"), Ok((2, Piece::Data(0..2))));
        assert_eq!(framing.next(b""), Ok((0, Piece::More)));
        assert_eq!(framing.next(b"cdeHTTP"), Ok((3, Piece::Data(0..3))));
        assert_eq!(framing.next(b"HTTP"), Ok((0, Piece::End)));
        assert!(Framing::UntilClose.ends_with_connection());
    }
}
