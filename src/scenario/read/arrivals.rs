//! `load.open` and `load.replay`: sessions that arrive on a schedule.

use std::sync::Arc;
use std::time::Duration;

use super::super::checker::{Checker, Fields};
use super::super::document::Node;
use super::super::fields::{OPEN, REPLAY, WINDOW, names};
use super::super::loads::{Arrivals, Load, OnOverload, Pace};
use super::super::problem::Problem;
use super::super::trace;
use super::Reading;
use super::load::CONCURRENCY;
use crate::units::{Rate, Span};

const OPEN_FIELDS: [&str; OPEN.len()] = names(OPEN);
const REPLAY_FIELDS: [&str; REPLAY.len()] = names(REPLAY);
const WINDOW_FIELDS: [&str; WINDOW.len()] = names(WINDOW);

impl Reading<'_> {
    pub(super) fn open(&mut self, node: &Node) -> Option<Load> {
        let fields = self.checker.fields(node, "load.open", &OPEN_FIELDS)?;
        let shape = match fields.get("stages") {
            Some(stages) => self.ramped(fields, stages),
            None => self.steady(fields),
        };
        let arrivals = fields.get("arrivals").map_or(Some(Arrivals::default()), |node| {
            self.checker.parsed(node, "load.open.arrivals")
        });
        let (max_in_flight, on_overload) = self.bound(fields, "load.open")?;
        let (rate, duration) = shape?;
        Some(Load::Open { rate, arrivals: arrivals?, duration, max_in_flight, on_overload })
    }

    fn steady(&mut self, fields: Fields<'_>) -> Option<(Pace, Duration)> {
        for (name, example) in [("rate", "rate: 5/s"), ("duration", "duration: 2m")] {
            if fields.get(name).is_none() {
                let problem = Problem::new(format!("`load.open` has no `{name}`"))
                    .with_help(format!("add `{example}`"));
                self.checker.missing(fields, name, problem);
            }
        }
        let rate = fields.get("rate").and_then(|node| self.checker.parsed(node, "load.open.rate"));
        let duration =
            fields.get("duration").and_then(|node| self.positive(node, "load.open.duration"));
        Some((Pace::Steady(rate?), duration?))
    }

    fn ramped(&mut self, fields: Fields<'_>, stages: &Node) -> Option<(Pace, Duration)> {
        for name in ["rate", "duration"] {
            if let Some(node) = fields.get(name) {
                let problem = Problem::new(format!("`load.open` has both `stages` and `{name}`"))
                    .with_help(
                        "stages say both how often and how long; begin at a rate with \
                         `{ for: 0s, to: 5/s }`",
                    );
                self.checker.note(node.head(), problem);
                return None;
            }
        }
        let stages = self.stages(stages, "load.open.stages", rate_or_none, Option::is_some)?;
        let duration = stages.iter().map(|stage| stage.span).sum();
        Some((Pace::Stages(stages), duration))
    }

    pub(super) fn replay(&mut self, node: &Node) -> Option<Load> {
        let fields = self.checker.fields(node, "load.replay", &REPLAY_FIELDS)?;
        let speed = match fields.get("speed") {
            Some(node) => self.speed(node),
            None => Some(1.0),
        };
        let window = match fields.get("window") {
            Some(node) => self.window(node).map(Some),
            None => Some(None),
        };
        let (max_in_flight, on_overload) = self.bound(fields, "load.replay")?;
        let Some(from) = fields.get("from") else {
            let problem = Problem::new("`load.replay` has no `from`")
                .with_help("name a trace: `from: trace.jsonl`, or the samples.csv of a run");
            self.checker.missing(fields, "from", problem);
            return None;
        };
        let formats = "a trace ends in .jsonl or .csv";
        let (path, source, format) = self.file(from, "load.replay.from", formats)?;
        match trace::read(path, &source, format, window?) {
            Ok(trace) => Some(Load::Replay {
                trace: Arc::new(trace),
                speed: speed?,
                max_in_flight,
                on_overload,
            }),
            Err(problem) => {
                self.checker.note_elsewhere(&from.place, problem);
                None
            }
        }
    }

    fn speed(&mut self, node: &Node) -> Option<f64> {
        let text = self.checker.word(node, "load.replay.speed")?;
        match text.parse::<f64>() {
            Ok(speed) if (1e-3..=1e6).contains(&speed) => Some(speed),
            _ => {
                let problem = Problem::new(format!("`load.replay.speed` cannot be `{text}`"))
                    .with_help(
                        "write how many times faster, as in `2` or `0.5` (0.001 to 1000000)",
                    );
                self.checker.note(&node.place, problem);
                None
            }
        }
    }

    fn window(&mut self, node: &Node) -> Option<(Duration, Duration)> {
        let fields = self.checker.fields(node, "load.replay.window", &WINDOW_FIELDS)?;
        let from = match fields.get("from") {
            Some(node) => self.checker.parsed::<Span>(node, "load.replay.window.from")?.0,
            None => Duration::ZERO,
        };
        let to = match fields.get("to") {
            Some(node) => self.checker.parsed::<Span>(node, "load.replay.window.to")?.0,
            None => Duration::MAX,
        };
        if from >= to {
            let problem = Problem::new("`load.replay.window` is empty")
                .with_help("it ends after it begins: `window: { from: 0s, to: 10m }`");
            self.checker.note(node.head(), problem);
            return None;
        }
        Some((from, to))
    }

    fn bound(&mut self, fields: Fields<'_>, path: &str) -> Option<(Option<u32>, OnOverload)> {
        let max_in_flight = match fields.get("max_in_flight") {
            Some(node) => {
                let path = format!("{path}.max_in_flight");
                Some(self.checker.number_u32(node, &path, CONCURRENCY)?)
            }
            None => None,
        };
        let Some(node) = fields.get("on_overload") else {
            return Some((max_in_flight, OnOverload::default()));
        };
        let on_overload = self.checker.choice(node, &format!("{path}.on_overload"))?;
        if max_in_flight.is_none() {
            let problem = Problem::new("`on_overload` has no effect without `max_in_flight`")
                .with_help("say how many turns may be on the wire: `max_in_flight: 500`");
            self.checker.note(node.head(), problem);
            return None;
        }
        Some((max_in_flight, on_overload))
    }
}

/// A rate; a stage may also go to nothing, which is no rate.
fn rate_or_none(checker: &mut Checker, node: &Node, path: &str) -> Option<Option<Rate>> {
    let text = checker.word(node, path)?.trim();
    let count = text.split('/').next().unwrap_or(text).trim();
    let is_unit = text.split_once('/').is_none_or(|(_, unit)| {
        ["s", "sec", "second", "m", "min", "minute", "h", "hour"].contains(&unit.trim())
    });
    if count.parse() == Ok(0.0) && is_unit {
        return Some(None);
    }
    checker.parsed(node, path).map(Some)
}
