//! What the agent really received and sent, and when: the other half of every measurement.
//!
//! Each thread writes its own bounded log, so that the threads share no lock while they serve; the
//! logs are brought together when somebody asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::units::Offset;

/// Messages up to this many bytes are kept as they came; of longer ones the hash.
const KEPT_MESSAGE: usize = 512;
/// Times of this many writes of one reply are kept, where they are asked for.
pub(super) const KEPT_WRITES: usize = 4_096;
/// An hour, in microseconds: no write can be later.
const LATEST: u64 = 3_600_000_000;

/// One request and what became of it. Times are microseconds since the agent's origin.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Numbers all requests, from 1, in the order in which they were complete.
    pub seq: u64,
    /// Numbers the requests that ask for a reply, from 1; faults by number go by it.
    pub number: Option<u64>,
    /// The connection it came on, from 1.
    pub connection: u64,
    /// Its place among the requests of that connection, from 1.
    pub on_connection: u32,
    /// GET, POST, ...
    pub method: Box<str>,
    /// The path as it was asked for, without the query.
    pub path: Box<str>,
    /// Who was to answer.
    pub agent_id: Box<str>,
    /// Who asked.
    pub user_id: Box<str>,
    /// In which session, if in one.
    pub session_id: Option<Box<str>>,
    /// What was asked.
    #[serde(flatten)]
    pub message: Message,
    /// Other requests of the same session that were open when this one was complete.
    pub in_session: u32,
    /// When the connection was accepted.
    #[serde(rename = "accepted_us", serialize_with = "micros")]
    pub accepted: Offset,
    /// When the last byte of the request had come: by the kernel's stamp where it gives one, else when
    /// it was read.
    #[serde(rename = "arrived_us", serialize_with = "micros")]
    pub arrived: Offset,
    /// When the last byte of the request was read.
    #[serde(rename = "complete_us", serialize_with = "micros")]
    pub complete: Offset,
    /// When it got its place, where places are limited; delays count from here.
    #[serde(rename = "admitted_us", serialize_with = "maybe_micros")]
    pub admitted: Option<Offset>,
    /// When the head was handed to the kernel.
    #[serde(rename = "head_us", serialize_with = "maybe_micros")]
    pub head: Option<Offset>,
    /// When the first chunk with text was.
    #[serde(rename = "first_chunk_us", serialize_with = "maybe_micros")]
    pub first_chunk: Option<Offset>,
    /// When the last chunk with text was.
    #[serde(rename = "last_chunk_us", serialize_with = "maybe_micros")]
    pub last_chunk: Option<Offset>,
    /// When the reply was over, in whatever way.
    #[serde(rename = "ended_us", serialize_with = "maybe_micros")]
    pub ended: Option<Offset>,
    /// By how much the most belated write missed its due time.
    pub late_us: u64,
    /// Chunks with text that were written.
    pub chunks: u32,
    /// Writes that carried body.
    pub writes: u32,
    /// Bytes of body that were written, without the framing of HTTP.
    pub bytes: u64,
    /// Of the reply; 0 if there was none.
    pub status: u16,
    /// The faults that were applied, joined with `+`.
    pub fault: Box<str>,
    /// How the reply ended.
    pub end: End,
    /// When each write with body was handed over, where that is asked for.
    #[serde(
        rename = "writes_us",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "all_micros"
    )]
    pub write_times: Vec<Offset>,
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// As it should.
    Complete,
    /// The agent closed the connection before the end of the reply.
    Cut,
    /// The agent reset the connection.
    Reset,
    /// The client was gone, or did not read.
    ClientGone,
    /// The agent was stopped.
    Stopped,
}

/// What was asked, or as much as is kept of it.
#[derive(Debug, Clone)]
pub enum Message {
    /// No message: a GET, or a body that could not be read.
    None,
    /// All of it.
    Kept(Box<str>),
    /// Length in bytes and SHA-256.
    Hashed(usize, [u8; 32]),
}

impl Message {
    pub(super) fn of(text: &str) -> Self {
        if text.len() <= KEPT_MESSAGE {
            Self::Kept(text.into())
        } else {
            Self::Hashed(text.len(), Sha256::digest(text.as_bytes()).into())
        }
    }

    /// Length in bytes, where there was a message.
    pub fn bytes(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Kept(text) => Some(text.len()),
            Self::Hashed(length, _) => Some(*length),
        }
    }

    /// SHA-256 in hexadecimal, where there was a message.
    pub fn sha256(&self) -> Option<String> {
        let digest = match self {
            Self::None => return None,
            Self::Kept(text) => Sha256::digest(text.as_bytes()).into(),
            Self::Hashed(_, digest) => *digest,
        };
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text, where it is kept.
    pub fn text(&self) -> Option<&str> {
        if let Self::Kept(text) = self { Some(text) } else { None }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            message: Option<&'a str>,
            message_bytes: Option<usize>,
            message_sha256: Option<String>,
        }
        Shown { message: self.text(), message_bytes: self.bytes(), message_sha256: self.sha256() }
            .serialize(serializer)
    }
}

fn micros<S: Serializer>(at: &Offset, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.micros())
}

fn maybe_micros<S: Serializer>(at: &Option<Offset>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Offset::micros).serialize(serializer)
}

fn all_micros<S: Serializer>(all: &[Offset], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(all.iter().map(|at| at.micros()))
}

/// The log of one thread.
pub(super) struct Ledger(Mutex<Pages>);

struct Pages {
    records: VecDeque<Arc<Record>>,
    room: usize,
    dropped: u64,
    /// How late writes were, in microseconds.
    lateness: Histogram<u64>,
    freezes: Vec<(Offset, Offset)>,
}

impl Ledger {
    pub(super) fn new(room: usize) -> Self {
        Self(Mutex::new(Pages {
            records: VecDeque::new(),
            room,
            dropped: 0,
            lateness: lateness(),
            freezes: Vec::new(),
        }))
    }

    pub(super) fn enter(&self, record: Record) {
        let record = Arc::new(record);
        let mut pages = self.pages();
        while pages.records.len() >= pages.room.max(1) {
            pages.records.pop_front();
            pages.dropped += 1;
        }
        if pages.room > 0 {
            pages.records.push_back(record);
        } else {
            pages.dropped += 1;
        }
    }

    pub(super) fn late(&self, micros: u64) {
        // Zero would be lost below the histogram's lowest bucket; it counts as one microsecond.
        self.pages().lateness.saturating_record(micros.clamp(1, LATEST));
    }

    pub(super) fn froze(&self, from: Offset, until: Offset) {
        let mut pages = self.pages();
        if pages.freezes.len() < 1_000 {
            pages.freezes.push((from, until));
        }
    }

    fn reset(&self) {
        let mut pages = self.pages();
        pages.records.clear();
        pages.dropped = 0;
        pages.lateness.reset();
        pages.freezes.clear();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic elsewhere cannot leave a page half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lateness() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants that satisfy the constructor")]
    Histogram::new_with_bounds(1, LATEST, 3).expect("1 µs to 1 h with 3 digits are valid bounds")
}

/// What the agent knows about the requests it has served, brought together from its threads.
#[derive(Debug, Clone)]
pub struct Truth {
    /// By `seq`.
    pub requests: Vec<Arc<Record>>,
    /// Records that had to leave the log, which is bounded.
    pub dropped: u64,
    /// How late writes were against their due times, in microseconds.
    pub lateness: Histogram<u64>,
    /// When the agent stood still on purpose: from, until.
    pub freezes: Vec<(Offset, Offset)>,
}

impl Truth {
    /// Brings the logs of all threads together: requests after number `since`.
    pub(super) fn gather<'a>(ledgers: impl Iterator<Item = &'a Ledger>, since: u64) -> Self {
        let mut truth =
            Self { requests: Vec::new(), dropped: 0, lateness: lateness(), freezes: Vec::new() };
        for ledger in ledgers {
            let pages = ledger.pages();
            truth
                .requests
                .extend(pages.records.iter().filter(|record| record.seq > since).cloned());
            truth.dropped += pages.dropped;
            // Bounds and digits are the same, so nothing can be refused.
            let added = truth.lateness.add(&pages.lateness);
            debug_assert!(added.is_ok(), "{added:?}");
            truth.freezes.extend_from_slice(&pages.freezes);
        }
        truth.requests.sort_unstable_by_key(|record| record.seq);
        truth.freezes.sort_unstable();
        truth
    }

    pub(super) fn reset<'a>(ledgers: impl Iterator<Item = &'a Ledger>) {
        ledgers.for_each(Ledger::reset);
    }

    /// One row a request, with the columns of the JSON document.
    ///
    /// # Errors
    /// Writing to `out` failed.
    pub fn write_csv(&self, out: impl std::io::Write) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record([
            "seq",
            "number",
            "connection",
            "on_connection",
            "method",
            "path",
            "agent_id",
            "user_id",
            "session_id",
            "message",
            "message_bytes",
            "message_sha256",
            "in_session",
            "accepted_us",
            "complete_us",
            "admitted_us",
            "head_us",
            "first_chunk_us",
            "last_chunk_us",
            "ended_us",
            "late_us",
            "chunks",
            "writes",
            "bytes",
            "status",
            "fault",
            "end",
            "arrived_us",
        ])?;
        let maybe = |at: Option<Offset>| at.map(Offset::micros);
        for record in &self.requests {
            let message = &record.message;
            writer.serialize((
                (record.seq, record.number, record.connection, record.on_connection),
                (&record.method, &record.path, &record.agent_id, &record.user_id),
                (&record.session_id, message.text(), message.bytes(), message.sha256()),
                (record.in_session, record.accepted.micros(), record.complete.micros()),
                (maybe(record.admitted), maybe(record.head), maybe(record.first_chunk)),
                (maybe(record.last_chunk), maybe(record.ended), record.late_us),
                (record.chunks, record.writes, record.bytes, record.status),
                (&record.fault, record.end, record.arrived.micros()),
            ))?;
        }
        writer.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64) -> Record {
        Record {
            seq,
            number: Some(seq),
            connection: 1,
            on_connection: 1,
            method: "POST".into(),
            path: "/v2/stream/".into(),
            agent_id: "a".into(),
            user_id: "u".into(),
            session_id: None,
            message: Message::of("héllo, \"you\""),
            in_session: 0,
            accepted: Offset::ZERO,
            arrived: Offset::from_nanos(1_400),
            complete: Offset::from_nanos(1_500),
            admitted: None,
            head: None,
            first_chunk: None,
            last_chunk: None,
            ended: Some(Offset::from_nanos(9_999)),
            late_us: 0,
            chunks: 0,
            writes: 0,
            bytes: 0,
            status: 200,
            fault: "".into(),
            end: End::Complete,
            write_times: Vec::new(),
        }
    }

    #[test]
    fn the_log_is_bounded_and_says_what_left() {
        let (first, second) = (Ledger::new(3), Ledger::new(3));
        for seq in 1..=10 {
            if seq % 2 == 0 { &first } else { &second }.enter(record(seq));
        }
        let truth = Truth::gather([&first, &second].into_iter(), 0);
        let kept: Vec<u64> = truth.requests.iter().map(|record| record.seq).collect();
        assert_eq!(kept, [5, 6, 7, 8, 9, 10]);
        assert_eq!(truth.dropped, 4);
        assert_eq!(Truth::gather([&first].into_iter(), 8).requests.len(), 1);
    }

    #[test]
    fn a_row_has_as_many_fields_as_the_header_and_its_text_survives() {
        let ledger = Ledger::new(3);
        ledger.enter(record(1));
        let mut out = Vec::new();
        Truth::gather([&ledger].into_iter(), 0).write_csv(&mut out).unwrap();
        let mut reader = csv::Reader::from_reader(out.as_slice());
        let headers = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(headers.len(), row.len());
        let field = |name: &str| &row[headers.iter().position(|header| header == name).unwrap()];
        assert_eq!(field("message"), "héllo, \"you\"");
        assert_eq!(field("ended_us"), "9");
        assert_eq!(field("head_us"), "");
        assert_eq!(field("end"), "complete");
    }

    #[test]
    fn a_long_message_is_known_by_length_and_hash() {
        let long = "x".repeat(5_000);
        let message = Message::of(&long);
        assert_eq!((message.text(), message.bytes()), (None, Some(5_000)));
        let hash: String =
            Sha256::digest(long.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(message.sha256(), Some(hash));
    }
}
