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

/// From the first output to the last chunk, over the tokens that came in that time. `None` where
/// the server counted nothing, or counted what cannot be placed in that time: tool calls.
fn time_per_token(sample: &Sample) -> Option<u64> {
    let time = &sample.timeline;
    let (first_chunk, last_chunk) = (time.first_chunk?, time.last_chunk?);
    let (first, counted) = match time.first_reasoning {
        Some(reasoning) => (first_chunk.min(reasoning), sample.tokens.output?),
        // Reasoning that was counted but not shown took place before the first chunk.
        None => {
            let hidden = sample.tokens.reasoning.unwrap_or(0);
            (first_chunk, sample.tokens.output?.saturating_sub(hidden))
        }
    };
    let spaces = counted.checked_sub(1).filter(|&spaces| spaces > 0 && sample.tool_calls == 0)?;
    Some(last_chunk.micros().saturating_sub(first.micros()) / spaces)
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
    values[Metric::Connect as usize] = sample.connect.as_ref().map(|connect| micros(connect.total));
    values[Metric::FirstReasoning as usize] = time.first_reasoning.map(since_due);
    values[Metric::Tpot as usize] = time_per_token(sample);
    values
}
