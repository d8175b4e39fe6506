//! Server-sent events, decoded as they come.
//!
//! Follows the event-stream grammar of the HTML standard (section "Parsing an event stream"), with
//! three differences that agents need: the block that the stream ends in is handed out, flagged,
//! instead of discarded; bytes that are not UTF-8 do not stop the decoder; and lines and events
//! have a size limit. Each event carries the stamp of the read that completed it, so that several
//! events of one read can be told from several reads.

use memchr::memchr2;

use crate::units::Offset;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty where there was none.
    pub kind: &'a [u8],
    /// The `data` lines joined by LF.
    pub data: &'a [u8],
    /// The stamp of the read that completed it.
    pub at: Offset,
    /// The stream ended without the blank line that should have closed this event.
    pub unfinished: bool,
}

/// A line or an event above the size limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {limit} bytes")]
pub struct SseError {
    /// The limit, in bytes.
    pub limit: usize,
}

/// Splits a byte stream into events, whatever reads it comes in.
#[derive(Debug)]
pub struct SseDecoder {
    /// A line whose end has not come yet.
    line: Vec<u8>,
    data: Vec<u8>,
    kind: Vec<u8>,
    /// The event being read has had a `data` field (perhaps an empty one).
    has_data: bool,
    /// The last byte was CR: a LF that follows belongs to it.
    after_cr: bool,
    /// Nothing but (part of) a byte-order mark has come.
    at_start: bool,
    comments: u64,
    limit: usize,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl SseDecoder {
    /// The size limit unless another is set: 16 MiB.
    pub const DEFAULT_LIMIT: usize = 16 << 20;

    /// A decoder at the start of a stream that refuses lines and events above `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            kind: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
            comments: 0,
            limit,
        }
    }

    /// Comment lines so far: keep-alives.
    pub fn comments(&self) -> u64 {
        self.comments
    }

    /// Takes one read and hands out the events it completed.
    ///
    /// # Errors
    /// A line or an event is longer than the limit; what was handed out before stands.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        at: Offset,
        mut event: impl FnMut(SseEvent<'_>),
    ) -> Result<(), SseError> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let rest = &bytes[end + 1..];
            let carriage = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.take_line(&bytes[..end], at, &mut event)?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                let taken = self.take_line(&line, at, &mut event);
                line.clear();
                self.line = line;
                taken?;
            }
            bytes = match (carriage, rest) {
                (true, [b'\n', after @ ..]) => after,
                (true, []) => {
                    self.after_cr = true;
                    rest
                }
                _ => rest,
            };
        }
        if self.line.len() + bytes.len() > self.limit {
            return Err(SseError { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The stream has ended: hands out the event that was not closed, if there is one.
    ///
    /// # Errors
    /// As [`SseDecoder::feed`].
    pub fn end(&mut self, at: Offset, mut event: impl FnMut(SseEvent<'_>)) -> Result<(), SseError> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, at, &mut event)?;
        }
        if self.has_data {
            event(SseEvent { kind: &self.kind, data: &self.data, at, unfinished: true });
        }
        self.forget_event();
        Ok(())
    }

    fn take_line(
        &mut self,
        mut line: &[u8],
        at: Offset,
        event: &mut impl FnMut(SseEvent<'_>),
    ) -> Result<(), SseError> {
        // As for a line that is not whole yet: the limit must not depend on the reads.
        if line.len() > self.limit {
            return Err(SseError { limit: self.limit });
        }
        if self.at_start {
            self.at_start = false;
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            if self.has_data {
                event(SseEvent { kind: &self.kind, data: &self.data, at, unfinished: false });
            }
            self.forget_event();
            return Ok(());
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"" => self.comments += 1,
            b"data" => {
                if self.data.len() + value.len() > self.limit {
                    return Err(SseError { limit: self.limit });
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.kind.clear();
                self.kind.extend_from_slice(value);
            }
            // `id` and `retry` steer reconnection, which a measurement never does; other names are
            // to be ignored.
            _ => {}
        }
        Ok(())
    }

    fn forget_event(&mut self) {
        self.data.clear();
        self.kind.clear();
        self.has_data = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = (String, String, u64, bool);

    fn decode(reads: &[&[u8]]) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut decoder = SseDecoder::new(1 << 20);
        let mut note = |event: SseEvent<'_>| {
            seen.push((
                String::from_utf8_lossy(event.kind).into_owned(),
                String::from_utf8_lossy(event.data).into_owned(),
                event.at.nanos(),
                event.unfinished,
            ));
        };
        for (i, read) in reads.iter().enumerate() {
            decoder.feed(read, Offset::from_nanos(i as u64), &mut note).unwrap();
        }
        decoder.end(Offset::from_nanos(reads.len() as u64), &mut note).unwrap();
        seen
    }

    fn data(reads: &[&[u8]]) -> Vec<String> {
        decode(reads).into_iter().map(|(_, data, _, _)| data).collect()
    }

    #[test]
    fn one_space_after_the_colon_goes_and_no_more() {
        assert_eq!(
            data(&[b"data: To\n\ndata:  improve\n\ndata:x\n\ndata\n\n"]),
            ["To", " improve", "x", ""]
        );
    }

    #[test]
    fn data_lines_join_and_comments_ids_and_unknown_fields_do_not() {
        assert_eq!(data(&[b": ping\n\nid: 7\nretry: 1\nfoo: bar\ndata: a\ndata: b\n\n"]), ["a\nb"]);
    }

    #[test]
    fn lines_end_with_lf_cr_or_both_and_with_nothing_else() {
        assert_eq!(data(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
        let text = "data: one\u{2028}line\u{85}still\u{c}here\n\n";
        assert_eq!(data(&[text.as_bytes()]), ["one\u{2028}line\u{85}still\u{c}here"]);
    }

    #[test]
    fn an_event_is_stamped_by_the_read_that_completed_it() {
        let seen = decode(&[b"data: a\n", b"\ndata: b\n\ndata: c\n\n", b"data: d"]);
        let stamps: Vec<_> = seen.iter().map(|one| (one.1.as_str(), one.2, one.3)).collect();
        assert_eq!(stamps, [("a", 1, false), ("b", 1, false), ("c", 1, false), ("d", 3, true)]);
    }

    #[test]
    fn a_cr_at_the_end_of_a_read_completes_its_line_at_once() {
        let seen = decode(&[b"data: a\r\n\r", b"\ndata: b\r\r"]);
        assert_eq!(seen.iter().map(|one| one.2).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_byte_order_mark_and_bad_bytes_do_not_stop_the_stream() {
        assert_eq!(
            data(&[b"\xef\xbb", b"\xbfdata: a\n\ndata: \xff\n\ndata: b\n\n"]),
            ["a", "\u{fffd}", "b"]
        );
    }

    #[test]
    fn an_event_without_end_is_refused_at_the_limit() {
        let mut decoder = SseDecoder::new(10);
        assert_eq!(
            decoder.feed(b"data: 0123456789", Offset::ZERO, |_| ()),
            Err(SseError { limit: 10 })
        );
        let mut decoder = SseDecoder::new(10);
        let lines = b"data: 012345\ndata: 678901\n";
        assert_eq!(decoder.feed(lines, Offset::ZERO, |_| ()), Err(SseError { limit: 10 }));
    }

    #[test]
    fn the_limit_does_not_depend_on_the_reads() {
        for whole in [&b": 0123456789\n\n"[..], b"data: 0123\n\n", b"data: 01234\n\n"] {
            let refused = |cut: usize| {
                let (first, second) = whole.split_at(cut);
                let mut decoder = SseDecoder::new(10);
                let fed = decoder.feed(first, Offset::ZERO, |_| ());
                fed.and_then(|()| decoder.feed(second, Offset::ZERO, |_| ())).is_err()
            };
            assert!((0..=whole.len()).all(|cut| refused(cut) == (whole.len() > 12)));
        }
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same_events(
            parts in proptest::collection::vec(prop_oneof![
                Just("data: a"), Just("data:"), Just("data"), Just("event: x"), Just(": c"), Just("\n"), Just("\r\n"), Just("\r"),
                Just("\n\n"), Just("é"), Just(" "), Just("id: 1"), Just("\u{feff}"),
            ], 0..24),
            cuts in proptest::collection::vec(0usize..120, 0..6),
        ) {
            let whole = parts.concat();
            let bytes = whole.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let strip = |seen: Vec<Seen>| seen.into_iter().map(|one| (one.0, one.1, one.3)).collect::<Vec<_>>();
            prop_assert_eq!(strip(decode(&[bytes])), strip(decode(&reads)));
        }
    }
}
