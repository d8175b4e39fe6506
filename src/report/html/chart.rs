//! A chart: a frame with axes, and what is drawn in it.
//!
//! Text keeps its size at any width of the window: only the innermost picture is stretched, the
//! axes stand at percentages of their length.

use std::fmt::Write;

use super::scale::{Scale, Tick};
use super::svg::{escape, percent};

/// Width of the stretched picture, in units of its own.
pub(super) const WIDTH: f64 = 1000.0;

/// What a chart is made of.
pub(super) struct Chart<'a> {
    /// For those who do not see it: what is shown, and what there is to see.
    pub(super) label: String,
    /// Height of the picture, in pixels and in its own units.
    pub(super) height: u32,
    pub(super) x: &'a Scale,
    pub(super) y: &'a Scale,
    /// Drawn in the stretched picture, which is [`WIDTH`] by `height`.
    pub(super) picture: String,
    /// Drawn over it, not stretched: places in percent.
    pub(super) marks: String,
    /// Further attributes of the chart, for the script.
    pub(super) attributes: String,
}

impl Chart<'_> {
    /// The place of a point in the stretched picture.
    pub(super) fn place(x: &Scale, y: &Scale, height: u32, (at, value): (f64, f64)) -> (f64, f64) {
        (x.at(at) * WIDTH, (1.0 - y.at(value)) * f64::from(height))
    }

    /// The chart as SVG.
    pub(super) fn svg(&self) -> String {
        let height = self.height;
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg class=\"chart\" width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"{}\"{}>\
             <svg class=\"frame\" y=\"10\" width=\"100%\" height=\"{height}\" \
             overflow=\"visible\">",
            height + 36,
            escape(&self.label),
            self.attributes,
        );
        for tick in &self.y.ticks {
            let y = percent(1.0 - tick.at);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text class=\"ty\" x=\"-8\" y=\"{y}\" dy=\".33em\">{}</text>",
                escape(&tick.label)
            );
        }
        svg.push_str("<g class=\"xticks\">");
        let last = self.x.ticks.len().saturating_sub(1);
        // Every other one is left out where there is little room, counted from the last if that
        // stands at the end: its text reaches back.
        let at_end = self.x.ticks.last().is_some_and(|tick| tick.at > 0.97);
        for (at, tick) in self.x.ticks.iter().enumerate() {
            let odd = if at_end { (last - at) % 2 == 1 } else { at % 2 == 1 };
            svg.push_str(&x_tick(tick, height, at_end && at == last, odd));
        }
        let _ = write!(
            svg,
            "</g><svg class=\"plot\" width=\"100%\" height=\"100%\" viewBox=\"0 0 {WIDTH} {height}\" \
             preserveAspectRatio=\"none\">{}</svg>{}</svg></svg>",
            self.picture, self.marks
        );
        svg
    }
}

/// The last one must not stick out.
fn x_tick(tick: &Tick, height: u32, at_end: bool, odd: bool) -> String {
    let x = percent(tick.at);
    let class = match (at_end, odd) {
        (true, _) => "tx end",
        (false, true) => "tx odd",
        (false, false) => "tx",
    };
    format!(
        "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"100%\"/>\
         <text class=\"{class}\" x=\"{x}\" y=\"{}\">{}</text>",
        height + 17,
        escape(&tick.label)
    )
}
