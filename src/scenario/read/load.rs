//! `load`: how much is asked at once.

use super::super::document::{Node, Value};
use super::super::model::{Arrivals, Load, OnOverload, Until};
use super::super::overrides::DEFAULT_CONCURRENCY;
use super::super::problem::Problem;
use super::Reading;

const MODELS: [&str; 3] = ["once", "closed", "open"];
/// More sessions open at once than any machine holds: a slip of the hand.
const CONCURRENCY: std::ops::Range<u64> = 1..100_001;

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
            let help = "keep one of `once`, `closed` and `open`";
            self.checker.note(place, problem.with_help(help));
            return None;
        };
        let inner = fields.get(model)?;
        match *model {
            "once" => self.once(inner),
            "closed" => self.closed(inner),
            _ => self.open(inner),
        }
    }

    fn once(&mut self, node: &Node) -> Option<Load> {
        if matches!(node.value, Value::Empty) {
            return Some(Load::Once { concurrency: DEFAULT_CONCURRENCY });
        }
        let fields = self.checker.fields(node, "load.once", &["concurrency"])?;
        let concurrency = match fields.get("concurrency") {
            Some(node) => self.checker.number_u32(node, "load.once.concurrency", CONCURRENCY)?,
            None => DEFAULT_CONCURRENCY,
        };
        Some(Load::Once { concurrency })
    }

    fn closed(&mut self, node: &Node) -> Option<Load> {
        let known = &["users", "duration", "iterations"];
        let fields = self.checker.fields(node, "load.closed", known)?;
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

    fn open(&mut self, node: &Node) -> Option<Load> {
        let known = &["rate", "arrivals", "duration", "max_in_flight", "on_overload"];
        let fields = self.checker.fields(node, "load.open", known)?;
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
        let arrivals = fields.get("arrivals").map_or(Some(Arrivals::default()), |node| {
            self.checker.choice(node, "load.open.arrivals")
        });
        let max_in_flight = match fields.get("max_in_flight") {
            Some(node) => {
                Some(self.checker.number_u32(node, "load.open.max_in_flight", CONCURRENCY)?)
            }
            None => None,
        };
        let on_overload = match fields.get("on_overload") {
            Some(node) => {
                let word = self.checker.choice(node, "load.open.on_overload")?;
                if max_in_flight.is_none() {
                    let problem =
                        Problem::new("`on_overload` has no effect without `max_in_flight`")
                            .with_help(
                                "say how many turns may be on the wire: `max_in_flight: 500`",
                            );
                    self.checker.note(node.head(), problem);
                    return None;
                }
                word
            }
            None => OnOverload::default(),
        };
        Some(Load::Open {
            rate: rate?,
            arrivals: arrivals?,
            duration: duration?,
            max_in_flight,
            on_overload,
        })
    }
}
