//! `histograms.hlog`: an HdrHistogram interval log, a line a second and metric, tagged with the
//! metric's name.
//!
//! Values are whole microseconds of completed turns due after the warm-up, so the sum of all lines
//! of a tag is that metric's distribution in the summary; values above an hour are not in it. This
//! is the only file that has `gap`.

mod read;

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

use crate::measure::Interval;
use crate::metric::Metric;

pub use read::{HlogLine, HlogReader};

/// Writes the seconds of a run as they are over.
pub struct HlogWriter<W> {
    out: W,
    serializer: V2DeflateSerializer,
}

impl<W: Write> HlogWriter<W> {
    /// Begins the file. `origin` is the wall time of the run's origin, since the Unix epoch.
    pub fn new(mut out: W, origin: Duration) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let origin = SystemTime::UNIX_EPOCH + origin;
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[Values and Interval_Max are in microseconds]")
            .with_start_time(origin)
            .with_base_time(origin)
            .begin_log_with(&mut out, &mut serializer)?;
        // What readers of this format expect before the first line.
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
             \"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { out, serializer })
    }

    /// Writes one second of the whole run. `Err` where the file cannot be written.
    pub fn write(&mut self, interval: &Interval) -> io::Result<()> {
        let Some(all) = interval.tally.series(0) else { return Ok(()) };
        // Without headers to write, beginning a log writes nothing: it is the way to a line writer.
        let mut log =
            IntervalLogWriterBuilder::new().begin_log_with(&mut self.out, &mut self.serializer)?;
        let start = Duration::from_secs(interval.second);
        for metric in Metric::ALL {
            let Some(distribution) = all.distribution(metric) else { continue };
            // A second of a busy run is milliseconds of work, and where there is one processor it is the
            // workers': between two histograms they go first.
            std::thread::yield_now();
            let histogram = distribution.to_histogram();
            log.write_histogram(&histogram, start, Duration::from_secs(1), Tag::new(metric.name()))
                .map_err(|error| match error {
                    IntervalLogWriterError::IoError(error) => error,
                    IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
                })?;
        }
        Ok(())
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
