//! Colour, or none.

use anstyle::{AnsiColor, Style as Ansi};

/// How a report is painted. The library uses no colour unless it is asked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// Text alone.
    pub fn plain() -> Self {
        Self::default()
    }

    /// With ANSI codes, for a terminal.
    pub fn coloured() -> Self {
        Self { coloured: true }
    }

    pub(super) fn heading(self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    fn paint(self, style: Ansi, text: &str) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.into() }
    }
}
