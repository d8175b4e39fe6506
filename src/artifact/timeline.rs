//! `timeline.csv`: one row a second, written as the seconds are over.

mod read;

use std::io::{self, Write};

use crate::measure::{ControlSecond, Interval};
use crate::metric::Metric;

pub use read::TimelineTable;

/// The columns. New ones are only ever appended; readers go by name.
///
/// `started` and `ended` count attempts that were sent, `failed` those that failed or timed out,
/// `in_flight` those on the wire at the end of the second. Percentiles are of the turns that were
/// completed in the second, the warm-up included; empty where there is none. The excess is that of the
/// control turns of the second: how much longer than they did they seemed to take, the median of
/// each figure and the worst of all; `control_above` is 1 where a median was more than 1 ms and 1 %
/// of the second's p50 of ttfc.
pub const TIMELINE_COLUMNS: [&str; 18] = [
    "second",
    "started",
    "ended",
    "failed",
    "in_flight",
    "ttfc_p50_ms",
    "ttfc_p95_ms",
    "ttfc_p99_ms",
    "total_p50_ms",
    "total_p95_ms",
    "total_p99_ms",
    "completed",
    "dropped",
    "control_turns",
    "control_ttfc_excess_ms",
    "control_total_excess_ms",
    "control_worst_excess_ms",
    "control_above",
];

/// Writes the seconds of a run, those in which nothing happened as well.
#[derive(Debug)]
pub struct TimelineWriter<W> {
    out: W,
    next: u64,
    in_flight: u64,
}

impl<W: Write> TimelineWriter<W> {
    /// Begins the file with its header. `Err` where it cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{}", TIMELINE_COLUMNS.join(","))?;
        Ok(Self { out, next: 0, in_flight: 0 })
    }

    /// Writes one second of the whole run; seconds must come in order, each once.
    pub fn write(&mut self, interval: &Interval) -> io::Result<()> {
        self.write_with(interval, |_, _| None)
    }

    /// The same with control turns beside it: `control` is asked
    /// for the control turns of a second in which the target typically took so many microseconds
    /// to its first chunk.
    pub fn write_with(
        &mut self,
        interval: &Interval,
        control: impl Fn(u64, u64) -> Option<ControlSecond>,
    ) -> io::Result<()> {
        for quiet in self.next..interval.second {
            write!(self.out, "{quiet},0,0,0,{},,,,,,,0,0", self.in_flight)?;
            self.control(control(quiet, 0).as_ref())?;
        }
        self.next = interval.second + 1;
        let flow = &interval.flow;
        self.in_flight = (self.in_flight + flow.started).saturating_sub(flow.ended);
        write!(
            self.out,
            "{},{},{},{},{}",
            interval.second, flow.started, flow.ended, flow.failed, self.in_flight
        )?;
        for metric in [Metric::Ttfc, Metric::Total] {
            let all = interval.completed(metric);
            for percent in [50.0, 95.0, 99.0] {
                match all.percentile(percent) {
                    Some(micros) => {
                        write!(self.out, ",{}.{:03}", micros / 1_000, micros % 1_000)?;
                    }
                    None => write!(self.out, ",")?,
                }
            }
        }
        write!(self.out, ",{},{}", flow.completed, flow.dropped)?;
        let typical = interval.completed(Metric::Ttfc).percentile(50.0).unwrap_or(0);
        self.control(control(interval.second, typical).as_ref())
    }

    fn control(&mut self, second: Option<&ControlSecond>) -> io::Result<()> {
        let millis = |micros: i64| micros as f64 / 1e3;
        let median = second.and_then(ControlSecond::median);
        match (second, median, second.and_then(ControlSecond::worst)) {
            (Some(second), Some(median), Some(worst)) => writeln!(
                self.out,
                ",{},{:.3},{:.3},{:.3},{}",
                second.turns(),
                millis(median.ttfc),
                millis(median.total),
                millis(worst),
                if second.is_above() { "1" } else { "" }
            ),
            _ => writeln!(self.out, ",0,,,,"),
        }
    }

    /// Hands everything on to the file. `Err` where it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the writing.
    pub fn into_inner(self) -> W {
        self.out
    }
}
