//! `load`: how much is asked at once.

use super::super::checker::{Checker, Fields};
use super::super::document::{Node, Value};
use super::super::fields::{CLOSED, LOAD, ONCE, names};
use super::super::loads::{Load, Until};
use super::super::overrides::DEFAULT_CONCURRENCY;
use super::super::problem::Problem;
use super::Reading;

const MODELS: [&str; LOAD.len()] = names(LOAD);
const ONCE_FIELDS: [&str; ONCE.len()] = names(ONCE);
const CLOSED_FIELDS: [&str; CLOSED.len()] = names(CLOSED);
/// More sessions open at once than any machine holds: a slip of the hand.
pub(super) const CONCURRENCY: std::ops::Range<u64> = 1..100_001;

impl Reading<'_> {
    pub(super) fn load(&mut self, node: &Node) -> Option<Load> {
        let fields = self.checker.fields(node, "load", &MODELS)?;
        let given: Vec<&str> =
            MODELS.into_iter().filter(|name| fields.get(name).is_some()).collect();
        let [model] = given.as_slice() else {
            let problem = match given.as_slice() {
                [] => Problem::new("`load` says nothing"),
                [first, second, ..] => {
                    Problem::new(format!("`load` has two models: `{first}` and `{second}`"))
                }
                [_] => return None,
            };
            let place =
                given.last().and_then(|last| fields.get(last)).map_or(node.head(), Node::head);
            let help = "keep one of `once`, `closed`, `open` and `replay`";
            self.checker.note(place, problem.with_help(help));
            return None;
        };
        let inner = fields.get(model)?;
        match *model {
            "once" => self.once(inner),
            "closed" => self.closed(inner),
            "open" => self.open(inner),
            _ => self.replay(inner),
        }
    }

    fn once(&mut self, node: &Node) -> Option<Load> {
        if matches!(node.value, Value::Empty) {
            return Some(Load::Once { concurrency: DEFAULT_CONCURRENCY });
        }
        let fields = self.checker.fields(node, "load.once", &ONCE_FIELDS)?;
        let concurrency = match fields.get("concurrency") {
            Some(node) => self.checker.number_u32(node, "load.once.concurrency", CONCURRENCY)?,
            None => DEFAULT_CONCURRENCY,
        };
        Some(Load::Once { concurrency })
    }

    fn closed(&mut self, node: &Node) -> Option<Load> {
        let fields = self.checker.fields(node, "load.closed", &CLOSED_FIELDS)?;
        if let Some(stages) = fields.get("stages") {
            return self.staged(fields, stages);
        }
        let users = match fields.get("users") {
            Some(node) => self.checker.number_u32(node, "load.closed.users", CONCURRENCY),
            None => {
                let problem = Problem::new("`load.closed` has no `users`")
                    .with_help("say how many sessions are open at once: `users: 20`");
                self.checker.missing(fields, "users", problem);
                None
            }
        };
        let until = match (fields.get("duration"), fields.get("iterations")) {
            (Some(node), None) => self.positive(node, "load.closed.duration").map(Until::Duration),
            (None, Some(node)) => self
                .checker
                .number(node, "load.closed.iterations", 1..1_000_000_000_001)
                .map(Until::Iterations),
            (Some(_), Some(second)) => {
                let problem = Problem::new("`load.closed` has both `duration` and `iterations`")
                    .with_help("keep one: a time, or how many sessions in all");
                self.checker.note(second.head(), problem);
                None
            }
            (None, None) => {
                let problem = Problem::new("`load.closed` does not say when it ends")
                    .with_help("add `duration: 1m`, or `iterations: 100` (sessions in all)");
                self.checker.missing(fields, "duration", problem);
                None
            }
        };
        Some(Load::Closed { users: users?, until: until? })
    }

    fn staged(&mut self, fields: Fields<'_>, stages: &Node) -> Option<Load> {
        for name in ["users", "duration", "iterations"] {
            if let Some(node) = fields.get(name) {
                let problem = Problem::new(format!("`load.closed` has both `stages` and `{name}`"))
                    .with_help(
                        "stages say both how many and how long; begin with users with \
                         `{ for: 0s, to: 5 }`",
                    );
                self.checker.note(node.head(), problem);
                return None;
            }
        }
        let level = |checker: &mut Checker, node: &Node, path: &str| {
            checker.number_u32(node, path, 0..CONCURRENCY.end)
        };
        let stages = self.stages(stages, "load.closed.stages", level, |users| *users > 0)?;
        let users = stages.iter().map(|stage| stage.to).max()?;
        Some(Load::Closed { users, until: Until::Stages(stages) })
    }
}
