//! The first reading of a prompt file: every row is checked, and its place noted.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, SeekFrom};

use sha2::{Digest, Sha256};

use super::input::{Content, Input, InputError, Place, ReadSeek};
use super::row::{Format, Record};

/// Most mistakes that are told at once.
const TOLD: usize = 20;

/// Hashes all that passes.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// A file being read for the first time.
pub(super) struct Scan<K> {
    pub(super) input: Input,
    keep: K,
    pub(super) kept: Vec<u32>,
    /// Hash of an id, with the line it stands on; or of a content, with how often it came.
    ids: HashMap<u128, u32>,
    /// Hash of a session's name, with its number.
    names: HashMap<u128, u32>,
    pub(super) told: Vec<String>,
    pub(super) wrong: usize,
}

impl<K: Fn(&Record) -> bool> Scan<K> {
    /// Nothing read yet.
    pub(super) fn new(input: Input, keep: K) -> Self {
        Self {
            input,
            keep,
            kept: Vec::new(),
            ids: HashMap::new(),
            names: HashMap::new(),
            told: Vec::new(),
            wrong: 0,
        }
    }

    /// Every format that has a row a line.
    pub(super) fn lines(&mut self, content: &mut Content) -> io::Result<()> {
        let hashing = Hashing { inner: content, hash: Sha256::new() };
        let mut reader = BufReader::with_capacity(1 << 18, hashing);
        let (mut offset, mut number) = (0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = reader.read_until(b'\n', &mut line)?;
            if count == 0 {
                break;
            }
            number += 1;
            let mut text = line.as_slice();
            let mut start = offset;
            if offset == 0 && text.starts_with(b"\xef\xbb\xbf") {
                text = &text[3..];
                start = 3;
            }
            text = text.strip_suffix(b"\n").unwrap_or(text);
            text = text.strip_suffix(b"\r").unwrap_or(text);
            offset += count as u64;
            let blank = match self.input.format {
                Format::Text => text.is_empty(),
                _ => text.trim_ascii().is_empty(),
            };
            if !blank {
                self.row(start, text, number);
            }
        }
        self.input.sha256 = hex(reader.into_inner().hash);
        Ok(())
    }

    /// Records may go over several lines.
    pub(super) fn csv(&mut self, content: &mut Content, label: &str) -> Result<(), InputError> {
        let cannot = |why: String| InputError::Read { label: label.to_owned(), why };
        // The places of records first, then each by itself: as it will be read again.
        let hashing = Hashing { inner: content, hash: Sha256::new() };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 18)
            .from_reader(hashing);
        let mut record = csv::ByteRecord::new();
        let mut places: Vec<(u64, u64)> = Vec::new();
        let mut more = true;
        while more {
            let before = reader.position().clone();
            more =
                reader.read_byte_record(&mut record).map_err(|error| cannot(error.to_string()))?;
            if more {
                places.push((before.byte(), before.line()));
                if places.len() == 1 {
                    let names = record.iter().map(|name| String::from_utf8(name.to_vec()));
                    let names: Result<Vec<String>, _> = names.collect();
                    self.input.columns = names.map_err(|_| cannot("it is not UTF-8".into()))?;
                }
            }
        }
        let end = reader.position().byte();
        let hashing = reader.into_inner();
        self.input.sha256 = hex(hashing.hash);
        let content = hashing.inner;
        if let Some(first) = self.input.columns.first_mut()
            && let Some(name) = first.strip_prefix('\u{feff}')
        {
            *first = name.to_owned();
        }
        for (index, name) in self.input.columns.iter().enumerate() {
            if self.input.columns[..index].contains(name) {
                return Err(InputError::Rows(format!(
                    "the column `{name}` stands twice in the header of {label}"
                )));
            }
        }
        let mut file = BufReader::with_capacity(1 << 18, content);
        let seek: &mut dyn ReadSeek = match file.get_mut() {
            Content::Disk(file) => file,
            Content::Memory(bytes) => bytes,
        };
        seek.seek(SeekFrom::Start(0)).map_err(|error| cannot(error.to_string()))?;
        let mut bytes = Vec::new();
        let mut at = 0;
        for (index, &(start, line)) in places.iter().enumerate() {
            let stop = places.get(index + 1).map_or(end, |next| next.0);
            bytes.clear();
            let count = stop - at;
            file.by_ref()
                .take(count)
                .read_to_end(&mut bytes)
                .map_err(|error| cannot(error.to_string()))?;
            let skip = (start - at) as usize;
            at = stop;
            if index > 0 {
                // The reader stops between CR and LF, and passes over blank lines.
                let text = &bytes[skip..];
                let blank = text.iter().take_while(|byte| b"\r\n".contains(byte)).count();
                let lines = text[..blank].iter().filter(|byte| **byte == b'\n').count();
                let text = text[blank..].to_vec();
                let text = text.strip_suffix(b"\n").unwrap_or(&text);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                self.row(start + blank as u64, text, line as usize + lines);
            }
        }
        Ok(())
    }

    /// Notes the row of these bytes, and what is wrong with it.
    fn row(&mut self, offset: u64, bytes: &[u8], line: usize) {
        let row = self.input.rows.len() as u32;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut place = Place { offset, length, earlier: 0 };
        match self.check(bytes, line) {
            Ok((keep, earlier, session)) => {
                place.earlier = earlier;
                if keep {
                    self.kept.push(row);
                }
                if session > 0 && self.input.sessions.is_empty() {
                    self.input.sessions = vec![0; row as usize];
                }
                if session > 0 || !self.input.sessions.is_empty() {
                    self.input.sessions.push(session);
                }
            }
            Err(why) => {
                if !self.input.sessions.is_empty() {
                    self.input.sessions.push(0);
                }
                self.wrong += 1;
                if self.told.len() < TOLD {
                    self.told.push(format!("line {line}: {why}"));
                }
                let same = self.ids.entry(hash(b"content", bytes)).or_insert(0);
                place.earlier = *same;
                *same += 1;
                self.input.bad.insert(row, format!("line {line}: {why}"));
                self.kept.push(row);
            }
        }
        self.input.rows.push(place);
    }

    /// Whether the row is wanted, how many of the same content came before, and its session.
    fn check(&mut self, bytes: &[u8], line: usize) -> Result<(bool, u32, u32), String> {
        let record = Record::read(self.input.format, &self.input.columns, bytes)?;
        let keep = (self.keep)(&record);
        let prompt = record.prompt(self.input.format, &self.input.fields)?;
        let earlier = match &prompt.id {
            Some(id) => {
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                match self.ids.insert(hash(b"id", id.as_bytes()), line) {
                    None => 0,
                    Some(first) => {
                        self.ids.insert(hash(b"id", id.as_bytes()), first);
                        return Err(format!("its id `{id}` stands on line {first} already"));
                    }
                }
            }
            None => {
                let same = self.ids.entry(hash(b"content", bytes)).or_insert(0);
                *same += 1;
                *same - 1
            }
        };
        let next = self.names.len() as u32 + 1;
        let session = prompt
            .session
            .map_or(0, |name| *self.names.entry(hash(b"session", name.as_bytes())).or_insert(next));
        Ok((keep, earlier, session))
    }
}

/// 128 bits of SHA-256: two of a million rows meet with a chance of 10⁻²⁷.
fn hash(kind: &[u8], bytes: &[u8]) -> u128 {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(bytes).finalize();
    digest[..16].iter().fold(0, |word, byte| (word << 8) | u128::from(*byte))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
