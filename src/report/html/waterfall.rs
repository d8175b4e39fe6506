//! Single turns as bars: what each waited for, and for how long.

use std::fmt::Write;

use super::super::table::{millis, thousands};
use super::gather::{Chosen, Turn};
use super::scale::{Scale, millis_label, seconds_label};
use super::svg::{escape, number, percent};
use crate::sample::Sample;
use crate::units::Offset;

/// The stretches of a turn, in order: their class, and what they are called.
const STRETCHES: [(&str, &str); 5] = [
    ("w-due", "due, not yet sent"),
    ("w-head", "sent, until the response head"),
    ("w-first", "until the first chunk"),
    ("w-text", "first to last chunk"),
    ("w-end", "until the end"),
];
/// Marks on a bar.
const HEAD: (&str, &str) = ("w-at", "response head");
const CHUNK: (&str, &str) = ("w-chunk", "a chunk");
const CUT: (&str, &str) = ("w-cut", "ended without an answer");
/// Ticks nearer to each other than this, in thousandths of the axis, could not be told apart.
const APART: f64 = 3.0;

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
    /// Class and name of everything that is drawn in some row.
    pub(super) legend: Vec<(&'static str, &'static str)>,
}

/// The turns on one axis of time since each was due. `kinds` are the names of the session kinds.
pub(super) fn waterfall(turns: &[Turn], kinds: &[String]) -> Waterfall {
    let longest = turns.iter().map(|turn| length(&turn.sample)).fold(0.0, f64::max);
    let scale = Scale::linear(longest, 5, millis_label);
    let mut axis =
        String::from("<svg class=\"axis\" width=\"100%\" height=\"18\" aria-hidden=\"true\">");
    let last = scale.ticks.len().saturating_sub(1);
    for (at, tick) in scale.ticks.iter().enumerate() {
        let class = match at {
            0 => "tx start",
            _ if at == last => "tx end",
            // On a phone there is room for two.
            _ => "tx odd",
        };
        let x = percent(tick.at);
        let _ = write!(axis, "<text class=\"{class}\" x=\"{x}\" y=\"13\">{}</text>", tick.label);
    }
    axis.push_str("</svg>");
    let rows: Vec<_> = turns.iter().map(|turn| row(turn, kinds, &scale)).collect();
    let is_drawn = |class: &str| {
        let class = format!("class=\"{class}\"");
        rows.iter().any(|row| row.bar.contains(&class))
    };
    let all = STRETCHES.into_iter().chain([HEAD, CHUNK, CUT]);
    Waterfall { axis, legend: all.filter(|(class, _)| is_drawn(class)).collect(), rows }
}

fn since_due(sample: &Sample, at: Offset) -> f64 {
    at.micros().saturating_sub(sample.timeline.intended.micros()) as f64 / 1e3
}

fn length(sample: &Sample) -> f64 {
    since_due(sample, sample.timeline.ended)
}

fn row(turn: &Turn, kinds: &[String], scale: &Scale) -> TurnRow {
    let sample = &turn.sample;
    let kind = kinds.get(usize::from(sample.kind)).map_or("", String::as_str);
    let attempt = match sample.attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let completed = sample.outcome.is_completed();
    let ending = match (completed, sample.status) {
        (true, _) if sample.chunks == 1 => "1 chunk".to_owned(),
        (true, _) => format!("{} chunks", thousands(sample.chunks)),
        (false, None) => sample.outcome.error().to_owned(),
        (false, Some(status)) => format!("{} {status}", sample.outcome.error()),
    };
    let total_ms = length(sample);
    TurnRow {
        why: match turn.chosen {
            Chosen::Slowest => "slowest",
            Chosen::Typical => "typical",
            Chosen::Unanswered => "no answer",
        },
        what: format!("{kind}, turn {}{attempt}", sample.turn),
        started: seconds_label((sample.timeline.intended.as_secs_f64() * 10.0).round() / 10.0),
        bar: bar(turn, scale),
        total: millis(Some(total_ms)),
        total_ms,
        ending,
        failed: !completed,
    }
}

fn bar(turn: &Turn, scale: &Scale) -> String {
    let sample = &turn.sample;
    let time = &sample.timeline;
    let marks = [time.started, time.headers, time.first_chunk, time.last_chunk, Some(time.ended)];
    let place = |millis: f64| scale.at(millis) * 1000.0;
    let mut picture =
        String::from("<rect class=\"w-track\" y=\"2\" width=\"1000\" height=\"14\"/>");
    let mut words = Vec::new();
    let mut from = 0.0;
    // What did not happen was waited for until what happened next.
    let mut awaited = None;
    for (stretch, mark) in STRETCHES.iter().zip(marks) {
        let (class, name) = awaited.get_or_insert(stretch);
        let Some(mark) = mark else { continue };
        let to = since_due(sample, mark).max(from);
        if to > from {
            let _ = write!(
                picture,
                "<rect class=\"{class}\" x=\"{}\" y=\"2\" width=\"{}\" height=\"14\"/>",
                number(place(from)),
                number((place(to) - place(from)).max(0.4)),
            );
            words.push(format!("{name}: {}", millis_label(to - from)));
        }
        from = to;
        awaited = None;
    }
    picture.push_str(&ticks(turn, scale));
    if let Some(head) = time.headers {
        let _ = write!(
            picture,
            "<path class=\"{}\" d=\"M{} 0v18\"/>",
            HEAD.0,
            number(place(since_due(sample, head)))
        );
    }
    if !sample.outcome.is_completed() {
        let _ = write!(picture, "<path class=\"{}\" d=\"M{} 0v18\"/>", CUT.0, number(place(from)));
    }
    let words = escape(&words.join("; "));
    format!(
        "<svg class=\"bar\" width=\"100%\" height=\"18\" viewBox=\"0 0 1000 18\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{words}\"><title>{words}</title>\
         {picture}</svg>"
    )
}

/// Where chunks came, if that was recorded.
fn ticks(turn: &Turn, scale: &Scale) -> String {
    let sample = &turn.sample;
    let Some(started) = sample.timeline.started else { return String::new() };
    let started = since_due(sample, started);
    let mut path = String::new();
    let mut last = f64::NEG_INFINITY;
    for micros in &turn.chunks {
        let at = scale.at(started + *micros as f64 / 1e3) * 1000.0;
        if at - last >= APART {
            let _ = write!(path, "M{} 5v8", number(at));
            last = at;
        }
    }
    match path.is_empty() {
        true => path,
        false => format!("<path class=\"{}\" d=\"{path}\"/>", CHUNK.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Failure, Outcome, Part, Phase, Timeline};

    fn turn(outcome: Outcome, chunks: &[u64]) -> Turn {
        let at = |millis: u64| Offset::from_nanos(millis * 1_000_000);
        let sample = Sample {
            session_number: 0,
            kind: 0,
            session_id: "s".into(),
            user_id: "u".into(),
            turn: 1,
            part: Part::Main,
            session_turns: 1,
            attempt: 1,
            retried: false,
            phase: Phase::Steady,
            timeline: Timeline {
                intended: at(0),
                started: Some(at(100)),
                headers: Some(at(200)),
                first_chunk: chunks.first().map(|_| at(300)),
                last_chunk: chunks.last().map(|_| at(900)),
                ended: at(1_000),
                ..Timeline::default()
            },
            queue: Default::default(),
            connect: None,
            connection: None,
            client_lag: None,
            chunks: chunks.len() as u64,
            reads: chunks.len() as u64,
            bytes: 30,
            tool_calls: 0,
            tokens: Default::default(),
            status: Some(200),
            outcome,
            message: None,
        };
        Turn { chosen: Chosen::Typical, sample, chunks: chunks.to_vec() }
    }

    #[test]
    fn a_bar_shows_head_chunks_and_end_where_they_were() {
        // The second is too near to the first to be seen beside it.
        let turn = turn(Outcome::Completed, &[200_000, 200_900, 500_000, 800_000]);
        let shown = waterfall(&[turn], &["refund".into()]);
        let bar = &shown.rows[0].bar;
        for piece in [
            "class=\"w-head\" x=\"100\" y=\"2\" width=\"100\"",
            "class=\"w-text\" x=\"300\" y=\"2\" width=\"600\"",
            "class=\"w-at\" d=\"M200 0v18\"",
            "class=\"w-chunk\" d=\"M300 5v8M600 5v8M900 5v8\"",
            "until the first chunk: 100 ms",
        ] {
            assert!(bar.contains(piece), "{piece} is not in {bar}");
        }
        let legend: Vec<_> = shown.legend.iter().map(|(class, _)| *class).collect();
        assert_eq!(legend, ["w-due", "w-head", "w-first", "w-text", "w-end", "w-at", "w-chunk"]);
    }

    #[test]
    fn what_never_came_was_waited_for_until_the_end() {
        let shown = waterfall(&[turn(Outcome::Failed(Failure::Closed), &[])], &[]);
        let bar = &shown.rows[0].bar;
        assert!(bar.contains("class=\"w-first\" x=\"200\" y=\"2\" width=\"800\""), "{bar}");
        assert!(bar.contains("class=\"w-cut\" d=\"M1000 0v18\""), "{bar}");
        assert!(!shown.legend.iter().any(|(class, _)| *class == "w-text"));
    }
}
