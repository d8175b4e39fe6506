//! A run over time: what it is drawn from, and the panels, one below the other on one axis.

use std::fmt::Write;

use serde_json::json;

use super::super::table::thousands;
use super::chart::{Chart, WIDTH};
use super::scale::{Scale, millis_label, plain_label, seconds_label};
use super::svg::{band, escape, line, lone, number};

/// Points that are drawn at most; longer runs have several seconds a point.
pub const POINTS: usize = 480;

/// A run over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// Seconds that a point is of.
    pub step_s: f64,
    /// In order, without gaps, from the origin.
    pub points: Vec<Point>,
    /// How long the run took.
    pub end_s: f64,
    /// Until when turns were warm-up.
    pub warmup_s: f64,
    /// When no more turns were started.
    pub drain_s: Option<f64>,
    /// From when to when no turn ended though turns were open.
    pub stalls: Vec<(f64, f64)>,
    /// Whatever else was seen second by second.
    pub further: Vec<Further>,
}

/// What was seen in one point's time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Point {
    /// Attempts sent, a second.
    pub started: f64,
    /// Turns completed, a second.
    pub completed: f64,
    /// Attempts failed or timed out, a second.
    pub failed: f64,
    /// Turns never sent, a second.
    pub dropped: f64,
    /// Attempts on the wire: the most at the end of a second.
    pub in_flight: f64,
    /// p50, p95 and p99 of turns completed in it, milliseconds.
    pub ttfc: [Option<f64>; 3],
    /// The same.
    pub total: [Option<f64>; 3],
    /// The same.
    pub lateness: [Option<f64>; 3],
}

/// Lines of a further panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Further {
    /// The panel they are in.
    pub panel: String,
    /// What the line is called.
    pub name: String,
    /// `ms`, `%` or nothing.
    pub unit: String,
    /// A value a point.
    pub values: Vec<Option<f64>>,
}

/// One panel.
pub(super) struct Panel {
    pub(super) title: String,
    /// Class and name of each line.
    pub(super) legend: Vec<(&'static str, String)>,
    pub(super) chart: String,
    pub(super) unit: String,
    lines: Vec<Line>,
}

/// The lines of a panel, from the bottom.
struct Line {
    class: &'static str,
    name: String,
    values: Vec<Option<f64>>,
}

const HEIGHT: u32 = 120;

/// Everything that is drawn of a run over time.
pub(super) struct Panels {
    pub(super) panels: Vec<Panel>,
    /// The same for the script: numbers of each line.
    pub(super) data: String,
    /// Head and rows of the same as a table.
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Timeline {
    /// The points in seconds, each in the middle of its time.
    fn middle(&self, at: usize) -> f64 {
        (at as f64 + 0.5) * self.step_s
    }

    fn end(&self) -> f64 {
        self.end_s.max(self.points.len() as f64 * self.step_s)
    }

    fn values(&self, of: impl Fn(&Point) -> Option<f64>) -> Vec<Option<f64>> {
        self.points.iter().map(of).collect()
    }

    /// Warm-up, drain and stalls, behind everything.
    fn phases(&self) -> String {
        let end = self.end();
        let mut marks = String::new();
        let mut mark = |class: &str, name: &str, (from, to): (f64, f64)| {
            if to > from {
                let _ = write!(
                    marks,
                    "<rect class=\"{class}\" x=\"{}\" width=\"{}\" height=\"{HEIGHT}\"><title>{name}</title></rect>",
                    number(from / end * WIDTH),
                    number((to - from) / end * WIDTH),
                );
            }
        };
        mark("p-warmup", "warm-up", (0.0, self.warmup_s.min(end)));
        if let Some(drain) = self.drain_s {
            mark("p-drain", "drain", (drain.min(end), end));
        }
        for stall in &self.stalls {
            mark("p-stall", "no turn ended", *stall);
        }
        marks
    }

    /// Each stall in words.
    pub(super) fn stalls_in_words(&self) -> Vec<String> {
        let from_to = |(from, to): &(f64, f64)| {
            let (from, to) = (seconds_label(*from), seconds_label(*to));
            format!("From {from} to {to} no turn ended, though turns were open.")
        };
        self.stalls.iter().map(from_to).collect()
    }

    /// Whether there is anything of control turns.
    pub(super) fn has_control(&self) -> bool {
        self.further.iter().any(|one| one.values.iter().any(Option::is_some))
    }

    fn panel(&self, title: &str, unit: &str, lines: Vec<Line>, banded: bool) -> Option<Panel> {
        let values = lines.iter().flat_map(|line| line.values.iter().copied().flatten());
        let highest = values.fold(f64::NEG_INFINITY, f64::max);
        if highest == f64::NEG_INFINITY {
            return None;
        }
        let x = Scale::seconds(self.end());
        let y = match unit {
            "ms" => Scale::linear(highest, 3, millis_label),
            "%" => Scale::linear(highest, 3, |value| format!("{value}%")),
            _ => Scale::counted(highest, plain_label),
        };
        let place = |at: usize, value: f64| Chart::place(&x, &y, HEIGHT, (self.middle(at), value));
        let mut picture = self.phases();
        if let (true, [low, .., high]) = (banded, lines.as_slice()) {
            let between = low.values.iter().zip(&high.values).enumerate();
            let points: Vec<_> = between
                .map(|(at, (low, high))| {
                    let both = (*low).zip(*high);
                    let both = both.map(|(low, high)| (place(at, low).1, place(at, high).1));
                    (place(at, 0.0).0, both)
                })
                .collect();
            let _ = write!(picture, "<path class=\"fill {}\" d=\"{}\"/>", low.class, band(&points));
        }
        for one in &lines {
            let points = one.values.iter().enumerate();
            let points: Vec<_> = points
                .map(|(at, value)| (place(at, 0.0).0, value.map(|value| place(at, value).1)))
                .collect();
            let dots = lone(&points);
            let _ = write!(picture, "<path class=\"line {}\" d=\"{}\"/>", one.class, line(points));
            if !dots.is_empty() {
                let _ = write!(picture, "<path class=\"line lone {}\" d=\"{dots}\"/>", one.class);
            }
        }
        let label = format!(
            "{title} over {}: {}",
            seconds_label(self.end().round()),
            lines
                .iter()
                .filter_map(|one| {
                    let most = one.values.iter().copied().flatten().reduce(f64::max)?;
                    Some(format!("{} at most {}", one.name, figure(Some(most), unit)))
                })
                .collect::<Vec<_>>()
                .join(", ")
        );
        let chart = Chart {
            label,
            height: HEIGHT,
            x: &x,
            y: &y,
            picture,
            marks: String::new(),
            attributes: " data-time".into(),
        };
        Some(Panel {
            title: title.into(),
            legend: lines.iter().map(|line| (line.class, line.name.clone())).collect(),
            chart: chart.svg(),
            unit: unit.into(),
            lines,
        })
    }

    /// The panels, from what was done to how well we did it.
    pub(super) fn panels(&self) -> Panels {
        // One point has no course.
        if self.points.len() < 2 {
            return self.together(Vec::new());
        }
        let line = |class, name: &str, values| Line { class, name: name.into(), values };
        let mut flow = vec![
            line("a", "started", self.values(|point| Some(point.started))),
            line("b", "completed", self.values(|point| Some(point.completed))),
            line("bad", "failed", self.values(|point| Some(point.failed))),
        ];
        if self.points.iter().any(|point| point.dropped > 0.0) {
            flow.push(line("warn", "dropped", self.values(|point| Some(point.dropped))));
        }
        let open = vec![line("a", "in flight", self.values(|point| Some(point.in_flight)))];
        let tail = |of: fn(&Point) -> [Option<f64>; 3]| {
            ["p50", "p95", "p99"]
                .into_iter()
                .zip(["a1", "a2", "a3"])
                .enumerate()
                .map(|(at, (name, class))| line(class, name, self.values(|point| of(point)[at])))
                .collect::<Vec<_>>()
        };
        let mut panels = vec![
            self.panel("Turns a second", "/s", flow, false),
            self.panel("In flight", "", open, false),
            self.panel("Time to first chunk (ttfc)", "ms", tail(|point| point.ttfc), true),
            self.panel("Until the reply ended (total)", "ms", tail(|point| point.total), true),
            self.panel("Lateness: our own error", "ms", tail(|point| point.lateness), true),
        ];
        let mut names: Vec<&str> = Vec::new();
        for further in &self.further {
            if !names.contains(&further.panel.as_str()) {
                names.push(&further.panel);
            }
        }
        for name in names {
            let lines: Vec<_> = self.further.iter().filter(|one| one.panel == name).collect();
            let unit = lines.first().map_or("", |one| one.unit.as_str());
            let classes = ["a1", "a2", "a3", "b", "warn"];
            let lines = lines
                .iter()
                .zip(classes)
                .map(|(one, class)| line(class, &one.name, one.values.clone()))
                .collect();
            panels.push(self.panel(name, unit, lines, false));
        }
        self.together(panels.into_iter().flatten().collect())
    }

    fn together(&self, panels: Vec<Panel>) -> Panels {
        let numbers: Vec<_> = panels
            .iter()
            .map(|panel| {
                let lines = panel.lines.iter().map(|line| {
                    let values: Vec<_> =
                        line.values.iter().map(|value| value.map(shortened)).collect();
                    json!({ "name": line.name, "class": line.class, "values": values })
                });
                json!({ "unit": panel.unit, "lines": lines.collect::<Vec<_>>() })
            })
            .collect();
        let data = json!({ "step": self.step_s, "end": self.end(), "panels": numbers });
        let mut head = vec!["from".to_owned()];
        for panel in &panels {
            let short = panel.title.split([':', '(']).next().unwrap_or("").trim();
            head.extend(panel.lines.iter().map(|line| match panel.lines.len() {
                1 => line.name.clone(),
                _ if panel.unit == "/s" => line.name.clone(),
                _ => format!("{short} {}", line.name),
            }));
        }
        let rows = (0..self.points.len()).map(|at| {
            let mut row = vec![seconds_label(at as f64 * self.step_s)];
            for panel in &panels {
                let cells = panel.lines.iter().map(|line| {
                    let value = line.values.get(at).copied().flatten();
                    figure(value, if panel.unit == "/s" { "" } else { &panel.unit })
                });
                row.extend(cells);
            }
            row
        });
        Panels {
            // The end of a script element must not be in it.
            data: data.to_string().replace('<', "\\u003c"),
            head: head.iter().map(|one| escape(one)).collect(),
            rows: rows.collect(),
            panels,
        }
    }
}

/// Six digits are more than can be seen.
fn shortened(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn figure(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "–".into(),
        (Some(value), "ms") => format!("{value:.3} ms"),
        (Some(value), "%") => format!("{value:.1}%"),
        (Some(value), unit) if value.fract() == 0.0 => thousands(value as u64) + unit,
        (Some(value), unit) => format!("{value:.1}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_and_stalls_are_marked_and_gaps_stay_gaps() {
        let mut timeline = Timeline {
            step_s: 1.0,
            points: vec![Point { started: 4.0, in_flight: 2.0, ..Point::default() }; 10],
            end_s: 10.0,
            warmup_s: 2.0,
            drain_s: Some(9.0),
            stalls: vec![(4.0, 6.0)],
            further: Vec::new(),
        };
        timeline.points[3].ttfc = [Some(100.0), Some(200.0), Some(300.0)];
        let panels = timeline.panels();
        let titles: Vec<_> = panels.panels.iter().map(|panel| panel.title.as_str()).collect();
        assert_eq!(titles, ["Turns a second", "In flight", "Time to first chunk (ttfc)"]);
        let chart = &panels.panels[2].chart;
        assert!(chart.contains("class=\"p-stall\" x=\"400\" width=\"200\""), "{chart}");
        assert!(chart.contains("class=\"p-drain\" x=\"900\" width=\"100\""), "{chart}");
        assert_eq!(panels.rows.len(), 10);
        assert_eq!(panels.rows[3][5], "100.000 ms");
        assert_eq!(panels.rows[4][5], "–");
    }
}
