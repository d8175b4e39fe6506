//! Taking the terminal, and giving it back as it was: at the end, on a signal, and on a panic.

use std::io::{Stderr, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};

use crate::cli::voice;

/// Whether we have it.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// How the keyboard was.
static KEYBOARD: Mutex<Option<keyboard::Before>> = Mutex::new(None);
static ON_PANIC: Once = Once::new();

/// What is drawn on.
pub(super) type Screen = Terminal<CrosstermBackend<Stderr>>;

/// Takes the terminal that standard error is.
///
/// # Errors
/// It is none, or does not do what it is told.
pub(super) fn take() -> std::io::Result<Screen> {
    ON_PANIC.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Else what is said of the panic is lost with the screen it is written on.
            give_back();
            before(panic);
        }));
    });
    voice::hold();
    *KEYBOARD.lock().unwrap_or_else(PoisonError::into_inner) = keyboard::silence();
    TAKEN.store(true, Ordering::Release);
    let taken = execute!(stderr(), EnterAlternateScreen, Hide)
        .and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Whether it is still ours: after a panic elsewhere it is not.
pub(super) fn is_taken() -> bool {
    TAKEN.load(Ordering::Acquire)
}

/// Gives it back, once, however often it is called.
pub(super) fn give_back() {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    // A terminal that is gone cannot be given back.
    let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    if let Some(before) = KEYBOARD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        keyboard::restore(&before);
    }
    voice::release();
}

/// Keys that are pressed must not be written over the picture. Ctrl-C stays a signal.
#[cfg(unix)]
mod keyboard {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    pub(super) type Before = Termios;

    pub(super) fn silence() -> Option<Before> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        tcsetattr(std::io::stdin(), OptionalActions::Now, &silent).ok()?;
        Some(before)
    }

    pub(super) fn restore(before: &Before) {
        // What was typed meanwhile was meant for nobody.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
    }
}

#[cfg(not(unix))]
mod keyboard {
    pub(super) type Before = ();

    pub(super) fn silence() -> Option<Before> {
        None
    }

    pub(super) fn restore((): &Before) {}
}
