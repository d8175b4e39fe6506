//! Single turns as bars: what each waited for, and for how long.

use std::fmt::Write;

use super::super::table::{millis, thousands};
use super::gather::Chosen;
use super::scale::{Scale, millis_label, seconds_label};
use super::svg::{escape, number, percent};
use crate::sample::Sample;
use crate::units::Offset;

/// The stretches of a turn, in order: their class, and what they are called.
pub(super) const STRETCHES: [(&str, &str); 5] = [
    ("w-due", "due, not yet sent"),
    ("w-head", "sent, until the response head"),
    ("w-first", "until the first chunk"),
    ("w-text", "first to last chunk"),
    ("w-end", "until the end"),
];

/// One row.
pub(super) struct TurnRow {
    pub(super) why: &'static str,
    pub(super) what: String,
    pub(super) started: String,
    pub(super) bar: String,
    pub(super) total: String,
    pub(super) total_ms: f64,
    pub(super) ending: String,
    pub(super) failed: bool,
}

/// The rows and, above them, the axis they share.
pub(super) struct Waterfall {
    pub(super) axis: String,
    pub(super) rows: Vec<TurnRow>,
}

/// The turns on one axis of time since each was due. `kinds` are the names of the session kinds.
pub(super) fn waterfall(turns: &[(Chosen, Sample)], kinds: &[String]) -> Waterfall {
    let longest = turns.iter().map(|(_, sample)| length(sample)).fold(0.0, f64::max);
    let scale = Scale::linear(longest, 5, millis_label);
    let mut axis =
        String::from("<svg class=\"axis\" width=\"100%\" height=\"18\" aria-hidden=\"true\">");
    for (at, tick) in scale.ticks.iter().enumerate() {
        let class = match at {
            0 => "tx start",
            _ if tick.at > 0.97 => "tx end",
            at if at % 2 == 1 => "tx odd",
            _ => "tx",
        };
        let x = percent(tick.at);
        let _ = write!(axis, "<text class=\"{class}\" x=\"{x}\" y=\"13\">{}</text>", tick.label);
    }
    axis.push_str("</svg>");
    let rows = turns.iter().map(|(chosen, sample)| row(*chosen, sample, kinds, &scale)).collect();
    Waterfall { axis, rows }
}

fn since_due(sample: &Sample, at: Offset) -> f64 {
    at.micros().saturating_sub(sample.timeline.intended.micros()) as f64 / 1e3
}

fn length(sample: &Sample) -> f64 {
    since_due(sample, sample.timeline.ended)
}

fn row(chosen: Chosen, sample: &Sample, kinds: &[String], scale: &Scale) -> TurnRow {
    let kind = kinds.get(usize::from(sample.kind)).map_or("", String::as_str);
    let attempt = match sample.attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let completed = sample.outcome.is_completed();
    let ending = match (completed, sample.status) {
        (true, _) => format!("{} chunks", thousands(sample.chunks)),
        (false, None) => sample.outcome.error().to_owned(),
        (false, Some(status)) => format!("{} {status}", sample.outcome.error()),
    };
    let total_ms = length(sample);
    TurnRow {
        why: match chosen {
            Chosen::Slowest => "slowest",
            Chosen::Typical => "typical",
            Chosen::Unanswered => "no answer",
        },
        what: format!("{kind}, turn {}{attempt}", sample.turn),
        started: seconds_label((sample.timeline.intended.as_secs_f64() * 10.0).round() / 10.0),
        bar: bar(sample, scale),
        total: millis(Some(total_ms)),
        total_ms,
        ending,
        failed: !completed,
    }
}

fn bar(sample: &Sample, scale: &Scale) -> String {
    let time = &sample.timeline;
    let marks = [time.started, time.headers, time.first_chunk, time.last_chunk, Some(time.ended)];
    let mut rectangles = String::new();
    let mut words = Vec::new();
    let mut from = 0.0;
    // What did not happen was waited for until what happened next.
    let mut awaited = None;
    for (stretch, mark) in STRETCHES.iter().zip(marks) {
        let (class, name) = awaited.get_or_insert(stretch);
        let Some(mark) = mark else { continue };
        let to = since_due(sample, mark).max(from);
        let (left, right) = (scale.at(from) * 1000.0, scale.at(to) * 1000.0);
        if to > from {
            let _ = write!(
                rectangles,
                "<rect class=\"{class}\" x=\"{}\" width=\"{}\" height=\"14\"/>",
                number(left),
                number((right - left).max(0.4)),
            );
            words.push(format!("{name}: {}", millis_label(to - from)));
        }
        from = to;
        awaited = None;
    }
    if !sample.outcome.is_completed() {
        let _ = write!(
            rectangles,
            "<rect class=\"w-cut\" x=\"{}\" width=\"4\" height=\"14\"/>",
            number(scale.at(from) * 1000.0 - 2.0)
        );
    }
    let words = escape(&words.join("; "));
    format!(
        "<svg class=\"bar\" width=\"100%\" height=\"14\" viewBox=\"0 0 1000 14\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{words}\"><title>{words}</title>\
         {rectangles}</svg>"
    )
}
