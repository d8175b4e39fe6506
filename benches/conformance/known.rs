//! What must come out, in closed form or by going through the due times one by one.

/// Response times in ms of an even load of `rate` a second for `seconds`, at an agent that answers
/// after `service_ms` and stands still from `from_ms` for `stall_ms`.
///
/// A turn that is due at *t* is answered at *t* + service. What would be answered in the stall is
/// answered at its end; what arrives in the stall is first read at its end.
pub(crate) fn stalled(
    rate: f64,
    seconds: f64,
    service_ms: f64,
    from_ms: f64,
    stall_ms: f64,
) -> Vec<f64> {
    let end = from_ms + stall_ms;
    due(rate, seconds)
        .map(|due| match due {
            _ if due < from_ms - service_ms || due >= end => service_ms,
            _ if due < from_ms => end - due,
            _ => end - due + service_ms,
        })
        .collect()
}

/// Response times in ms of an even load at a tool that has at most `slots` on the wire and lets the
/// others wait: a turn begins when it is due, or when the turn `slots` before it has ended.
pub(crate) fn queued(rate: f64, seconds: f64, service_ms: f64, slots: usize) -> Vec<f64> {
    let mut ends: Vec<f64> = Vec::new();
    due(rate, seconds)
        .enumerate()
        .map(|(n, due)| {
            let free = n.checked_sub(slots).map_or(0.0, |before| ends[before]);
            ends.push(due.max(free) + service_ms);
            ends[n] - due
        })
        .collect()
}

/// How many turns of an even load find a slot free and how many do not, where those are dropped.
pub(crate) fn dropped(rate: f64, seconds: f64, service_ms: f64, slots: usize) -> (f64, f64) {
    let mut on_the_wire: Vec<f64> = Vec::new();
    let (mut sent, mut dropped) = (0.0, 0.0);
    for due in due(rate, seconds) {
        on_the_wire.retain(|end| *end > due);
        if on_the_wire.len() < slots {
            on_the_wire.push(due + service_ms);
            sent += 1.0;
        } else {
            dropped += 1.0;
        }
    }
    (sent, dropped)
}

/// The percentile by the nearest rank.
pub(crate) fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn due(rate: f64, seconds: f64) -> impl Iterator<Item = f64> {
    let count = (rate * seconds).round() as u32;
    (0..count).map(move |n| f64::from(n) * 1e3 / rate)
}
