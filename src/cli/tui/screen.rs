//! Taking the terminal, and giving it back as it was: at the end, on a signal, and on a panic.

use std::io::{Stderr, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};

use super::suspended;
use crate::cli::voice;

/// How often a process in the background looks whether it has the terminal again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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
    let taken = enter().and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
    if taken.is_err() {
        give_back();
    }
    taken
}

fn enter() -> std::io::Result<()> {
    *KEYBOARD.lock().unwrap_or_else(PoisonError::into_inner) = keyboard::silence();
    TAKEN.store(true, Ordering::Release);
    execute!(stderr(), EnterAlternateScreen, Hide)
}

/// Gives it to the shell while the process is suspended, and takes it again when it goes on and is in
/// the foreground. What is said meanwhile is still kept. False if it cannot be had again, or is no
/// longer wanted.
pub(super) fn lend(screen: &mut Screen, is_over: impl Fn() -> bool) -> bool {
    if !leave() {
        return false;
    }
    suspended::suspend();
    while !suspended::has_terminal() {
        if is_over() {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    enter().and_then(|()| screen.clear()).is_ok()
}

/// Whether it is still ours: after a panic elsewhere it is not.
pub(super) fn is_taken() -> bool {
    TAKEN.load(Ordering::Acquire)
}

/// Gives it back, once, however often it is called.
pub(super) fn give_back() {
    leave();
    voice::release();
}

/// Puts the terminal back as it was; false if it was not ours.
fn leave() -> bool {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return false;
    }
    // A terminal that is gone cannot be given back.
    let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    if let Some(before) = KEYBOARD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        keyboard::restore(&before);
    }
    true
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use ratatui::widgets::Paragraph;
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    use super::*;

    /// Set in the process that panics.
    const CHILD: &str = "STREAMGAUGE_TEST_PANICS";

    /// Everything that a process wrote to its terminal until it ended.
    fn on_a_terminal(mut command: Command) -> String {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).unwrap();
        let stdio = || Stdio::from(theirs.try_clone().unwrap());
        let mut child = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
        drop((theirs, command));
        let mut written = Vec::new();
        // A terminal whose other end is closed gives an error, not an end.
        let _ = File::from(ours).read_to_end(&mut written);
        assert!(!child.wait().unwrap().success());
        String::from_utf8_lossy(&written).into_owned()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tells the process that panics from this one")]
    fn a_panic_is_told_on_the_terminal_as_it_was() {
        if std::env::var_os(CHILD).is_some() {
            let mut screen = take().unwrap();
            screen
                .draw(|frame| frame.render_widget(Paragraph::new("picture"), frame.area()))
                .unwrap();
            voice::say("said meanwhile");
            panic!("on purpose");
        }
        let name = "cli::tui::screen::tests::a_panic_is_told_on_the_terminal_as_it_was";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(CHILD, "1");
        let written = on_a_terminal(command);
        let place = |text: &str| {
            written.find(text).unwrap_or_else(|| panic!("{text:?} is not in {written:?}"))
        };
        let order = ["\x1b[?1049h", "picture", "\x1b[?1049l", "said meanwhile", "on purpose"];
        let places = order.map(place);
        assert!(places.is_sorted(), "{places:?} in {written:?}");
        assert!(place("\x1b[?25h") < place("on purpose"), "the cursor is seen again");
    }
}
