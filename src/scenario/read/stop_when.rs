//! `stop_when`: what ends a run before its time.

use std::time::Duration;

use super::super::document::{Node, Value};
use super::super::model::StopRule;
use super::super::problem::Problem;
use super::Reading;
use super::bounds::threshold;
use crate::threshold::{Named, Subject};
use crate::units::Span;

/// How long a rule looks back where it does not say.
const DEFAULT_OVER: Duration = Duration::from_secs(10);

impl Reading<'_> {
    /// One rule or a list of them. `named` is what tags can name, where that could be read.
    pub(super) fn stop_when(
        &mut self,
        node: &Node,
        named: Option<&[Named<'_, String>]>,
    ) -> Option<Vec<StopRule>> {
        let rules = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let rules: Vec<_> = rules.iter().map(|rule| self.stop_rule(rule, named)).collect();
        rules.into_iter().collect()
    }

    fn stop_rule(&mut self, node: &Node, named: Option<&[Named<'_, String>]>) -> Option<StopRule> {
        let help = "write a metric, an expression and how long it looks back: \
                    `{ errors: \"rate>20%\", for: 10s }`";
        let Value::Map(entries) = &node.value else {
            let problem = Problem::new(format!("`stop_when` wants a rule, not {}", node.noun()));
            self.checker.note(node.head(), problem.with_help(help));
            return None;
        };
        let mut conditions = entries.iter().filter(|(name, _)| name != "for");
        let Some((metric, expression)) = conditions.next() else {
            let problem = Problem::new("a rule of `stop_when` names no metric");
            self.checker.note(node.head(), problem.with_help(help));
            return None;
        };
        if let Some((second, other)) = conditions.next() {
            let problem = Problem::new(format!(
                "a rule of `stop_when` has two metrics: `{metric}` and `{second}`"
            ))
            .with_help("write each as a rule of its own, after `- `");
            self.checker.note(other.head(), problem);
            return None;
        }
        let text = self.checker.word(expression, &format!("stop_when.{metric}"))?;
        let condition = match threshold(metric, text, named) {
            Ok(condition) => condition,
            Err(error) => {
                let in_expression = error.0.contains(text);
                let place = if in_expression { &expression.place } else { expression.head() };
                self.checker.note(place, Problem::new(error.0));
                return None;
            }
        };
        if condition.subject == Subject::InFlight {
            let problem = Problem::new("a run cannot be stopped by `in_flight`")
                .with_help("a rule looks at turns that have ended: `errors`, `ttfc`, `total`, …");
            self.checker.note(expression.head(), problem);
            return None;
        }
        let over = match entries.iter().find(|(name, _)| name == "for") {
            Some((_, node)) => self.looks_back(node)?,
            None => DEFAULT_OVER,
        };
        Some(StopRule { condition, over })
    }

    fn looks_back(&mut self, node: &Node) -> Option<Duration> {
        let over = self.checker.parsed::<Span>(node, "stop_when.for")?.0;
        if over.is_zero() || over.subsec_nanos() > 0 || over > Duration::from_secs(3600) {
            let problem = Problem::new(format!("`stop_when.for` cannot be {}", Span(over)))
                .with_help("a rule looks at whole seconds, from 1s to 1h");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(over)
    }
}
