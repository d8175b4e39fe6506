//! What is said on standard error while a run goes on, where something else may be drawing.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was said while the screen was not free; `None`: it is free.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn held() -> MutexGuard<'static, Option<Vec<String>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says it, or keeps it for whoever has the screen.
pub(super) fn say(text: &str) {
    match held().as_mut() {
        Some(kept) => kept.push(text.to_owned()),
        // The progress line may be half drawn.
        None => drop(writeln!(std::io::stderr(), "\n{text}")),
    }
}

/// From now on what is said is kept.
#[cfg(feature = "tui")]
pub(super) fn hold() {
    held().get_or_insert_default();
}

/// What was said last.
#[cfg(feature = "tui")]
pub(super) fn last() -> Option<String> {
    held().as_ref()?.last().cloned()
}

/// The screen is free again: what was kept is said.
#[cfg(feature = "tui")]
pub(super) fn release() {
    let kept = held().take();
    for text in kept.into_iter().flatten() {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
