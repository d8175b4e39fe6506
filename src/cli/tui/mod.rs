//! `--progress tui`: a picture of the run that a person can live.
//!
//! A thread of its own draws what the collector was told, a few times a second; a slow terminal
//! holds up nobody.

mod draw;
mod screen;
mod suspended;

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::sink::live::Live;

/// Between two pictures.
const REDRAW: Duration = Duration::from_millis(200);

/// A line of the command's own below the head, and how much is done where it knows better; asked for
/// anew for each picture.
pub(super) type Line = Box<dyn Fn() -> (String, Option<f64>) + Send>;

/// The view, for as long as this is kept: then the terminal is as it was.
pub(super) struct LiveView(Option<JoinHandle<()>>);

impl LiveView {
    /// Draws from now on until the run has ended.
    ///
    /// # Errors
    /// The terminal cannot be taken.
    pub(super) fn start(live: Live, line: Option<Line>, coloured: bool) -> io::Result<Self> {
        let mut screen = screen::take()?;
        // After that: a signal that is listened for and not looked at would be lost.
        let listening = suspended::Suspensions::listen().inspect_err(|_| screen::give_back());
        let mut suspensions = listening?;
        let thread = std::thread::Builder::new().name("view".into()).spawn(move || {
            while screen::is_taken() && !live.has_ended() {
                let mut standing = live.standing();
                let (own, done) = line.as_ref().map(|line| line()).unzip();
                standing.done = done.flatten().or(standing.done);
                let said = super::voice::last();
                let drawn = screen.draw(|frame| {
                    draw::draw(frame, &standing, own.as_deref(), said.as_deref(), coloured);
                });
                // A terminal that is gone ends the view, not the run.
                if drawn.is_err() {
                    break;
                }
                let is_over = || live.has_ended();
                if suspensions.came_within(REDRAW) && !screen::lend(&mut screen, is_over) {
                    break;
                }
            }
        });
        match thread {
            Ok(thread) => Ok(Self(Some(thread))),
            Err(error) => {
                screen::give_back();
                Err(error)
            }
        }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
        screen::give_back();
    }
}
