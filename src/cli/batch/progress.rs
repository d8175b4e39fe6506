//! How a batch stands, on standard error; and the hand that stops it when its time is over.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Desk, Halt, Standing};
use crate::clock::Clock;
use crate::executor::{Stop, StopPhase};
use crate::sink::{ProgressStyle, Sink};
use crate::units::{Offset, Span};

const REDRAW: Duration = Duration::from_millis(200);

/// Between two lines of a log, in the beginning and later.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(10);

/// Shows the desk's standing.
pub(super) struct BatchProgress {
    desk: Arc<Desk>,
    clock: Clock,
    style: Option<ProgressStyle>,
    deadline: Option<Duration>,
    stop: Stop,
    /// The desk has stopped itself, or knows that it is stopped.
    stopped: bool,
    next: Offset,
}

impl BatchProgress {
    pub(super) fn new(
        desk: Arc<Desk>,
        clock: Clock,
        style: Option<ProgressStyle>,
        deadline: Option<Duration>,
        stop: Stop,
    ) -> Self {
        let next = Offset::ZERO + OFTEN;
        Self { desk, clock, style, deadline, stop, stopped: false, next }
    }

    /// Tells once that somebody wants the batch to stop.
    fn notice_stop(&mut self) {
        if !self.stopped && self.stop.phase() > StopPhase::Running {
            self.stopped = true;
            if self.desk.halted().is_none() {
                self.desk.interrupted();
            }
        }
    }
}

/// One line.
pub(super) fn text(standing: &Standing, now: Offset) -> String {
    let fresh = standing.finished() - standing.before;
    let left = standing.items - standing.finished();
    let seconds = now.as_secs_f64();
    let rate = if seconds > 0.0 { fresh as f64 / seconds } else { 0.0 };
    let mut text = format!(
        "{}/{} done  {} failed  {left} left  {rate:.1}/s",
        standing.finished(),
        standing.items,
        standing.unanswered()
    );
    if rate > 0.0 && left > 0 {
        let eta = Duration::from_secs((left as f64 / rate).ceil() as u64);
        text.push_str(&format!("  ETA {}", Span(eta)));
    }
    text.push_str(&format!("  in flight {}/{}", standing.under_way, standing.limit));
    if standing.waiting > 0 {
        text.push_str(&format!("  to try again {}", standing.waiting));
    }
    if let Some(until) = standing.closed_until {
        let wait = Duration::from_secs(until.since(now).as_secs() + 1);
        text.push_str(&format!("  target asks to wait {}", Span(wait)));
    }
    if let Some(error) = &standing.last_error {
        text.push_str(&format!("  last error: {error}"));
    }
    text
}

/// How much is done as a picture, with a space after it; nothing where the words need the room.
fn bar(done: u64, of: u64, columns: usize) -> String {
    const WIDTH: u64 = 16;
    if columns < 60 || of == 0 {
        return String::new();
    }
    let full = (done.min(of) * WIDTH / of) as usize;
    format!("[{:.<width$}] ", "#".repeat(full), width = WIDTH as usize)
}

impl Sink for BatchProgress {
    fn tick(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        if self.deadline.is_some_and(|deadline| now >= Offset::ZERO + deadline) {
            self.deadline = None;
            self.desk.halt(Halt::Deadline);
        }
        self.notice_stop();
        if now < self.next {
            return Ok(());
        }
        let Some(style) = self.style else { return Ok(()) };
        let standing = self.desk.standing();
        let text = text(&standing, now);
        let mut err = io::stderr();
        // What cannot be shown is not shown.
        let _ = match style {
            ProgressStyle::Line(columns) => {
                self.next = now + REDRAW;
                let bar = bar(standing.finished(), standing.items, columns);
                let text: String =
                    bar.chars().chain(text.chars()).take(columns.max(1) - 1).collect();
                write!(err, "\r\x1b[2K{text}").and_then(|()| err.flush())
            }
            ProgressStyle::Log => {
                let early = now < Offset::ZERO + SELDOM;
                self.next = now + if early { OFTEN } else { SELDOM };
                writeln!(err, "{text}")
            }
        };
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.notice_stop();
        if let Some(ProgressStyle::Line(_)) = self.style {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_when_all_is_done() {
        assert_eq!(bar(0, 3, 80), "[................] ");
        assert_eq!(bar(2, 3, 80), "[##########......] ");
        assert_eq!(bar(999, 1_000, 80), "[###############.] ");
        assert_eq!(bar(3, 3, 80), "[################] ");
        assert_eq!(bar(1, 3, 59) + &bar(0, 0, 80), "");
    }
}
