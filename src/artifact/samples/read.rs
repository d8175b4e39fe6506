//! Reading rows back, by column name; columns that are not known are passed over.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use csv::{ReaderBuilder, StringRecord};

use super::COLUMNS;
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

/// Why `samples.csv` could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// The file could not be read or is not CSV.
    #[error("samples.csv cannot be read: {0}")]
    Read(#[from] csv::Error),
    /// A column is not there.
    #[error("samples.csv has no column `{0}`: it is not a file of this tool, or its header is cut")]
    Column(&'static str),
    /// A cell does not hold what its column is for.
    #[error("samples.csv, line {line}: `{value}` in column `{column}` is not {wanted}")]
    Cell {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        wanted: &'static str,
    },
    /// A row has another number of cells than the header.
    #[error("samples.csv, line {line}: {found} cells where the header has {wanted}")]
    Width {
        /// The line, from 1.
        line: u64,
        /// Cells in the row.
        found: usize,
        /// Cells in the header.
        wanted: usize,
    },
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number, from 1.
    pub number: u64,
    /// What it says.
    pub sample: Sample,
    /// The scenario's name.
    pub scenario: String,
}

/// Reads rows one after the other. A last row that is not whole (the run was killed while it was
/// written) is left out, and [`SampleReader::is_cut`] says so.
pub struct SampleReader<R> {
    rows: csv::Reader<LastByte<R>>,
    columns: Columns,
    kinds: Kinds,
    next: Option<StringRecord>,
    read: u64,
    cut: bool,
}

impl<R: Read> SampleReader<R> {
    /// Reads the header. `kinds` are the names of the session kinds in the plan's order; give an
    /// empty list to number them as they come.
    pub fn new<S: Into<String>>(
        reader: R,
        kinds: impl IntoIterator<Item = S>,
    ) -> Result<Self, SamplesError> {
        let reader = LastByte { inner: reader, last: b'\n' };
        let mut rows = ReaderBuilder::new().flexible(true).from_reader(reader);
        let columns = Columns::find(rows.headers()?)?;
        let names: Vec<String> = kinds.into_iter().map(Into::into).collect();
        let kinds = Kinds { scenarios: vec![None; names.len()], names };
        let mut reader = Self { rows, columns, kinds, next: None, read: 0, cut: false };
        reader.next = reader.record()?;
        Ok(reader)
    }

    /// The same for a run of several scenarios, whose kinds may have the same names: each kind with
    /// the name of its own.
    pub fn together<S: Into<String>>(
        reader: R,
        kinds: impl IntoIterator<Item = (S, S)>,
    ) -> Result<Self, SamplesError> {
        let pairs = kinds.into_iter().map(|(kind, scenario)| (kind.into(), Some(scenario.into())));
        let (names, scenarios) = pairs.unzip();
        let none: [String; 0] = [];
        Ok(Self { kinds: Kinds { names, scenarios }, ..Self::new(reader, none)? })
    }

    /// Names of the session kinds, by the number that samples have; complete after the last row.
    pub fn kinds(&self) -> &[String] {
        &self.kinds.names
    }

    /// Whether the file ended within a row. Known after the last row.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    fn record(&mut self) -> Result<Option<StringRecord>, SamplesError> {
        let mut record = StringRecord::new();
        match self.rows.read_record(&mut record) {
            Ok(more) => Ok(more.then_some(record)),
            // A cut can fall inside a character.
            Err(_) if self.rows.get_ref().is_inside_line() && self.at_end()? => {
                self.cut = true;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn at_end(&mut self) -> Result<bool, SamplesError> {
        let mut record = csv::ByteRecord::new();
        Ok(!self.rows.read_byte_record(&mut record)?)
    }

    fn row(&mut self) -> Result<Option<Row>, SamplesError> {
        let Some(record) = self.next.take() else { return Ok(None) };
        self.next = self.record()?;
        let width = self.rows.headers()?.len();
        // The cut may also fall on a line end inside a quoted text: then cells are missing.
        let incomplete = self.rows.get_ref().is_inside_line() || record.len() < width;
        if self.next.is_none() && !self.cut && incomplete {
            self.cut = true;
            return Ok(None);
        }
        self.read += 1;
        let cells = Cells { record: &record, columns: &self.columns };
        cells.check_width(width)?;
        let kind = self.kinds.number(&cells)?;
        Ok(Some(cells.row(kind, self.read)?))
    }
}

impl<R: Read> Iterator for SampleReader<R> {
    type Item = Result<Row, SamplesError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}

/// Session kinds by the number that samples have; one not known before is added.
struct Kinds {
    names: Vec<String>,
    /// The scenario each of them is of; `None` for those that were given by name alone.
    scenarios: Vec<Option<String>>,
}

impl Kinds {
    fn number(&mut self, cells: &Cells<'_>) -> Result<u16, SamplesError> {
        let (name, scenario) = (cells.text("session_name"), cells.text("scenario"));
        let known = self.names.iter().zip(&self.scenarios).position(|(known, of)| {
            known == name && of.as_deref().is_none_or(|known| known == scenario)
        });
        let at = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.scenarios.push(Some(scenario.into()));
            self.names.len() - 1
        });
        u16::try_from(at).map_err(|_| cells.bad("session_name", "one of at most 65536 names"))
    }
}

/// Where each known column stands.
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, SamplesError> {
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
struct Cells<'a> {
    record: &'a StringRecord,
    columns: &'a Columns,
}

impl Cells<'_> {
    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn check_width(&self, wanted: usize) -> Result<(), SamplesError> {
        let found = self.record.len();
        if found == wanted {
            return Ok(());
        }
        Err(SamplesError::Width { line: self.line(), found, wanted })
    }

    fn text(&self, column: &'static str) -> &str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| self.columns.0[at]).and_then(|at| self.record.get(at)).unwrap_or("")
    }

    fn bad(&self, column: &'static str, wanted: &'static str) -> SamplesError {
        let value = self.text(column).into();
        SamplesError::Cell { line: self.line(), column, value, wanted }
    }

    fn number<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, SamplesError> {
        self.text(column).parse().map_err(|_| self.bad(column, "a whole number"))
    }

    /// A number, or `default` where the cell is empty or the column is not there.
    fn number_or(&self, column: &'static str, default: u64) -> Result<u64, SamplesError> {
        if self.text(column).is_empty() { Ok(default) } else { self.number(column) }
    }

    fn number_if<T: std::str::FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, SamplesError> {
        if self.text(column).is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }

    fn micros(&self, column: &'static str) -> Result<Option<u64>, SamplesError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let micros = micros_of(text);
        micros.map(Some).ok_or_else(|| self.bad(column, "milliseconds with three decimals"))
    }

    fn offset(&self, column: &'static str) -> Result<Option<Offset>, SamplesError> {
        Ok(self.micros(column)?.map(|micros| Offset::from_nanos(micros.saturating_mul(1_000))))
    }

    fn time(&self, column: &'static str) -> Result<Option<Duration>, SamplesError> {
        Ok(self.micros(column)?.map(Duration::from_micros))
    }

    fn connect(&self) -> Result<Option<Box<Connect>>, SamplesError> {
        let Some(total) = self.time("connect_ms")? else { return Ok(None) };
        let (dns, tcp) = (self.time("dns_ms")?, self.time("tcp_ms")?);
        let tls = self.time("tls_ms")?;
        Ok(Some(Box::new(Connect { total, dns, tcp, tls })))
    }

    fn offset_needed(&self, column: &'static str) -> Result<Offset, SamplesError> {
        self.offset(column)?.ok_or_else(|| self.bad(column, "milliseconds with three decimals"))
    }

    fn row(&self, kind: u16, position: u64) -> Result<Row, SamplesError> {
        let outcome = Outcome::from_words(self.text("outcome"), self.text("error"));
        let message = self.text("message");
        let chunks = self.number("chunks")?;
        let sample = Sample {
            session_number: self.number_or("session_number", 0)?,
            kind,
            session_id: Arc::from(self.text("session")),
            user_id: Arc::from(self.text("user")),
            turn: self.number("turn")?,
            part: match self.text("part") {
                "" => Part::Main,
                word => {
                    word.parse().map_err(|()| self.bad("part", "`main`, `setup` or `closing`"))?
                }
            },
            attempt: self.number("attempt")?,
            retried: self.text("retried") == "1",
            phase: self
                .text("phase")
                .parse()
                .map_err(|()| self.bad("phase", "`warmup`, `steady` or `drain`"))?,
            timeline: Timeline {
                intended: self.offset_needed("intended_ms")?,
                started: self.offset("started_ms")?,
                headers: self.offset("headers_ms")?,
                first_chunk: self.offset("first_chunk_ms")?,
                last_chunk: self.offset("last_chunk_ms")?,
                first_reasoning: self.offset("first_reasoning_ms")?,
                ended: self.offset_needed("ended_ms")?,
            },
            queue: Duration::from_micros(self.micros("queue_ms")?.unwrap_or(0)),
            connect: self.connect()?,
            connection: self.number_if("connection")?,
            client_lag: self.time("client_lag_ms")?,
            chunks,
            reads: self.number_or("reads", chunks)?,
            bytes: self.number("bytes")?,
            tool_calls: self.number_or("tool_calls", 0)?,
            session_turns: u32::try_from(self.number_or("session_turns", 1)?).unwrap_or(u32::MAX),
            tokens: Tokens {
                input: self.number_if("tokens_in")?,
                output: self.number_if("tokens_out")?,
                reasoning: self.number_if("tokens_reasoning")?,
            },
            status: self.number_if("status")?,
            outcome: outcome
                .ok_or_else(|| self.bad("outcome", "an outcome that goes with its `error`"))?,
            message: (!message.is_empty()).then(|| message.into()),
        };
        let number = self.number_or("sample", position)?;
        Ok(Row { number, sample, scenario: self.text("scenario").into() })
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

/// Remembers the last byte that went by: a file that does not end with a line end was cut.
struct LastByte<R> {
    inner: R,
    last: u8,
}

impl<R> LastByte<R> {
    fn is_inside_line(&self) -> bool {
        self.last != b'\n'
    }
}

impl<R: Read> Read for LastByte<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(last) = buffer[..read].last() {
            self.last = *last;
        }
        Ok(read)
    }
}
