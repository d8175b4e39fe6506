//! `timeline.csv`: one row a second, written as the seconds are over.

mod read;

use std::io::{self, Write};

use crate::measure::{Distribution, Interval};
use crate::metric::Metric;

pub use read::TimelineTable;

/// The columns. New ones are only ever appended; readers go by name.
///
/// `started` and `ended` count attempts that were sent, `failed` those that failed or timed out,
/// `in_flight` those on the wire at the end of the second. Percentiles are of the turns that were
/// completed in the second, the warm-up included; empty where there is none.
pub const TIMELINE_COLUMNS: [&str; 13] = [
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
        for quiet in self.next..interval.second {
            writeln!(self.out, "{quiet},0,0,0,{},,,,,,,0,0", self.in_flight)?;
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
            let all = completed(interval, metric);
            for percent in [50.0, 95.0, 99.0] {
                match all.percentile(percent) {
                    Some(micros) => {
                        write!(self.out, ",{}.{:03}", micros / 1_000, micros % 1_000)?;
                    }
                    None => write!(self.out, ",")?,
                }
            }
        }
        writeln!(self.out, ",{},{}", flow.completed, flow.dropped)
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

fn completed(interval: &Interval, metric: Metric) -> Distribution {
    let tally = &interval.tally;
    let mut all = tally.warmup.distribution(metric).cloned().unwrap_or_default();
    if let Some(steady) = tally.series(0).and_then(|series| series.distribution(metric)) {
        all.merge(steady);
    }
    all
}
