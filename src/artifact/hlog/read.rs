//! Reading `histograms.hlog` back, a line at a time.

use std::io::{self, BufRead};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::metric::Metric;

/// What one metric came to in one stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct HlogLine {
    /// Since the run's origin.
    pub start: Duration,
    /// How long it is: a second, in files of this tool.
    pub length: Duration,
    /// Which metric.
    pub metric: Metric,
    /// Its values in microseconds.
    pub histogram: Histogram<u64>,
}

/// Reads the lines in order. Comments, and tags that are not metrics, are passed over; a last line
/// that is not whole (the run was killed while it was written) is left out.
pub struct HlogReader<R> {
    lines: R,
    line: Vec<u8>,
    number: u64,
    deserializer: Deserializer,
    wanted: Vec<Metric>,
}

impl<R: BufRead> HlogReader<R> {
    /// Reads from the start of a file.
    pub fn new(lines: R) -> Self {
        Self {
            lines,
            line: Vec::new(),
            number: 0,
            deserializer: Deserializer::new(),
            wanted: Metric::ALL.to_vec(),
        }
    }

    /// Passes over every other metric: what is not unpacked costs nothing.
    #[must_use]
    pub fn only(self, wanted: &[Metric]) -> Self {
        Self { wanted: wanted.to_vec(), ..self }
    }

    /// The next line of a metric.
    ///
    /// # Errors
    /// The file cannot be read, or a whole line of it is not one of an interval log.
    fn read(&mut self) -> io::Result<Option<HlogLine>> {
        loop {
            self.line.clear();
            self.lines.read_until(b'\n', &mut self.line)?;
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            self.number += 1;
            // What follows is made for whole files: a line is one as well.
            let Some(entry) = IntervalLogIterator::new(&self.line).next() else { continue };
            let interval = match entry {
                Ok(LogEntry::Interval(interval)) => interval,
                Ok(_) => continue,
                // The head of the table is no line of the log's grammar.
                Err(_) if self.line.starts_with(b"\"") => continue,
                Err(_) => return Err(self.damaged()),
            };
            let metric = interval.tag().and_then(|tag| tag.as_str().parse().ok());
            let Some(metric) = metric.filter(|one| self.wanted.contains(one)) else { continue };
            let bytes = STANDARD.decode(interval.encoded_histogram());
            let histogram = bytes
                .ok()
                .and_then(|bytes| self.deserializer.deserialize(&mut bytes.as_slice()).ok());
            let Some(histogram) = histogram else { return Err(self.damaged()) };
            let (start, length) = (interval.start_timestamp(), interval.duration());
            return Ok(Some(HlogLine { start, length, metric, histogram }));
        }
    }

    fn damaged(&self) -> io::Error {
        let what = format!("histograms.hlog, line {}: not a histogram", self.number);
        io::Error::new(io::ErrorKind::InvalidData, what)
    }
}

impl<R: BufRead> Iterator for HlogReader<R> {
    type Item = io::Result<HlogLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
