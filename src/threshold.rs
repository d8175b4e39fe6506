//! Thresholds as k6 writes them: `p(95)<800ms`, `max<5s`, `rate<1%`, on a metric with tags.

/// One expression on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The key as written, such as `ttfc{session=refund}`.
    pub metric: String,
    /// The expression as written, such as `p(95)<800ms`.
    pub expression: String,
}

/// Which turns a threshold is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Of this session kind alone.
    pub kind: Option<u16>,
    /// At this position in their session alone, from 1.
    pub turn: Option<u32>,
}

impl Selection {
    /// Whether a turn belongs to it.
    pub fn holds(self, kind: u16, turn: u32) -> bool {
        self.kind.is_none_or(|only| only == kind) && self.turn.is_none_or(|only| only == turn)
    }
}
