//! `streamgauge init`: writes a first scenario with comments, to begin from.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use super::exit::Exit;

/// The scenario that is written.
pub const FIRST: &str = include_str!("init.yaml");

/// Arguments of `streamgauge init`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file to write; - is standard output. A file that is there stays as it is
    #[arg(value_name = "FILE", default_value = "scenario.yaml")]
    pub file: PathBuf,
}

/// Writes the scenario and says on `err` what to do with it; the exit code.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    if args.file.as_os_str() == "-" {
        return super::told(out.write_all(FIRST.as_bytes()).and_then(|()| out.flush()), err);
    }
    let file = args.file.display();
    match write_new(args) {
        Ok(()) => {
            let _ = writeln!(
                err,
                "wrote {file}\n  streamgauge plan {file}    shows what it would do\n  \
                 streamgauge run {file}     does it, in about ten seconds"
            );
            Exit::Done
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let _ = writeln!(err, "error: {file} is there already; name another file");
            Exit::Usage
        }
        Err(error) => {
            let _ = writeln!(err, "error: {file} cannot be written: {error}");
            Exit::Broken
        }
    }
}

fn write_new(args: &Args) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(&args.file)?;
    file.write_all(FIRST.as_bytes())
}
