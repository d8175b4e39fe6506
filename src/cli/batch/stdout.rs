//! What standard output is for: one thing at a time, so that what reads it need not sort.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::{Args, Refused};

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stdout {
    /// The summary.
    Summary,
    /// The results (`-o -`), at the end of a leg; the summary goes to standard error.
    Results,
    /// The events (`--events -`), as they happen; there is no summary.
    Events,
}

impl Args {
    /// What this batch hands to standard output.
    ///
    /// # Errors
    /// Two things want it.
    pub(super) fn stdout(&self) -> Result<Stdout, Refused> {
        let is_dash = |path: Option<&Path>| path.is_some_and(|path| path.as_os_str() == "-");
        match (is_dash(self.results.as_deref()), is_dash(self.events.as_deref())) {
            (true, true) => Err(Refused::usage(
                &"-o - and --events - both want standard output: give one of them a file",
            )),
            (true, false) => Ok(Stdout::Results),
            (false, true) => Ok(Stdout::Events),
            (false, false) => Ok(Stdout::Summary),
        }
    }

    /// The results file that was named, if one was: `-` is none.
    pub(super) fn results_file(&self) -> Option<&Path> {
        self.results.as_deref().filter(|path| path.as_os_str() != "-")
    }
}

/// Writes `text` to standard output.
pub(super) fn say(text: &str, out: &mut dyn Write) -> Result<(), Refused> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| unwritable(&error))
}

/// Copies the results file to standard output.
pub(super) fn hand_out(results: &Path, out: &mut dyn Write) -> Result<(), Refused> {
    let mut file = File::open(results)
        .map_err(|error| Refused::broken(&format!("cannot read {}: {error}", results.display())))?;
    io::copy(&mut file, out).and_then(|_| out.flush()).map_err(|error| unwritable(&error))
}

fn unwritable(error: &io::Error) -> Refused {
    Refused::broken(&format!("cannot write to standard output: {error}"))
}
