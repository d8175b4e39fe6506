//! `warmup`: which turns are left out of the figures.

use std::time::Duration;

use super::super::document::{Node, Value};
use super::super::loads::{Load, Warmup};
use super::super::problem::Problem;
use super::Reading;
use crate::units::Span;

impl Reading<'_> {
    pub(super) fn warmup(&mut self, node: &Node, load: Option<&Load>) -> Option<Warmup> {
        if let Value::Map(_) = node.value {
            let fields = self.checker.fields(node, "warmup", &["turns"])?;
            let Some(turns) = fields.get("turns") else {
                let problem = Problem::new("`warmup` says nothing")
                    .with_help("write a time, `warmup: 10s`, or `warmup: { turns: 100 }`");
                self.checker.missing(fields, "turns", problem);
                return None;
            };
            let turns = self.checker.number(turns, "warmup.turns", 0..1_000_000_001)?;
            return Some(if turns == 0 { Warmup::default() } else { Warmup::Turns(turns) });
        }
        let time = self.checker.parsed::<Span>(node, "warmup")?.0;
        self.warmup_fits(node, time, load?).then_some(Warmup::Time(time))
    }

    fn warmup_fits(&mut self, node: &Node, warmup: Duration, load: &Load) -> bool {
        let end = match load {
            Load::Replay { trace, speed, .. } => {
                trace.arrivals.last().map(|last| last.div_f64(*speed) + Duration::from_nanos(1))
            }
            load => load.duration(),
        };
        let Some(end) = end.filter(|end| warmup >= *end) else { return true };
        let problem = Problem::new(format!(
            "`warmup` of {} leaves nothing of a load of {}",
            Span(warmup),
            Span(end)
        ));
        self.checker.note(&node.place, problem.with_help("the warm-up is inside the duration"));
        false
    }
}
