//! How exact this machine's figures were when they were last held against the truth.

use serde::{Deserialize, Serialize};

/// Our own error in the situation of the last calibration that is most like a run's, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Absolute error of the time to first chunk: the median.
    pub ttfc_p50_ms: f64,
    /// 99 %.
    pub ttfc_p99_ms: f64,
    /// Absolute error of the total: the median.
    pub total_p50_ms: f64,
    /// 99 %.
    pub total_p99_ms: f64,
    /// Absolute error of a gap, 99 %, where gaps were compared.
    pub gap_p99_ms: Option<f64>,
    /// Streams open at once in that situation.
    pub streams: u64,
    /// Chunks in its replies.
    pub chunks: u32,
    /// When it was measured, RFC 3339.
    pub measured_at: String,
    /// By which version of streamgauge.
    pub version: String,
    /// With which transport.
    pub transport: String,
}
