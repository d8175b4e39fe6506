//! The cells of one row, by the names of their columns, and what they say.

use std::sync::Arc;
use std::time::Duration;

use csv::StringRecord;

use super::COLUMNS;
use super::read::{Row, SamplesError};
use crate::sample::{Connect, Outcome, Part, Sample, Timeline, Tokens};
use crate::units::Offset;

/// Columns that the first version did not have; a file without them is read all the same.
const OPTIONAL: [&str; 19] = [
    "sample",
    "connect_ms",
    "message",
    "scenario",
    "retried",
    "reads",
    "session_number",
    "first_reasoning_ms",
    "tool_calls",
    "tokens_in",
    "tokens_out",
    "tokens_reasoning",
    "part",
    "session_turns",
    "connection",
    "dns_ms",
    "tcp_ms",
    "tls_ms",
    "client_lag_ms",
];

/// A known column, by its place in [`COLUMNS`]: looked up when this is compiled, not for every cell.
#[derive(Clone, Copy)]
pub(super) struct Column(usize);

impl Column {
    pub(super) const fn named(name: &str) -> Self {
        let mut at = 0;
        while !is_same(COLUMNS[at].as_bytes(), name.as_bytes()) {
            at += 1;
        }
        Self(at)
    }

    const fn name(self) -> &'static str {
        COLUMNS[self.0]
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The column of this name; a name that no column has is not compiled.
macro_rules! column {
    ($name:literal) => {
        const { $crate::artifact::samples::cells::Column::named($name) }
    };
}

pub(super) use column;

/// Where each known column stands in this file.
pub(super) struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    pub(super) fn find(header: &StringRecord) -> Result<Self, SamplesError> {
        let mut found = [None; COLUMNS.len()];
        for (name, place) in COLUMNS.iter().zip(&mut found) {
            *place = header.iter().position(|cell| cell == *name);
            if place.is_none() && !OPTIONAL.contains(name) {
                return Err(SamplesError::Column(name));
            }
        }
        Ok(Self(found))
    }
}

/// One row with the names of its cells.
pub(super) struct Cells<'a> {
    pub(super) record: &'a StringRecord,
    pub(super) columns: &'a Columns,
}

impl Cells<'_> {
    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    pub(super) fn check_width(&self, wanted: usize) -> Result<(), SamplesError> {
        let found = self.record.len();
        if found == wanted {
            return Ok(());
        }
        Err(SamplesError::Width { line: self.line(), found, wanted })
    }

    pub(super) fn text(&self, column: Column) -> &str {
        self.columns.0[column.0].and_then(|at| self.record.get(at)).unwrap_or("")
    }

    pub(super) fn bad(&self, column: Column, wanted: &'static str) -> SamplesError {
        let value = self.text(column).into();
        SamplesError::Cell { line: self.line(), column: column.name(), value, wanted }
    }

    fn number<T: std::str::FromStr>(&self, column: Column) -> Result<T, SamplesError> {
        self.text(column).parse().map_err(|_| self.bad(column, "a whole number"))
    }

    /// A number, or `default` where the cell is empty or the column is not there.
    fn number_or(&self, column: Column, default: u64) -> Result<u64, SamplesError> {
        if self.text(column).is_empty() { Ok(default) } else { self.number(column) }
    }

    fn number_if<T: std::str::FromStr>(&self, column: Column) -> Result<Option<T>, SamplesError> {
        if self.text(column).is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }

    fn micros(&self, column: Column) -> Result<Option<u64>, SamplesError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let micros = micros_of(text);
        micros.map(Some).ok_or_else(|| self.bad(column, "milliseconds with three decimals"))
    }

    fn offset(&self, column: Column) -> Result<Option<Offset>, SamplesError> {
        Ok(self.micros(column)?.map(|micros| Offset::from_nanos(micros.saturating_mul(1_000))))
    }

    fn time(&self, column: Column) -> Result<Option<Duration>, SamplesError> {
        Ok(self.micros(column)?.map(Duration::from_micros))
    }

    fn connect(&self) -> Result<Option<Box<Connect>>, SamplesError> {
        let Some(total) = self.time(column!("connect_ms"))? else { return Ok(None) };
        let (dns, tcp) = (self.time(column!("dns_ms"))?, self.time(column!("tcp_ms"))?);
        let tls = self.time(column!("tls_ms"))?;
        Ok(Some(Box::new(Connect { total, dns, tcp, tls })))
    }

    fn offset_needed(&self, column: Column) -> Result<Offset, SamplesError> {
        self.offset(column)?.ok_or_else(|| self.bad(column, "milliseconds with three decimals"))
    }

    pub(super) fn row(&self, kind: u16, position: u64) -> Result<Row, SamplesError> {
        let outcome =
            Outcome::from_words(self.text(column!("outcome")), self.text(column!("error")));
        let message = self.text(column!("message"));
        let chunks = self.number(column!("chunks"))?;
        let sample = Sample {
            session_number: self.number_or(column!("session_number"), 0)?,
            kind,
            session_id: Arc::from(self.text(column!("session"))),
            user_id: Arc::from(self.text(column!("user"))),
            turn: self.number(column!("turn"))?,
            part: match self.text(column!("part")) {
                "" => Part::Main,
                word => word
                    .parse()
                    .map_err(|()| self.bad(column!("part"), "`main`, `setup` or `closing`"))?,
            },
            attempt: self.number(column!("attempt"))?,
            retried: self.text(column!("retried")) == "1",
            phase: self
                .text(column!("phase"))
                .parse()
                .map_err(|()| self.bad(column!("phase"), "`warmup`, `steady` or `drain`"))?,
            timeline: Timeline {
                intended: self.offset_needed(column!("intended_ms"))?,
                started: self.offset(column!("started_ms"))?,
                headers: self.offset(column!("headers_ms"))?,
                first_chunk: self.offset(column!("first_chunk_ms"))?,
                last_chunk: self.offset(column!("last_chunk_ms"))?,
                first_reasoning: self.offset(column!("first_reasoning_ms"))?,
                ended: self.offset_needed(column!("ended_ms"))?,
            },
            queue: Duration::from_micros(self.micros(column!("queue_ms"))?.unwrap_or(0)),
            connect: self.connect()?,
            connection: self.number_if(column!("connection"))?,
            client_lag: self.time(column!("client_lag_ms"))?,
            chunks,
            reads: self.number_or(column!("reads"), chunks)?,
            bytes: self.number(column!("bytes"))?,
            tool_calls: self.number_or(column!("tool_calls"), 0)?,
            session_turns: u32::try_from(self.number_or(column!("session_turns"), 1)?)
                .unwrap_or(u32::MAX),
            tokens: Tokens {
                input: self.number_if(column!("tokens_in"))?,
                output: self.number_if(column!("tokens_out"))?,
                reasoning: self.number_if(column!("tokens_reasoning"))?,
            },
            status: self.number_if(column!("status"))?,
            outcome: outcome.ok_or_else(|| {
                self.bad(column!("outcome"), "an outcome that goes with its `error`")
            })?,
            message: (!message.is_empty()).then(|| message.into()),
        };
        let number = self.number_or(column!("sample"), position)?;
        Ok(Row { number, sample, scenario: self.text(column!("scenario")).into() })
    }
}

/// `12.345` → 12345. Other tools may have written fewer decimals; more would be lost, so refused.
fn micros_of(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let mut micros = whole.parse::<u64>().ok()?.checked_mul(1_000)?;
    let mut scale = 100;
    for byte in part.bytes() {
        micros = micros.checked_add(u64::from(byte - b'0') * scale)?;
        scale /= 10;
    }
    Some(micros)
}
