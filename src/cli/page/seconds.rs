//! A run over time, from its seconds: as many of them to a point as keep the page short.

use hdrhistogram::Histogram;

use crate::artifact::hlog::HlogLine;
use crate::artifact::timeline::TimelineTable;
use crate::metric::Metric;
use crate::report::html::{Further, POINTS, Point, Timeline};
use crate::summary::Summary;

/// What is added up until a point is whole.
type Open = [Option<Histogram<u64>>; 3];

/// Distributions of a point, in this order.
const METRICS: [Metric; 3] = [Metric::Ttfc, Metric::Total, Metric::Lateness];

/// Takes the lines of the histogram log in their order, beside the rows of the timeline.
pub(super) struct Seconds {
    timeline: Timeline,
    step: usize,
    /// The point that lines are being added up for.
    at: usize,
    open: Open,
}

impl Seconds {
    pub(super) fn new(table: &TimelineTable, summary: &Summary) -> Self {
        let step = table.len().div_ceil(POINTS).max(1);
        let cells = |name: &str| table.column(name).unwrap_or(&[]);
        let at = |name: &str, second: usize| cells(name).get(second).copied().flatten();
        let points = (0..table.len().div_ceil(step)).map(|point| {
            let seconds = point * step..((point + 1) * step).min(table.len());
            let length = seconds.len().max(1) as f64;
            let rate = |name: &str| {
                seconds.clone().filter_map(|second| at(name, second)).sum::<f64>() / length
            };
            let open = seconds.clone().filter_map(|second| at("in_flight", second));
            let mut made = Point {
                started: rate("started"),
                completed: rate("completed"),
                failed: rate("failed"),
                dropped: rate("dropped"),
                in_flight: open.fold(0.0, f64::max),
                ..Point::default()
            };
            if step == 1 {
                // The file has them, the warm-up's too.
                let three = |metric: &str| {
                    ["p50", "p95", "p99"].map(|one| at(&format!("{metric}_{one}_ms"), point))
                };
                made.ttfc = three("ttfc");
                made.total = three("total");
            }
            made
        });
        let warmup_s = summary.load.warmup_s;
        let end_s = summary.run.duration_s;
        let drain = summary.load.measured_s.map(|measured| warmup_s + measured);
        let timeline = Timeline {
            step_s: step as f64,
            points: points.collect(),
            end_s,
            warmup_s,
            drain_s: drain.filter(|drain| *drain + 0.05 < end_s),
            stalls: stalls(table, summary),
            further: further(table, step),
        };
        Self { timeline, step, at: 0, open: Open::default() }
    }

    pub(super) fn add(&mut self, line: &HlogLine) {
        let Some(metric) = METRICS.iter().position(|one| *one == line.metric) else { return };
        let at = line.start.as_secs() as usize / self.step;
        if at != self.at {
            self.close();
            self.at = at;
        }
        match &mut self.open[metric] {
            // Both have the bounds that every file of this tool has.
            Some(sum) => drop(sum.add(&line.histogram)),
            none => *none = Some(line.histogram.clone()),
        }
    }

    fn close(&mut self) {
        let [ttfc, total, lateness] = std::mem::take(&mut self.open).map(|sum| {
            [50.0, 95.0, 99.0].map(|percent| {
                let sum = sum.as_ref()?;
                let micros = sum.median_equivalent(sum.value_at_percentile(percent));
                Some(micros.min(sum.max()) as f64 / 1e3)
            })
        });
        let Some(point) = self.timeline.points.get_mut(self.at) else { return };
        point.lateness = lateness;
        if self.step > 1 {
            point.ttfc = ttfc;
            point.total = total;
        }
    }

    pub(super) fn finish(mut self) -> Timeline {
        self.close();
        self.timeline
    }
}

/// Columns that are drawn in panels of their own, where the file has them.
const FURTHER: [(&str, &str, &str); 3] = [
    ("control_ttfc_excess_ms", "ttfc", "ms"),
    ("control_total_excess_ms", "total", "ms"),
    ("control_worst_excess_ms", "worst of all", "ms"),
];

/// Control turns: how much longer than they did they seemed to take. Of several seconds the worst.
fn further(table: &TimelineTable, step: usize) -> Vec<Further> {
    let line = |(column, name, unit): (&str, &str, &str)| {
        let values = table.column(column)?.chunks(step);
        let values = values.map(|some| some.iter().copied().flatten().reduce(f64::max));
        Some(Further {
            panel: "Control turns: what the tester adds".into(),
            name: name.into(),
            unit: unit.into(),
            values: values.collect(),
        })
    };
    FURTHER.into_iter().filter_map(line).collect()
}

/// Whole seconds, longer than three typical turns together, in which no turn ended though turns
/// were open.
fn stalls(table: &TimelineTable, summary: &Summary) -> Vec<(f64, f64)> {
    let (Some(ended), Some(open)) = (table.column("ended"), table.column("in_flight")) else {
        return Vec::new();
    };
    let typical = summary.metrics.get(Metric::Total).percentiles.p50.unwrap_or_default();
    let least = (3.0 * typical / 1e3).max(1.0);
    let mut found = Vec::new();
    let mut from = None;
    for second in 0..=table.len() {
        let held = second < table.len()
            && ended[second] == Some(0.0)
            && open[second].is_some_and(|open| open > 0.0);
        match (held, from) {
            (true, None) => from = Some(second),
            (false, Some(began)) => {
                if (second - began) as f64 >= least {
                    found.push((began as f64, second as f64));
                }
                from = None;
            }
            _ => {}
        }
    }
    found
}
