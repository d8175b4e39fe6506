//! Thresholds as k6 writes them: `p(95)<800ms`, `max<5s`, `rate<1%`, on a metric with tags.

/// One expression on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The key as written, such as `ttfc{session=refund}`.
    pub metric: String,
    /// The expression as written, such as `p(95)<800ms`.
    pub expression: String,
}
