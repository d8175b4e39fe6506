//! What the terminal is like: how wide, in colour, or not there at all.

use std::io::{IsTerminal, stderr, stdout};

use clap::ValueEnum;

use crate::report::Style;
use crate::scenario::Surroundings;
use crate::sink::ProgressStyle;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressChoice {
    /// A line on a terminal, else plain lines.
    #[default]
    Auto,
    /// Plain lines.
    Plain,
    /// Nothing.
    None,
}

/// The style of a report on standard output.
pub(super) fn style(colour: Colour, world: &dyn Surroundings) -> Style {
    let wanted = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            stdout().is_terminal() && world.var("NO_COLOR").is_none_or(|set| set.is_empty())
        }
    };
    if wanted { Style::coloured() } else { Style::plain() }
}

/// How progress is shown on standard error; `None`: not at all.
pub(super) fn progress(
    choice: ProgressChoice,
    quiet: bool,
    world: &dyn Surroundings,
) -> Option<ProgressStyle> {
    let line = || {
        let ci = world.var("CI").is_some_and(|set| !set.is_empty() && set != "false");
        (stderr().is_terminal() && !ci).then(columns)
    };
    match choice {
        _ if quiet => None,
        ProgressChoice::None => None,
        ProgressChoice::Plain => Some(ProgressStyle::Log),
        ProgressChoice::Auto => Some(line().map_or(ProgressStyle::Log, ProgressStyle::Line)),
    }
}

/// Columns of standard output; 80 where it is no terminal.
pub(super) fn width() -> usize {
    columns_of(&stdout())
}

fn columns() -> usize {
    columns_of(&stderr())
}

#[cfg(unix)]
fn columns_of(stream: &impl std::os::fd::AsFd) -> usize {
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => 80,
    }
}

#[cfg(not(unix))]
fn columns_of<T>(_: &T) -> usize {
    80
}
