//! Looking at a batch: how far it has come, whether everything agrees, and its results in another form.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::conduct::look;
use super::options::Kind;
use super::{Refused, place};
use crate::batch::{Account, Order, STATUSES, Shape, Status, View, no_rows, rebuild_samples};
use crate::cli::exit::Exit;
use crate::journal::{Journal, JournalError};

/// Does what was asked.
pub(super) fn inspect(kind: &Kind, out: &mut dyn Write) -> Result<Exit, Refused> {
    match kind {
        Kind::Status { run } => status(run, out),
        Kind::Verify { run } => verify(run, out),
        Kind::Export { run, results, output_format, order } => {
            export(run, results.as_deref(), *output_format, *order, out)
        }
    }
}

fn print(out: &mut dyn Write, text: &str) -> Result<(), Refused> {
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Refused::broken(&format!("cannot write to standard output: {error}")))
}

fn status(run: &Path, out: &mut dyn Write) -> Result<Exit, Refused> {
    let account = look(run)?;
    let running =
        matches!(Journal::probe(&run.join(place::JOURNAL)), Err(JournalError::Locked { .. }));
    let state = match (running, account.is_finished()) {
        (true, _) => "running",
        (false, true) => "finished",
        (false, false) => "stopped; the same command again goes on",
    };
    print(
        out,
        &format!(
            "{}\n{} attempts in {} legs; {state}\n",
            account.words(),
            account.attempts(),
            account.legs().len()
        ),
    )?;
    Ok(Exit::Done)
}

/// A sentence for each thing that does not agree.
fn verify(run: &Path, out: &mut dyn Write) -> Result<Exit, Refused> {
    let journal = run.join(place::JOURNAL);
    let account = look(run)?;
    let mut wrong = Vec::new();
    let mut good = vec![format!("journal: every record is whole; {}", account.words())];
    results(&journal, &account, &mut good, &mut wrong)?;
    let mut expected = Vec::new();
    let count =
        rebuild_samples(&journal, &mut expected).map_err(|error| Refused::broken(&error))?;
    match std::fs::read(run.join("samples.csv")) {
        Err(error) => wrong.push(format!("samples.csv cannot be read: {error}")),
        Ok(found) => {
            // Attempts end on several threads: the order may differ, the rows may not.
            let sorted = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let mut rows: Vec<String> = text
                    .lines()
                    .filter_map(|row| row.split_once(',').map(|(_, rest)| rest.to_owned()))
                    .filter(|row| !row.contains(",dropped,"))
                    .collect();
                rows.sort_unstable();
                rows
            };
            if sorted(&found) == sorted(&expected) {
                good.push(format!("samples.csv: {count} attempts, as in the journal"));
            } else if account.is_finished() {
                wrong.push("samples.csv does not hold the attempts of the journal".into());
            } else {
                good.push(
                    "samples.csv: not complete yet; it is made anew when the batch goes on".into(),
                );
            }
        }
    }
    let mut text = String::new();
    for line in &good {
        text.push_str(&format!("ok     {line}\n"));
    }
    for line in &wrong {
        text.push_str(&format!("WRONG  {line}\n"));
    }
    print(out, &text)?;
    Ok(if wrong.is_empty() { Exit::Done } else { Exit::Broken })
}

/// Whether the results are those of the journal, one a row.
fn results(
    journal: &Path,
    account: &Account,
    good: &mut Vec<String>,
    wrong: &mut Vec<String>,
) -> Result<(), Refused> {
    let Some(begin) = account.begin() else { return Ok(()) };
    let lines = Lines::default();
    let out = Box::new(lines.clone());
    let native = View::into(journal, out, Shape::Native, Order::Completion, no_rows()).and_then(
        |mut view| {
            let place = journal.to_owned();
            view.end().map_err(|source| crate::batch::ViewError::Write { path: place, source })
        },
    );
    native.map_err(|error| Refused::broken(&error))?;
    let expected = lines.take();
    let mut ids = std::collections::HashSet::new();
    let mut counts = [0u64; STATUSES.len()];
    for line in expected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        #[derive(serde::Deserialize)]
        struct Known {
            id: String,
            status: Status,
        }
        match serde_json::from_slice::<Known>(line) {
            Ok(known) => {
                counts[known.status as usize] += 1;
                if !ids.insert(known.id.clone()) {
                    wrong.push(format!("the id `{}` has two results", known.id));
                }
            }
            Err(error) => wrong.push(format!("a result cannot be read: {error}")),
        }
    }
    for status in STATUSES {
        if counts[status as usize] != account.count(status) {
            wrong.push(format!("the number of {} rows does not agree", status.word()));
        }
    }
    good.push(format!("results: {} ids, each once", ids.len()));
    let shown = std::fs::read(&begin.results);
    let sorted = |bytes: &[u8]| {
        let mut lines: Vec<Vec<u8>> =
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort_unstable();
        lines
    };
    match shown {
        Err(error) => wrong.push(format!("{} cannot be read: {error}", begin.results)),
        Ok(found) if found.first() == Some(&b'{') || found.is_empty() => {
            if !found.starts_with(b"{\"id\":\"batch_req_") {
                match sorted(&found) == sorted(&expected) {
                    true => good.push(format!("{}: as in the journal", begin.results)),
                    false => wrong.push(format!(
                        "{} is not what the journal says: the same command makes it anew",
                        begin.results
                    )),
                }
            }
        }
        Ok(_) => good.push(format!("{}: csv, not compared", begin.results)),
    }
    Ok(())
}

/// Bytes that can be looked at after they were written.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn export(
    run: &Path,
    results: Option<&Path>,
    shape: Shape,
    order: Order,
    out: &mut dyn Write,
) -> Result<Exit, Refused> {
    if shape == Shape::Csv {
        return Err(Refused::usage(
            &"a csv needs the input's columns: give the batch command again with --output-format csv",
        ));
    }
    look(run)?;
    let journal = run.join(place::JOURNAL);
    let cannot = |error: &dyn std::fmt::Display| Refused::broken(error);
    if let Some(path) = results {
        let mut view =
            View::begin(&journal, path, shape, order, no_rows()).map_err(|error| cannot(&error))?;
        view.end().map_err(|error| cannot(&error))?;
        return Ok(Exit::Done);
    }
    // Through a file without a name: the results may be larger than memory.
    let file = tempfile_in(run).map_err(|error| cannot(&error))?;
    let copy = file.try_clone().map_err(|error| cannot(&error))?;
    let mut view = View::into(&journal, Box::new(BufWriter::new(copy)), shape, order, no_rows())
        .map_err(|error| cannot(&error))?;
    view.end().map_err(|error| cannot(&error))?;
    drop(view);
    let mut file = file;
    io::Seek::seek(&mut file, io::SeekFrom::Start(0)).map_err(|error| cannot(&error))?;
    let mut reader = BufReader::new(file);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = reader.read(&mut buffer).map_err(|error| cannot(&error))?;
        if count == 0 {
            break;
        }
        out.write_all(&buffer[..count]).map_err(|error| cannot(&error))?;
    }
    out.flush().map_err(|error| cannot(&error))?;
    Ok(Exit::Done)
}

/// A file in the run directory that is gone when it is closed.
fn tempfile_in(run: &Path) -> io::Result<File> {
    let path = run.join(format!(".export-{}", std::process::id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
