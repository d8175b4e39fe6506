//! The results: a view of the journal that can be made again at any time.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::input::Input;
use super::record::{Record, Status};
use super::result::{LineRead, Usage};
use crate::artifact::samples::COLUMNS;
use crate::journal::{Journal, JournalError, RecordReader, Sealed};

/// What a line looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// As it stands in the journal.
    #[default]
    Native,
    /// The input's columns, and the answer.
    Csv,
    /// A line of an OpenAI batch result.
    OpenAi,
}

/// In which order the lines come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As rows come to their end.
    #[default]
    Completion,
    /// As they stand in the input.
    Input,
}

/// Results that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The file system says no.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Results being written.
pub struct View {
    out: Box<dyn Write + Send>,
    shape: Shape,
    rows: Rows,
    order: Order,
    records: RecordReader,
    /// Where the record with an item's result begins, plus 1; only for the order of the input.
    places: Vec<u64>,
    next: u64,
    /// Results found so far.
    found: u64,
}

/// The input's side of a csv result.
#[derive(Debug, Clone, Default)]
pub struct Rows(Option<Arc<(Arc<Input>, super::items::Items)>>);

/// The part of a record that a view needs.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Seen<'a> {
    #[serde(borrow)]
    Ended(SeenLast<'a>),
    #[serde(borrow)]
    Last(SeenLast<'a>),
}

#[derive(Deserialize)]
struct SeenLast<'a> {
    item: u64,
    #[serde(borrow)]
    last: Option<SeenLine<'a>>,
}

#[derive(Deserialize)]
struct SeenLine<'a> {
    #[serde(borrow)]
    line: &'a RawValue,
}

/// The item and its result, where a record brings one.
fn result(payload: &[u8]) -> Option<(u64, &RawValue)> {
    if !payload.starts_with(b"{\"ended\"") && !payload.starts_with(b"{\"last\"") {
        return None;
    }
    let (Seen::Ended(seen) | Seen::Last(seen)) = serde_json::from_slice(payload).ok()?;
    Some((seen.item, seen.last?.line))
}

impl View {
    /// Makes the results of the journal at `journal` anew into `path`, and keeps them open for what
    /// comes.
    ///
    /// # Errors
    /// One of the two files cannot be read or written.
    pub fn begin(
        journal: &Path,
        path: &Path,
        shape: Shape,
        order: Order,
        rows: Rows,
    ) -> Result<Self, ViewError> {
        let cannot = |source| ViewError::Write { path: path.to_owned(), source };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(cannot)?;
        let out = Box::new(BufWriter::with_capacity(1 << 16, file));
        let mut view = Self::into(journal, out, shape, order, rows)?;
        view.out.flush().map_err(cannot)?;
        fs::rename(&partial, path).map_err(cannot)?;
        Ok(view)
    }

    /// The same into anything that can be written to.
    ///
    /// # Errors
    /// As there.
    pub fn into(
        journal: &Path,
        out: Box<dyn Write + Send>,
        shape: Shape,
        order: Order,
        rows: Rows,
    ) -> Result<Self, ViewError> {
        let records = RecordReader::open(journal)?;
        let mut view =
            Self { out, shape, rows, order, records, places: Vec::new(), next: 0, found: 0 };
        view.head().map_err(|source| ViewError::Write { path: journal.to_owned(), source })?;
        Journal::look(journal, |offset, payload| {
            view.record(offset, payload).map_err(|error| error.to_string())
        })?;
        Ok(view)
    }

    /// Takes records that are on the disk.
    ///
    /// # Errors
    /// The results cannot be written.
    pub fn add(&mut self, records: &[Sealed]) -> io::Result<()> {
        for sealed in records {
            self.record(sealed.offset, &sealed.payload)?;
        }
        self.out.flush()
    }

    /// Nothing more comes: what is out of order is written, in order but for the gaps.
    ///
    /// # Errors
    /// The results cannot be written.
    pub fn end(&mut self) -> io::Result<u64> {
        for item in self.next..self.places.len() as u64 {
            if self.places[item as usize] > 0 {
                self.line_at(item)?;
            }
        }
        self.out.flush()?;
        Ok(self.found)
    }

    fn record(&mut self, offset: u64, payload: &[u8]) -> io::Result<()> {
        let Some((item, line)) = result(payload) else { return Ok(()) };
        self.found += 1;
        if self.order == Order::Completion {
            return self.line(item, line);
        }
        let at = item as usize;
        if at >= self.places.len() {
            self.places.resize(at + 1, 0);
        }
        self.places[at] = offset + 1;
        while self.places.get(self.next as usize).is_some_and(|place| *place > 0) {
            self.line_at(self.next)?;
            self.next += 1;
        }
        Ok(())
    }

    fn line_at(&mut self, item: u64) -> io::Result<()> {
        let place = self.places[item as usize] - 1;
        let payload = self.records.payload(place).map_err(io::Error::other)?;
        match result(&payload) {
            Some((item, line)) => self.line(item, line),
            None => Err(io::Error::other("the journal changed under way")),
        }
    }

    fn line(&mut self, item: u64, line: &RawValue) -> io::Result<()> {
        match self.shape {
            Shape::Native => {
                self.out.write_all(line.get().as_bytes())?;
                self.out.write_all(b"\n")
            }
            Shape::OpenAi => {
                let line: OpenAiLine = serde_json::from_str(line.get())?;
                serde_json::to_writer(&mut self.out, &line.result())?;
                self.out.write_all(b"\n")
            }
            Shape::Csv => {
                let mut cells = self.rows.cells(item).map_err(io::Error::other)?;
                cells.extend(answer_cells(line.get().as_bytes())?);
                self.cells(&cells)
            }
        }
    }

    fn head(&mut self) -> io::Result<()> {
        if self.shape != Shape::Csv {
            return Ok(());
        }
        let mut names = self.rows.columns().map_err(io::Error::other)?;
        for own in ["answer", "status", "ttfc_ms", "total_ms", "error"] {
            match names.iter().any(|name| name == own) {
                true => names.push(format!("batch_{own}")),
                false => names.push(own.to_owned()),
            }
        }
        self.cells(&names)
    }

    fn cells(&mut self, cells: &[String]) -> io::Result<()> {
        let mut row = csv::WriterBuilder::new().from_writer(Vec::new());
        row.write_record(cells)?;
        let row = row.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        self.out.write_all(&row)
    }
}

/// What a csv result says of a line: answer, status, `ttfc_ms` and `total_ms` of the last attempt, error.
///
/// # Errors
/// It is no line of results.
pub fn answer_cells(line: &[u8]) -> Result<[String; 5], serde_json::Error> {
    let line: LineRead = serde_json::from_slice(line)?;
    let last = line.attempts.last();
    let number = |of: Option<f64>| of.map_or(String::new(), |millis| millis.to_string());
    Ok([
        line.text.unwrap_or_default(),
        line.status.word().to_owned(),
        number(last.and_then(|attempt| attempt.ttfc_ms)),
        number(last.and_then(|attempt| attempt.total_ms)),
        line.error.unwrap_or_default(),
    ])
}

/// The input's side of a csv result.
pub fn view_rows(input: &Arc<Input>, items: super::items::Items) -> Rows {
    Rows(Some(Arc::new((Arc::clone(input), items))))
}

/// No csv is wanted.
pub fn no_rows() -> Rows {
    Rows(None)
}

impl Rows {
    /// The columns of the input; of one that has none, the fields of its first row.
    fn columns(&self) -> Result<Vec<String>, String> {
        let Some(rows) = &self.0 else { return Ok(Vec::new()) };
        if !rows.0.columns().is_empty() {
            return Ok(rows.0.columns().to_vec());
        }
        Ok(rows.0.record(0)?.0.into_iter().map(|(name, _)| name).collect())
    }

    fn cells(&self, item: u64) -> Result<Vec<String>, String> {
        let Some(rows) = &self.0 else { return Ok(Vec::new()) };
        let (row, _) = rows.1.row(item);
        let columns = self.columns()?;
        let record = match rows.0.record(row) {
            Ok(record) => record,
            // A row that was left out because it cannot be read.
            Err(_) => return Ok(vec![String::new(); columns.len()]),
        };
        let cell = |name: &String| match record.get(name) {
            None => String::new(),
            Some(value) => record.word(name).unwrap_or_else(|| value.get().to_owned()),
        };
        Ok(columns.iter().map(cell).collect())
    }
}

#[derive(Deserialize)]
struct OpenAiLine {
    id: String,
    status: Status,
    http_status: Option<u16>,
    text: Option<String>,
    error: Option<String>,
    message: Option<String>,
    session_id: Option<String>,
    usage: Option<Usage>,
}

impl OpenAiLine {
    fn result(&self) -> serde_json::Value {
        let answer = self.text.as_ref().filter(|_| self.status == Status::Completed);
        let response = answer.map(|text| {
            let mut body = json!({
                "object": "chat.completion",
                "choices": [{
                    "index": 0,
                    "message": { "role": "assistant", "content": text },
                    "finish_reason": "stop",
                }],
            });
            if let Some(usage) = self.usage {
                body["usage"] = usage.openai();
            }
            json!({
                "status_code": self.http_status,
                "request_id": self.session_id,
                "body": body,
            })
        });
        let error = (self.status != Status::Completed).then(|| {
            let code = self.error.clone().unwrap_or_else(|| self.status.word().to_owned());
            json!({ "code": code, "message": self.message })
        });
        json!({
            "id": format!("batch_req_{}", self.id),
            "custom_id": self.id,
            "response": response,
            "error": error,
        })
    }
}

/// Makes `samples.csv` of the journal anew, into `out`; how many rows it has.
///
/// # Errors
/// One of the two files cannot be read or written.
pub fn rebuild_samples(journal: &Path, out: &mut dyn Write) -> Result<u64, ViewError> {
    let mut count = 0;
    let mut write =
        |text: String| out.write_all(text.as_bytes()).map_err(|error| error.to_string());
    let failed = |why: String| ViewError::Write {
        path: journal.with_file_name("samples.csv"),
        source: io::Error::other(why),
    };
    write(COLUMNS.join(",") + "\n").map_err(failed)?;
    Journal::look(journal, |_, payload| {
        if !payload.starts_with(b"{\"ended\"") {
            return Ok(());
        }
        let Record::Ended { sample, .. } = Record::read(payload)? else { return Ok(()) };
        // It was numbered 1 when it was written.
        if let Some((_, rest)) = sample.split_once(',') {
            count += 1;
            write(format!("{count},{rest}\n"))?;
        }
        Ok(())
    })?;
    Ok(count)
}
