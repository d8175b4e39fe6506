//! Reading rows back, by column name; columns that are not known are passed over.

use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord};

use super::cells::{Cells, Columns, column};
use crate::sample::Sample;

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
    /// A record that was done with: its memory serves the next.
    spare: StringRecord,
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
        let mut reader = Self {
            rows,
            columns,
            kinds,
            next: None,
            spare: StringRecord::new(),
            read: 0,
            cut: false,
        };
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
        let mut record = std::mem::take(&mut self.spare);
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
        let row = cells.row(kind, self.read)?;
        self.spare = record;
        Ok(Some(row))
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
        let (name, scenario) =
            (cells.text(column!("session_name")), cells.text(column!("scenario")));
        let known = self.names.iter().zip(&self.scenarios).position(|(known, of)| {
            known == name && of.as_deref().is_none_or(|known| known == scenario)
        });
        let at = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.scenarios.push(Some(scenario.into()));
            self.names.len() - 1
        });
        u16::try_from(at)
            .map_err(|_| cells.bad(column!("session_name"), "one of at most 65536 names"))
    }
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
