//! Plain text as it comes: every read that carries text is a chunk.

use super::{Breach, Reply};
use crate::sample::Failure;
use crate::units::Offset;

/// Decodes UTF-8 incrementally; a character may be split over reads.
#[derive(Debug, Default)]
pub(super) struct TextDecoder {
    /// The first bytes of a character whose rest has not come yet.
    partial: Vec<u8>,
    /// Bytes decoded before `partial`.
    offset: u64,
    /// Where the first byte stood that is not UTF-8.
    invalid: Option<u64>,
}

impl TextDecoder {
    pub(super) fn feed(&mut self, bytes: &[u8], at: Offset, reply: &mut Reply) {
        if self.partial.is_empty() {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.offset += bytes.len() as u64;
                    reply.chunk(at, text);
                }
                Err(_) => self.feed_slowly(bytes, at, reply),
            }
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            self.feed_slowly(&joined, at, reply);
        }
    }

    /// One chunk for the whole read, with what is not UTF-8 replaced and its place remembered.
    fn feed_slowly(&mut self, bytes: &[u8], at: Offset, reply: &mut Reply) {
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        let mut seen = 0;
        while let Some(part) = chunks.next() {
            text.push_str(part.valid());
            seen += part.valid().len();
            let bad = part.invalid();
            if bad.is_empty() {
                continue;
            }
            if chunks.peek().is_none() && may_continue(bad) {
                self.partial = bad.to_vec();
            } else {
                self.invalid.get_or_insert(self.offset + seen as u64);
                text.push(char::REPLACEMENT_CHARACTER);
                seen += bad.len();
            }
        }
        self.offset += seen as u64;
        reply.chunk(at, &text);
    }

    pub(super) fn end(&self) -> Result<(), Breach> {
        if let Some(at) = self.invalid {
            return Err(Breach::new(
                Failure::Protocol,
                format!("the reply is not UTF-8 (byte {at} of the body)"),
            ));
        }
        if !self.partial.is_empty() {
            return Err(Breach::new(
                Failure::Truncated,
                "the reply ends in the middle of a character",
            ));
        }
        Ok(())
    }
}

/// Whether more bytes could still make this a character.
fn may_continue(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(reads: &[&[u8]]) -> (String, u64, Result<(), Breach>) {
        let mut reply = Reply::default();
        reply.clear(true, false);
        let mut decoder = TextDecoder::default();
        for (i, read) in reads.iter().enumerate() {
            decoder.feed(read, Offset::from_nanos(i as u64 + 1), &mut reply);
        }
        (reply.text().to_owned(), reply.chunks(), decoder.end())
    }

    #[test]
    fn a_character_split_over_reads_is_whole_again() {
        let (text, chunks, end) = decode(&[b"caf\xc3", b"\xa9 \xf0\x9f", b"\x98", b"\x80!"]);
        // The third read completes nothing, so it is no chunk.
        assert_eq!((text.as_str(), chunks, end), ("café 😀!", 3, Ok(())));
    }

    #[test]
    fn what_is_not_utf8_is_told_from_what_is_cut() {
        let (text, _, end) = decode(&[b"ab", b"\xff\xfec"]);
        assert_eq!(text, "ab\u{fffd}\u{fffd}c");
        let breach = end.unwrap_err();
        assert_eq!(breach.failure, Failure::Protocol);
        assert!(breach.message.contains("byte 2"), "{}", breach.message);
        assert_eq!(decode(&[b"caf\xc3"]).2.unwrap_err().failure, Failure::Truncated);
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_text(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'a'), Just(0xc3), Just(0xa9), Just(0xe2), Just(0x82)], 0..40),
            cut in 0usize..40, cut2 in 0usize..40,
        ) {
            let (low, high) = (cut.min(cut2).min(bytes.len()), cut.max(cut2).min(bytes.len()));
            let (whole, _, end) = decode(&[&bytes]);
            let (split, _, split_end) = decode(&[&bytes[..low], &bytes[low..high], &bytes[high..]]);
            prop_assert_eq!(&whole, &split);
            prop_assert_eq!(end, split_end);
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(text, whole);
            }
        }
    }
}
