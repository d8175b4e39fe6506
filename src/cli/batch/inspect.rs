//! Looking at a batch: how far it has come, and its results in another form.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::conduct::look;
use super::options::Kind;
use super::{Refused, place};
use crate::batch::{Order, Shape, View, no_rows};
use crate::cli::exit::Exit;
use crate::journal::{Journal, JournalError};

/// Does what was asked.
pub(super) fn inspect(kind: &Kind, out: &mut dyn Write) -> Result<Exit, Refused> {
    match kind {
        Kind::Status { run } => status(run, out),
        Kind::Verify { run } => super::verify::verify(run, out),
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
