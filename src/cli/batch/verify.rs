//! Whether everything in a batch's directory agrees: the journal is replayed, results and samples are made
//! anew, and compared line by line. What is kept of a line is its digest, so that a million rows do not fill
//! the memory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::conduct::look;
use super::{Refused, place};
use crate::batch::{
    Account, Order, STATUSES, Shape, Status, View, ViewError, answer_cells, no_rows,
    rebuild_samples,
};
use crate::cli::exit::Exit;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    good: Vec<String>,
    wrong: Vec<String>,
}

/// Says what agrees and what does not.
pub(super) fn verify(run: &Path, out: &mut dyn Write) -> Result<Exit, Refused> {
    let journal = run.join(place::JOURNAL);
    let account = look(run)?;
    let mut findings = Findings::default();
    findings.good.push(format!("journal: every record is whole; {}", account.words()));
    results(&journal, &account, &mut findings)?;
    samples(run, &journal, &account, &mut findings)?;
    let mut text = String::new();
    for line in &findings.good {
        text.push_str(&format!("ok     {line}\n"));
    }
    for line in &findings.wrong {
        text.push_str(&format!("WRONG  {line}\n"));
    }
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Refused::broken(&format!("cannot write to standard output: {error}")))?;
    Ok(if findings.wrong.is_empty() { Exit::Done } else { Exit::Broken })
}

/// Whether the results are those of the journal, one a row.
fn results(journal: &Path, account: &Account, findings: &mut Findings) -> Result<(), Refused> {
    let Some(begin) = account.begin() else { return Ok(()) };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let looking = Arc::clone(&seen);
    view(journal, Shape::Native, move |line| {
        looking.lock().unwrap_or_else(PoisonError::into_inner).line(line);
    })?;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    findings.wrong.extend(seen.wrong);
    for status in STATUSES {
        if seen.counts[status as usize] != account.count(status) {
            findings.wrong.push(format!("the number of {} rows does not agree", status.word()));
        }
    }
    findings.good.push(format!("results: {} ids, each once", seen.ids.len()));
    let shown = match shown(Path::new(&begin.results)) {
        Ok(shown) => shown,
        Err(error) => {
            findings.wrong.push(format!("{} cannot be read: {error}", begin.results));
            return Ok(());
        }
    };
    let (found, expected, what) = match shown {
        Shown::Native(found) => (found, seen.native, ""),
        Shown::Csv(found) => (found, seen.csv, " (the answers' columns)"),
        Shown::OpenAi(found) => {
            let expected = Arc::new(Mutex::new(Vec::new()));
            let adding = Arc::clone(&expected);
            view(journal, Shape::OpenAi, move |line| {
                adding.lock().unwrap_or_else(PoisonError::into_inner).push(digest(line));
            })?;
            let expected =
                std::mem::take(&mut *expected.lock().unwrap_or_else(PoisonError::into_inner));
            (found, expected, "")
        }
    };
    match agree(found, expected) {
        true => findings.good.push(format!("{}: as in the journal{what}", begin.results)),
        false => findings.wrong.push(format!(
            "{} is not what the journal says: the same command makes it anew",
            begin.results
        )),
    }
    Ok(())
}

/// Whether the samples are those of the journal. Attempts end on several threads: the order may differ, the
/// rows may not.
fn samples(
    run: &Path,
    journal: &Path,
    account: &Account,
    findings: &mut Findings,
) -> Result<(), Refused> {
    // Without their numbers; those never sent are not in the journal.
    let row = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        let (_, rest) = text.split_once(',')?;
        (!rest.contains(",dropped,")).then(|| digest(rest.as_bytes()))
    };
    let mut expected = Vec::new();
    let mut lines = Lines::new(|line: &[u8]| expected.extend(row(line)));
    let count = rebuild_samples(journal, &mut lines).map_err(|error| Refused::broken(&error))?;
    drop(lines);
    let path = run.join("samples.csv");
    let mut found = Vec::new();
    let read = File::open(path)
        .and_then(|file| each_line(BufReader::new(file), |line| found.extend(row(line))));
    match read {
        Err(error) => findings.wrong.push(format!("samples.csv cannot be read: {error}")),
        Ok(()) if agree(found, expected) => {
            findings.good.push(format!("samples.csv: {count} attempts, as in the journal"));
        }
        Ok(()) if account.is_finished() => {
            findings.wrong.push("samples.csv does not hold the attempts of the journal".into());
        }
        Ok(()) => findings
            .good
            .push("samples.csv: not complete yet; it is made anew when the batch goes on".into()),
    }
    Ok(())
}

/// What the journal's results are like.
#[derive(Debug, Default)]
struct Seen {
    native: Vec<u128>,
    csv: Vec<u128>,
    ids: HashSet<u128>,
    counts: [u64; STATUSES.len()],
    wrong: Vec<String>,
}

impl Seen {
    fn line(&mut self, line: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Known {
            id: String,
            status: Status,
        }
        self.native.push(digest(line));
        let known = serde_json::from_slice::<Known>(line);
        match (known, answer_cells(line)) {
            (Ok(known), Ok(cells)) => {
                self.counts[known.status as usize] += 1;
                if !self.ids.insert(digest(known.id.as_bytes())) {
                    self.wrong.push(format!("the id `{}` has two results", known.id));
                }
                self.csv.push(cells_digest(cells.iter().map(String::as_str)));
            }
            (Err(error), _) | (_, Err(error)) => {
                self.wrong.push(format!("a result cannot be read: {error}"));
            }
        }
    }
}

/// A results file, by its form.
enum Shown {
    Native(Vec<u128>),
    OpenAi(Vec<u128>),
    Csv(Vec<u128>),
}

fn shown(path: &Path) -> io::Result<Shown> {
    let mut start = Vec::new();
    File::open(path)?.take(32).read_to_end(&mut start)?;
    let file = BufReader::with_capacity(1 << 18, File::open(path)?);
    if !start.is_empty() && !start.starts_with(b"{\"id\":") {
        let mut rows = Vec::new();
        for record in csv::ReaderBuilder::new().flexible(true).from_reader(file).records() {
            let record = record.map_err(io::Error::other)?;
            rows.push(cells_digest(record.iter().skip(record.len().saturating_sub(5))));
        }
        return Ok(Shown::Csv(rows));
    }
    let mut lines = Vec::new();
    each_line(file, |line| lines.push(digest(line)))?;
    Ok(match start.starts_with(b"{\"id\":\"batch_req_") {
        true => Shown::OpenAi(lines),
        false => Shown::Native(lines),
    })
}

/// Makes the results anew and hands over each line.
fn view(
    journal: &Path,
    shape: Shape,
    line: impl FnMut(&[u8]) + Send + 'static,
) -> Result<(), Refused> {
    let out = Box::new(Lines::new(line));
    View::into(journal, out, shape, Order::Completion, no_rows())
        .and_then(|mut view| {
            let path = journal.to_owned();
            view.end().map_err(|source| ViewError::Write { path, source })
        })
        .map(|_| ())
        .map_err(|error| Refused::broken(&error))
}

fn each_line(mut file: impl BufRead, mut look: impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        look(line.strip_suffix(b"\n").unwrap_or(&line));
    }
}

/// Lines in any order, each as often as on the other side.
fn agree(mut one: Vec<u128>, mut other: Vec<u128>) -> bool {
    one.sort_unstable();
    other.sort_unstable();
    one == other
}

/// 128 bits of SHA-256.
fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest[..16].iter().fold(0, |word, byte| (word << 8) | u128::from(*byte))
}

fn cells_digest<'a>(cells: impl Iterator<Item = &'a str>) -> u128 {
    let mut joined = Vec::new();
    for cell in cells {
        joined.extend_from_slice(&(cell.len() as u64).to_le_bytes());
        joined.extend_from_slice(cell.as_bytes());
    }
    digest(&joined)
}

/// Hands over what is written, line by line.
struct Lines<F> {
    part: Vec<u8>,
    line: F,
}

impl<F: FnMut(&[u8])> Lines<F> {
    fn new(line: F) -> Self {
        Self { part: Vec::new(), line }
    }
}

impl<F: FnMut(&[u8])> Write for Lines<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.part.extend_from_slice(&rest[..at]);
            (self.line)(&self.part);
            self.part.clear();
            rest = &rest[at + 1..];
        }
        self.part.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
