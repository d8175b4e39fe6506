//! A line that says how the run stands.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::Sink;
use crate::clock::Clock;
use crate::executor::Gauges;
use crate::measure::{Distribution, micros};
use crate::sample::{Outcome, Sample};
use crate::units::Offset;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStyle {
    /// One line, drawn again and again: for a terminal of this many columns.
    Line(usize),
    /// A new line now and then: for a log.
    Log,
}

/// Between two drawings of the line.
const REDRAW: Duration = Duration::from_millis(200);

/// A log line a second in the beginning, then every ten seconds.
const EARLY: Offset = Offset::from_nanos(10_000_000_000);

/// Shows how the run stands.
pub struct Progress {
    out: Box<dyn Write + Send>,
    style: ProgressStyle,
    clock: Clock,
    gauges: Vec<Arc<Gauges>>,
    /// How many turns there will be, where that is known.
    planned: Option<u64>,
    next: Offset,
    completed: u64,
    failed: u64,
    dropped: u64,
    ttfc: Distribution,
}

impl Progress {
    /// Shows the run that counts by `clock` on `out`. It never fails a run: what cannot be shown is
    /// not shown.
    pub fn new(
        out: Box<dyn Write + Send>,
        style: ProgressStyle,
        clock: Clock,
        gauges: Vec<Arc<Gauges>>,
        planned: Option<u64>,
    ) -> Self {
        Self {
            out,
            style,
            clock,
            gauges,
            planned,
            next: Offset::from_nanos(1_000_000_000),
            completed: 0,
            failed: 0,
            dropped: 0,
            ttfc: Distribution::new(),
        }
    }

    fn text(&self, now: Offset) -> String {
        let load = Gauges::sum(self.gauges.iter().map(AsRef::as_ref));
        let of = self.planned.map_or(String::new(), |planned| format!("/{planned}"));
        let mut text = format!(
            "{:>6.1}s  started {}  completed {}{of}  failed {}  in flight {}",
            now.as_secs_f64(),
            load.started,
            self.completed,
            self.failed,
            load.in_flight(),
        );
        if self.dropped > 0 {
            text.push_str(&format!("  dropped {}", self.dropped));
        }
        let at = |percent| self.ttfc.percentile(percent).map(|micros| micros as f64 / 1e3);
        if let (Some(half), Some(tail)) = (at(50.0), at(95.0)) {
            text.push_str(&format!("  ttfc p50 {half:.0} p95 {tail:.0} ms"));
        }
        text
    }
}

impl Sink for Progress {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        for sample in samples.iter().filter(|sample| !sample.retried) {
            match sample.outcome {
                Outcome::Completed => self.completed += 1,
                Outcome::Failed(_) | Outcome::TimedOut(_) => self.failed += 1,
                Outcome::Cancelled | Outcome::Dropped(_) => self.dropped += 1,
            }
            if let (Outcome::Completed, Some(ttfc)) = (sample.outcome, sample.timeline.ttfc()) {
                self.ttfc.record(micros(ttfc));
            }
        }
        Ok(())
    }

    fn tick(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        if now < self.next {
            return Ok(());
        }
        let text = self.text(now);
        let _ = match self.style {
            ProgressStyle::Line(columns) => {
                self.next = now + REDRAW;
                let text: String = text.chars().take(columns.saturating_sub(1)).collect();
                write!(self.out, "\r\x1b[2K{text}").and_then(|()| self.out.flush())
            }
            ProgressStyle::Log => {
                let step = if now < EARLY { 1 } else { 10 };
                self.next = now + Duration::from_secs(step);
                writeln!(self.out, "{text}")
            }
        };
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if let ProgressStyle::Line(_) = self.style {
            let _ = write!(self.out, "\r\x1b[2K").and_then(|()| self.out.flush());
        }
        Ok(())
    }
}
