//! A command that did not come about, or not to its end: how it exits and what it says.

use std::io::Write;

use super::exit::Exit;

/// Why a command stopped, and its exit code.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) exit: Exit,
    /// As it is printed, `error: ` included.
    pub(super) why: String,
}

impl Refused {
    /// What was asked cannot be understood or read.
    pub(super) fn usage(error: &dyn std::fmt::Display) -> Self {
        let said = error.to_string();
        let why = if said.starts_with("error") { said } else { format!("error: {said}") };
        Self { exit: Exit::Usage, why }
    }

    /// It could not go on.
    pub(super) fn broken(error: &dyn std::fmt::Display) -> Self {
        Self { exit: Exit::Broken, why: format!("error: {error}") }
    }
}

/// How a command ends; what it could not do is said on `err`.
pub(super) fn settle(ended: Result<Exit, Refused>, err: &mut dyn Write) -> Exit {
    ended.unwrap_or_else(|Refused { exit, why }| {
        // Where even standard error is closed, the exit code still tells.
        let _ = writeln!(err, "{why}");
        exit
    })
}
