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
    /// A picture that fills the terminal, with percentiles, errors and thresholds.
    Tui,
    /// Nothing.
    None,
}

/// Whether standard error may be coloured.
pub(super) fn coloured_view(colour: Colour, world: &dyn Surroundings) -> bool {
    let silent = world.var("NO_COLOR").is_some_and(|set| !set.is_empty());
    match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => !silent,
    }
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

/// What standard error shows of a run that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing.
    Nothing,
    /// Lines, or one line again and again.
    Lines(ProgressStyle),
    /// The live view.
    View,
}

/// What standard error shows. The live view needs a terminal: elsewhere there are plain lines.
pub(super) fn shown(choice: ProgressChoice, quiet: bool, world: &dyn Surroundings) -> Shown {
    let line = || {
        let ci = world.var("CI").is_some_and(|set| !set.is_empty() && set != "false");
        (stderr().is_terminal() && !ci).then(columns)
    };
    match choice {
        _ if quiet => Shown::Nothing,
        ProgressChoice::None => Shown::Nothing,
        ProgressChoice::Plain => Shown::Lines(ProgressStyle::Log),
        ProgressChoice::Auto => {
            Shown::Lines(line().map_or(ProgressStyle::Log, ProgressStyle::Line))
        }
        ProgressChoice::Tui if cfg!(feature = "tui") && stderr().is_terminal() => Shown::View,
        ProgressChoice::Tui => Shown::Lines(ProgressStyle::Log),
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
