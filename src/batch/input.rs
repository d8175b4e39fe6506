//! A prompt file: checked as a whole before anything is sent, then read row by row. What is kept of a
//! row is its place and a few numbers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::row::{Fields, Format, Prompt, Record};
use super::scan::Scan;

/// What to do about rows that cannot be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BadRows {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Leave them out, and say so in the results.
    Skip,
}

/// A file of prompts that has been checked.
#[derive(Debug)]
pub struct Input {
    content: Mutex<Content>,
    pub(super) format: Format,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Place>,
    /// Number of the session each row belongs to, from 1; 0 is none. Empty where no row has one.
    pub(super) sessions: Vec<u32>,
    pub(super) bad: HashMap<u32, String>,
    pub(super) sha256: String,
    pub(super) fields: Fields,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u32,
    /// How many rows before it have the same content, where it has no id of its own.
    pub(super) earlier: u32,
}

#[derive(Debug)]
pub(super) enum Content {
    Disk(File),
    Memory(Cursor<Vec<u8>>),
}

/// A prompt file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("the prompts {label} cannot be read: {why}")]
    Read {
        /// The file.
        label: String,
        /// Why not.
        why: String,
    },
    /// Rows of it cannot be asked.
    #[error("{0}")]
    Rows(String),
}

impl Input {
    /// Reads and checks a whole file; `-` is standard input. `where_` keeps the rows whose fields
    /// have these values.
    ///
    /// # Errors
    /// It cannot be read, or (unless bad rows are skipped) has rows that cannot be asked.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        fields: Fields,
        bad_rows: BadRows,
        keep: impl Fn(&Record) -> bool,
    ) -> Result<(Self, Vec<u32>), InputError> {
        let label = path.display().to_string();
        let cannot = |error: io::Error| InputError::Read {
            label: label.clone(),
            why: match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".into(),
                io::ErrorKind::IsADirectory => "it is a directory".into(),
                _ => error.to_string(),
            },
        };
        let mut content = if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map_err(cannot)?;
            Content::Memory(Cursor::new(bytes))
        } else {
            Content::Disk(File::open(path).map_err(cannot)?)
        };
        let format = match format {
            Some(format) => format,
            None => detect(path, &mut content).map_err(cannot)?,
        };
        let input = Self {
            content: Mutex::new(Content::Memory(Cursor::default())),
            format,
            columns: Vec::new(),
            rows: Vec::new(),
            sessions: Vec::new(),
            bad: HashMap::new(),
            sha256: String::new(),
            fields,
        };
        let mut scan = Scan::new(input, keep);
        match format {
            Format::Csv => scan.csv(&mut content, &label)?,
            _ => scan.lines(&mut content).map_err(cannot)?,
        }
        let Scan { mut input, kept, told, wrong, .. } = scan;
        if wrong > 0 && bad_rows == BadRows::Refuse {
            let mut text =
                format!("{wrong} of {} rows of {label} cannot be asked:", input.rows.len());
            for one in &told {
                text.push_str("\n  ");
                text.push_str(one);
            }
            if wrong > told.len() {
                text.push_str(&format!("\n  and {} more", wrong - told.len()));
            }
            text.push_str("\nNothing was sent. --bad-rows skip leaves them out.");
            return Err(InputError::Rows(text));
        }
        if input.rows.is_empty() {
            return Err(InputError::Rows(format!("{label} has no rows")));
        }
        input.content = Mutex::new(content);
        Ok((input, kept))
    }

    /// How its rows are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The columns of a csv file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a file without rows is refused.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The number of the session that row `row` belongs to.
    pub fn session_of(&self, row: u32) -> Option<u32> {
        self.sessions.get(row as usize).copied().filter(|number| *number > 0)
    }

    /// Why row `row` cannot be asked, if so.
    pub fn bad(&self, row: u32) -> Option<&str> {
        self.bad.get(&row).map(String::as_str)
    }

    /// Row `row` as it stands in the file.
    ///
    /// # Errors
    /// It cannot be read (any more).
    pub fn record(&self, row: u32) -> Result<Record, String> {
        Record::read(self.format, &self.columns, &self.bytes(row)?)
    }

    /// The id of row `row`, and the row as it is asked.
    ///
    /// # Errors
    /// It is not there any more as it was when the file was checked.
    pub fn prompt(&self, row: u32) -> Result<(String, Prompt), String> {
        let changed = |why: String| format!("the input changed while the batch ran: {why}");
        let bytes = self.bytes(row)?;
        let record = Record::read(self.format, &self.columns, &bytes).map_err(changed)?;
        let prompt = record.prompt(self.format, &self.fields).map_err(changed)?;
        let id = match &prompt.id {
            Some(id) => id.clone(),
            None => self.id_of_content(row, &bytes),
        };
        Ok((id, prompt))
    }

    /// What a row that cannot be asked is known by.
    pub fn id_of_bad(&self, row: u32) -> String {
        self.bytes(row).map_or_else(|_| String::new(), |bytes| self.id_of_content(row, &bytes))
    }

    /// Where a row has no id: its content, and the how-manyth of that content it is.
    fn id_of_content(&self, row: u32, bytes: &[u8]) -> String {
        let digest = Sha256::digest(bytes);
        let hex: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        match self.rows[row as usize].earlier {
            0 => hex,
            earlier => format!("{hex}-{}", earlier + 1),
        }
    }

    fn bytes(&self, row: u32) -> Result<Vec<u8>, String> {
        let place = self.rows[row as usize];
        let mut bytes = vec![0; place.length as usize];
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let content: &mut dyn ReadSeek = match &mut *content {
            Content::Disk(file) => file,
            Content::Memory(bytes) => bytes,
        };
        content
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| content.read_exact(&mut bytes))
            .map_err(|error| format!("the input cannot be read: {error}"))?;
        Ok(bytes)
    }
}

pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

/// By the end of the name; else by what it begins with.
fn detect(path: &Path, content: &mut Content) -> io::Result<Format> {
    let ending = path.extension().and_then(|end| end.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "csv" => return Ok(Format::Csv),
        "txt" => return Ok(Format::Text),
        _ => {}
    }
    let mut start = Vec::new();
    content.by_ref().take(64 << 10).read_to_end(&mut start)?;
    let file: &mut dyn ReadSeek = match content {
        Content::Disk(file) => file,
        Content::Memory(bytes) => bytes,
    };
    file.seek(SeekFrom::Start(0))?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    Ok(if !text.starts_with(b"{") && ending != "jsonl" && ending != "ndjson" {
        Format::Text
    } else if memchr::memmem::find(first, b"\"custom_id\"").is_some()
        && memchr::memmem::find(first, b"\"body\"").is_some()
    {
        Format::OpenAi
    } else {
        Format::JsonLines
    })
}

/// The absolute form of a path, so that a batch is known wherever the command is given.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, text: &[u8], bad: BadRows) -> Result<Input, InputError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Input::open(&path, None, Fields::default(), bad, |_| true).map(|(input, _)| input)
    }

    fn texts(input: &Input) -> Vec<String> {
        (0..input.len() as u32)
            .map(|row| input.prompt(row).unwrap().1.turns[0].to_string())
            .collect()
    }

    #[test]
    fn every_byte_of_a_message_is_kept_in_every_format() {
        let lines = "\u{feff}one\r\n\r\n  two \u{2028}x\nlast".as_bytes();
        let input = open("a.txt", lines, BadRows::Refuse).unwrap();
        assert_eq!(texts(&input), ["one", "  two \u{2028}x", "last"]);
        let lines =
            "\u{feff}{\"message\": \" a\\n\u{2028} \"}\r\n \n{\"message\":\"b\"}".as_bytes();
        let input = open("a.jsonl", lines, BadRows::Refuse).unwrap();
        assert_eq!(texts(&input), [" a\n\u{2028} ", "b"]);
        for end in ["", "\n", "\r\n", "\r\n\r\n"] {
            let lines = format!(
                "\u{feff}id,message\r\n1,\" a, \"\"b\"\"\r\n c \"\r\n\r\n2,  plain  \n3,{{ x }}{end}"
            );
            let input = open("a.csv", lines.as_bytes(), BadRows::Refuse).unwrap();
            assert_eq!(texts(&input), [" a, \"b\"\r\n c ", "  plain  ", "{ x }"], "{end:?}");
            assert_eq!(input.columns(), ["id", "message"]);
            assert_eq!(input.prompt(2).unwrap().0, "3");
        }
    }

    #[test]
    fn equal_rows_are_two_rows_and_ids_do_not_hang_on_the_place() {
        let one = open("a.txt", b"x\ny\nx\n", BadRows::Refuse).unwrap();
        let ids: Vec<String> = (0..3).map(|row| one.prompt(row).unwrap().0).collect();
        assert_eq!(ids[2], format!("{}-2", ids[0]));
        let other = open("a.txt", b"new\ny\nx\n", BadRows::Refuse).unwrap();
        assert_eq!(other.prompt(2).unwrap().0, ids[0]);
        assert_eq!(other.prompt(1).unwrap().0, ids[1]);
    }

    #[test]
    fn bad_rows_are_told_with_their_lines_or_left_out() {
        let text =
            b"{\"id\": 1, \"message\": \"a\"}\n\n{\"id\": 1, \"message\": \"b\"}\n{\"id\": 2}\nx\n";
        let error = open("a.jsonl", text, BadRows::Refuse).unwrap_err().to_string();
        for part in [
            "3 of 4 rows",
            "line 3: its id `1` stands on line 1",
            "line 4: it has no field",
            "line 5: it is not",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let input = open("a.jsonl", text, BadRows::Skip).unwrap();
        assert!(input.bad(0).is_none() && (1..4).all(|row| input.bad(row).is_some()));
        let csv = open("a.csv", b"id,message\n1,a,b\n", BadRows::Refuse).unwrap_err().to_string();
        assert!(csv.contains("line 2: it has 3 cells, the header has 2"), "{csv}");
        assert!(open("a.csv", b"message,message\n1,a\n", BadRows::Refuse).is_err());
        assert!(open("a.txt", b"\n", BadRows::Refuse).unwrap_err().to_string().contains("no rows"));
    }

    #[test]
    fn the_format_is_found_out_by_name_and_beginning() {
        let openai = b"{\"custom_id\": \"a\", \"body\": {\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}}\n";
        assert_eq!(open("a.jsonl", openai, BadRows::Refuse).unwrap().format(), Format::OpenAi);
        assert_eq!(
            open("a", b"{\"message\": \"x\"}", BadRows::Refuse).unwrap().format(),
            Format::JsonLines
        );
        assert_eq!(open("a", b"x", BadRows::Refuse).unwrap().format(), Format::Text);
    }
}
