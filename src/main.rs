//! The streamgauge command: a thin binary over the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(streamgauge::cli::main())
}
