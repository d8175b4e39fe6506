//! The format: a heading, then frames. A frame is a mark, the length of its payload, a checksum and
//! the payload; the checksum also covers the frame's number, so that no frame can be taken for
//! another one.
//!
//! A frame that is cut, or whose bytes are wrong, with nothing good behind it is the torn tail of a
//! write that was interrupted. With a good frame behind it, it is damage: what was there is lost.

use std::io::{self, Read};

/// What every journal begins with.
pub const HEADING: &[u8] = b"streamgauge journal 1\n";

/// The beginning of each frame: not UTF-8, so it never stands in a payload of JSON.
const MARK: [u8; 4] = [0xf5, b'S', b'G', b'\n'];

/// Mark, length, checksum.
const HEAD: usize = 12;

/// A longer payload is never written, and a longer length is never believed.
pub const LONGEST: usize = 64 << 20;

/// Appends the frame numbered `number` (from 0) to `out`.
pub fn write(out: &mut Vec<u8>, number: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(number, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

/// Bytes that a payload of this length takes.
pub fn size(payload: usize) -> u64 {
    (HEAD + payload) as u64
}

/// What stands in a journal next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A good frame.
    Frame {
        /// Where it begins.
        offset: u64,
        /// What it holds.
        payload: Vec<u8>,
    },
    /// Nothing more.
    End,
    /// The rest, from `offset` on, was never wholly written.
    Torn {
        /// Where the last good frame ends.
        offset: u64,
    },
    /// A good frame stands behind bad bytes.
    Damaged {
        /// Where the bad bytes begin.
        offset: u64,
    },
    /// It does not begin as a journal does.
    Foreign,
}

/// Reads the frames of a journal in order. After anything but a frame, nothing more is to be read.
#[derive(Debug)]
pub struct Frames<R> {
    input: R,
    /// Read and not yet used.
    buffer: Vec<u8>,
    /// Where `buffer` begins in the journal.
    offset: u64,
    number: u64,
    begun: bool,
}

impl<R: Read> Frames<R> {
    /// Reads from the beginning of `input`.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), offset: 0, number: 0, begun: false }
    }

    /// The number the next frame would have.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What comes next.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn advance(&mut self) -> io::Result<Found> {
        if !self.begun {
            self.fill(HEADING.len())?;
            if !self.buffer.starts_with(HEADING) {
                return Ok(match HEADING.starts_with(&self.buffer) {
                    true => Found::Torn { offset: 0 },
                    false => Found::Foreign,
                });
            }
            self.take(HEADING.len());
            self.begun = true;
        }
        self.fill(HEAD)?;
        if self.buffer.is_empty() {
            return Ok(Found::End);
        }
        let offset = self.offset;
        if let Some(length) = self.length(0)
            && self.fill(HEAD + length)?
            && let Some(payload) = self.payload(0, length, self.number)
        {
            let payload = payload.to_vec();
            self.take(HEAD + length);
            self.number += 1;
            return Ok(Found::Frame { offset, payload });
        }
        Ok(if self.good_later()? { Found::Damaged { offset } } else { Found::Torn { offset } })
    }

    /// Whether a good frame of a higher number stands anywhere behind the bad one.
    fn good_later(&mut self) -> io::Result<bool> {
        // A frame is known by its number, and how many are lost is not known; the bad bytes hold
        // at most one frame for each head they have room for.
        self.input.read_to_end(&mut self.buffer)?;
        let marks: Vec<usize> =
            memchr::memmem::find_iter(&self.buffer, &MARK).filter(|at| *at > 0).collect();
        for at in marks {
            let Some(length) = self.length(at) else { continue };
            let most = self.number + 1 + (at / HEAD) as u64;
            if self.buffer.len() >= at + HEAD + length
                && (self.number + 1..=most).any(|one| self.payload(at, length, one).is_some())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The length a frame at `at` says it has, if one begins there.
    fn length(&self, at: usize) -> Option<usize> {
        let head = self.buffer.get(at..at + HEAD)?;
        let (mark, rest) = head.split_at(MARK.len());
        let length = u32::from_le_bytes(rest[..4].try_into().ok()?) as usize;
        (mark == MARK && length <= LONGEST).then_some(length)
    }

    fn payload(&self, at: usize, length: usize, number: u64) -> Option<&[u8]> {
        let sum = u32::from_le_bytes(self.buffer.get(at + 8..at + HEAD)?.try_into().ok()?);
        let payload = self.buffer.get(at + HEAD..at + HEAD + length)?;
        (checksum(number, payload) == sum).then_some(payload)
    }

    /// Reads on until `count` bytes are there; `false` if there are fewer.
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        let missing = count.saturating_sub(self.buffer.len()) as u64;
        if missing > 0 {
            (&mut self.input).take(missing).read_to_end(&mut self.buffer)?;
        }
        Ok(self.buffer.len() >= count)
    }

    fn take(&mut self, count: usize) {
        self.buffer.drain(..count);
        self.offset += count as u64;
    }
}

/// CRC-32C (Castagnoli) over the frame's number and its payload.
fn checksum(number: u64, payload: &[u8]) -> u32 {
    !payload.iter().fold(
        number.to_le_bytes().iter().fold(u32::MAX, |sum, byte| step(sum, *byte)),
        |sum, byte| step(sum, *byte),
    )
}

fn step(sum: u32, byte: u8) -> u32 {
    (sum >> 8) ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)]
}

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut sum = index as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn journal(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<u64>) {
        let mut bytes = HEADING.to_vec();
        let mut ends = vec![bytes.len() as u64];
        for (number, payload) in payloads.iter().enumerate() {
            write(&mut bytes, number as u64, payload);
            ends.push(bytes.len() as u64);
        }
        (bytes, ends)
    }

    /// The payloads that can be read, and what stands behind them.
    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Found) {
        let mut frames = Frames::new(bytes);
        let mut payloads = Vec::new();
        loop {
            match frames.advance().unwrap() {
                Found::Frame { payload, .. } => payloads.push(payload),
                other => return (payloads, other),
            }
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        let sum = !b"123456789".iter().fold(u32::MAX, |sum, byte| step(sum, *byte));
        assert_eq!(sum, 0xe306_9283);
    }

    proptest! {
        #[test]
        fn a_journal_cut_anywhere_keeps_every_whole_record(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cut in 0usize..400,
        ) {
            let (bytes, ends) = journal(&payloads);
            let cut = cut.min(bytes.len());
            let (found, end) = read(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut as u64).count().saturating_sub(1);
            prop_assert_eq!(&found[..], &payloads[..whole]);
            if ends.contains(&(cut as u64)) {
                prop_assert_eq!(end, Found::End);
            } else {
                let offset = if cut < HEADING.len() { 0 } else { ends[whole] };
                prop_assert_eq!(end, Found::Torn { offset });
            }
        }

        #[test]
        fn a_flipped_byte_is_refused_where_it_stands_and_never_read_over(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 2..6),
            at in 0usize..400,
            flip in 1u8..=255,
        ) {
            let (mut bytes, ends) = journal(&payloads);
            let at = HEADING.len() + at % (bytes.len() - HEADING.len());
            bytes[at] ^= flip;
            let broken = ends.iter().filter(|end| **end <= at as u64).count() - 1;
            let (found, end) = read(&bytes);
            prop_assert_eq!(&found[..], &payloads[..broken]);
            let offset = ends[broken];
            if broken + 1 < payloads.len() {
                prop_assert_eq!(end, Found::Damaged { offset });
            } else {
                prop_assert_eq!(end, Found::Torn { offset });
            }
        }

        #[test]
        fn no_bytes_are_read_as_something_they_are_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = [HEADING, &bytes].concat();
            let (found, _) = read(&whole);
            prop_assert!(found.is_empty());
            read(&bytes);
        }
    }

    #[test]
    fn a_tail_of_zeros_is_torn_and_a_stranger_is_told() {
        let (mut bytes, ends) = journal(&[b"one".to_vec()]);
        bytes.extend_from_slice(&[0; 100]);
        assert_eq!(read(&bytes), (vec![b"one".to_vec()], Found::Torn { offset: ends[1] }));
        assert_eq!(read(b"PK\x03\x04").1, Found::Foreign);
    }
}
