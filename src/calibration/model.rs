//! What a calibration holds, and what a run may cite of it. Keys are only ever added.

use serde::{Deserialize, Serialize};

use crate::summary::Accuracy;

/// Version of the file.
pub const FORMAT: u32 = 1;

/// Our own error on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of streamgauge.
    pub version: String,
    /// The transport that asked.
    pub transport: String,
    /// RFC 3339.
    pub measured_at: String,
    /// Whether it was the quick one.
    pub quick: bool,
    /// Processor model and number.
    pub machine: String,
    /// Who ran where.
    pub place: Place,
    /// Every schedule that was played, in order.
    pub cells: Vec<Cell>,
    /// The highest rate of requests with an error below 1 ms.
    pub highest_requests: Highest,
    /// The highest rate of chunks with an error below 1 ms.
    pub highest_chunks: Highest,
}

/// Which processors agent and client had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The agent's; null where they could not be kept apart.
    pub agent_cpu: Option<usize>,
    /// Worker threads of ours.
    pub workers: usize,
}

/// One schedule and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// `streams`, `requests` or `chunks`: what was set.
    pub by: String,
    /// Streams open at once, most at the end of a second or as set.
    pub streams: u64,
    /// Chunks in a reply.
    pub chunks: u32,
    /// Asked for, in sessions a second, in an open load.
    pub offered_per_s: Option<f64>,
    /// Completed.
    pub requests_per_s: f64,
    /// Of those, chunks.
    pub chunks_per_s: f64,
    /// Turns that were compared with the agent's log.
    pub compared: u64,
    /// Turns without a whole answer.
    pub failed: u64,
    /// Error of the time to first chunk.
    pub ttfc: Option<ErrorFigures>,
    /// Error of the gaps, where they were compared.
    pub gap: Option<ErrorFigures>,
    /// Error of the total.
    pub total: Option<ErrorFigures>,
    /// How late turns were sent.
    pub lateness: Option<LatenessFigures>,
    /// Our processor time for a request, in microseconds.
    pub cpu_us_per_request: f64,
    /// The same for a chunk.
    pub cpu_us_per_chunk: f64,
    /// How busy our busiest worker was, waiting for a processor included; a share.
    pub worker_busy: Option<f64>,
    /// How busy the agent's process was; a share of one processor.
    pub agent_busy: Option<f64>,
    /// Whether the rate was kept with an error below 1 ms.
    pub sustained: bool,
}

/// Absolute errors in milliseconds; the mean with its sign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorFigures {
    /// How many were compared.
    pub count: u64,
    /// Above zero: we saw more than there was.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// 99.9 %.
    pub p99_9_ms: f64,
    /// The largest.
    pub max_ms: f64,
}

/// Lateness in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatenessFigures {
    /// The median.
    pub p50_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// The largest.
    pub max_ms: f64,
}

/// The highest rate that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Highest {
    /// A second; null where not even the lowest was kept.
    pub per_s: Option<f64>,
    /// Why no higher one was.
    pub ended_by: String,
}

impl Cell {
    /// The error that one turn in a hundred is above, of the worse of both figures.
    pub fn error_ms(&self) -> Option<f64> {
        Some(self.ttfc?.p99_ms.max(self.total?.p99_ms))
    }
}

impl Calibration {
    /// What a run with so many streams of so many chunks may cite: the cell nearest to it, by the
    /// ratio of both.
    pub fn cite(&self, streams: u64, chunks: f64) -> Option<Accuracy> {
        let distance = |cell: &Cell| {
            let streams = (cell.streams.max(1) as f64 / streams.max(1) as f64).ln();
            let chunks = (f64::from(cell.chunks.max(1)) / chunks.max(1.0)).ln();
            streams.hypot(chunks)
        };
        let cells = self.cells.iter().filter(|cell| cell.by == "streams" && cell.ttfc.is_some());
        let cell = cells.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        let (ttfc, total) = (cell.ttfc?, cell.total?);
        Some(Accuracy {
            ttfc_p50_ms: ttfc.p50_ms,
            ttfc_p99_ms: ttfc.p99_ms,
            total_p50_ms: total.p50_ms,
            total_p99_ms: total.p99_ms,
            gap_p99_ms: cell.gap.map(|gap| gap.p99_ms),
            streams: cell.streams,
            chunks: cell.chunks,
            measured_at: self.measured_at.clone(),
            version: self.version.clone(),
            transport: self.transport.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(streams: u64, chunks: u32, p99_ms: f64) -> Cell {
        let error = ErrorFigures {
            count: 9,
            mean_ms: 0.1,
            p50_ms: 0.1,
            p99_ms,
            p99_9_ms: p99_ms,
            max_ms: p99_ms,
        };
        Cell {
            by: "streams".into(),
            streams,
            chunks,
            offered_per_s: None,
            requests_per_s: 1.0,
            chunks_per_s: 1.0,
            compared: 9,
            failed: 0,
            ttfc: Some(error),
            gap: None,
            total: Some(error),
            lateness: None,
            cpu_us_per_request: 1.0,
            cpu_us_per_chunk: 1.0,
            worker_busy: None,
            agent_busy: None,
            sustained: true,
        }
    }

    #[test]
    fn a_run_cites_the_cell_that_is_most_like_it() {
        let highest = Highest { per_s: None, ended_by: String::new() };
        let calibration = Calibration {
            format: FORMAT,
            version: "1".into(),
            transport: "wire".into(),
            measured_at: "2026".into(),
            quick: true,
            machine: "m".into(),
            place: Place { agent_cpu: None, workers: 1 },
            cells: vec![
                cell(10, 5, 0.1),
                cell(100, 5, 0.2),
                cell(100, 200, 0.3),
                cell(1000, 5, 0.4),
            ],
            highest_requests: highest.clone(),
            highest_chunks: highest,
        };
        let p99 = |streams, chunks| calibration.cite(streams, chunks).unwrap().ttfc_p99_ms;
        assert_eq!(p99(1, 1.0), 0.1);
        assert_eq!(p99(60, 20.0), 0.2);
        assert_eq!(p99(60, 90.0), 0.3);
        assert_eq!(p99(20_000, 5.0), 0.4);
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(serde_json::from_str::<Calibration>(&text).unwrap(), calibration);
    }
}
