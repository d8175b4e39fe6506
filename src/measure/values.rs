//! The figures of one sample, in the whole microseconds that files and histograms have.

use std::time::Duration;

use crate::metric::Metric;
use crate::sample::Sample;
use crate::units::Offset;

/// One value per [`Metric`], in microseconds; `None` where the sample has none. `gap` and
/// `session_total` are not figures of one sample and always `None`.
pub type Values = [Option<u64>; Metric::COUNT];

/// Whole microseconds, rounded down.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The figures of `sample`.
///
/// Points in time are cut to whole microseconds *before* they are subtracted. So the columns of
/// `samples.csv` add up, a figure computed from them again is the same integer, and the rounding
/// error has no bias.
pub fn values(sample: &Sample) -> Values {
    let time = &sample.timeline;
    let due = time.intended.micros();
    let since_due = |at: Offset| at.micros().saturating_sub(due);
    let mut values = [None; Metric::COUNT];
    values[Metric::Ttfc as usize] = time.first_chunk.map(since_due);
    if let Some(started) = time.started {
        let since_sent = |at: Offset| at.micros().saturating_sub(started.micros());
        values[Metric::TtfcService as usize] = time.first_chunk.map(since_sent);
        values[Metric::Total as usize] = Some(since_due(time.ended));
        values[Metric::TotalService as usize] = Some(since_sent(time.ended));
        values[Metric::Headers as usize] = time.headers.map(since_sent);
        let queue = micros(sample.queue);
        values[Metric::Queue as usize] = Some(queue);
        values[Metric::Lateness as usize] = Some(since_due(started).saturating_sub(queue));
    }
    values[Metric::Connect as usize] = sample.connect.map(micros);
    values
}
