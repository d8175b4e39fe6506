//! `limits`, `slo` and `thresholds`: what must not be exceeded, and what the run must hold.

use super::super::document::{Node, Value};
use super::super::fields::{LIMITS, SLO, names};
use super::super::model::{Failures, Limits, Slo};
use super::super::problem::Problem;
use super::Reading;
use crate::threshold::{Named, Threshold};
use crate::units::{Share, UnitError};

const LIMIT_FIELDS: [&str; LIMITS.len()] = names(LIMITS);
const SLO_FIELDS: [&str; SLO.len()] = names(SLO);

impl Reading<'_> {
    pub(super) fn limits(&mut self, node: &Node) -> Option<Limits> {
        let fields = self.checker.fields(node, "limits", &LIMIT_FIELDS)?;
        let mut limits = Limits::default();
        if let Some(node) = fields.get("requests") {
            limits.requests = Some(self.checker.parsed(node, "limits.requests")?);
        }
        if let Some(node) = fields.get("retries") {
            limits.retries = self.checker.number_u32(node, "limits.retries", 0..101)?;
        }
        if let Some(node) = fields.get("failures") {
            limits.failures = self.failures(node)?;
        }
        Some(limits)
    }

    fn failures(&mut self, node: &Node) -> Option<Failures> {
        let text = self.checker.word(node, "limits.failures")?;
        if let Ok(count) = text.parse::<u64>() {
            return Some(Failures::Count(count));
        }
        match text.parse::<Share>() {
            Ok(share) => Some(Failures::Share(share)),
            Err(_) => {
                let problem = Problem::new(format!(
                    "`limits.failures` is neither a count nor a share: `{text}`"
                ))
                .with_help("write a number of turns, as in `3`, or a share, as in `1%`");
                self.checker.note(&node.place, problem);
                None
            }
        }
    }

    pub(super) fn slo(&mut self, node: &Node) -> Option<Slo> {
        let fields = self.checker.fields(node, "slo", &SLO_FIELDS)?;
        let mut slo = Slo::default();
        if let Some(node) = fields.get("ttfc") {
            slo.ttfc = Some(self.positive(node, "slo.ttfc")?);
        }
        if let Some(node) = fields.get("total") {
            slo.total = Some(self.positive(node, "slo.total")?);
        }
        Some(slo)
    }

    /// `named` is what tags can name, where that could be read.
    pub(super) fn thresholds(
        &mut self,
        node: &Node,
        named: Option<&[Named<'_, String>]>,
    ) -> Option<Vec<Threshold>> {
        let Value::Map(entries) = &node.value else {
            let problem = Problem::new(format!(
                "`thresholds` wants metrics and expressions, not {}",
                node.noun()
            ));
            self.checker.note(
                node.head(),
                problem.with_help("write `thresholds: { ttfc: [\"p(95)<800ms\"] }`"),
            );
            return None;
        };
        let mut thresholds = Vec::new();
        for (metric, value) in entries {
            let expressions = match &value.value {
                Value::List(items) if !items.is_empty() => items.as_slice(),
                Value::List(_) => {
                    let problem = Problem::new(format!("`{metric}` has no expression"));
                    self.checker
                        .note(value.head(), problem.with_help("write one, as in \"p(95)<800ms\""));
                    continue;
                }
                _ => std::slice::from_ref(value),
            };
            for expression in expressions {
                let Some(text) = self.checker.word(expression, &format!("thresholds.{metric}"))
                else {
                    continue;
                };
                match threshold(metric, text, named) {
                    Ok(threshold) => thresholds.push(threshold),
                    Err(error) => {
                        // The sentence quotes what is wrong: the metric or the expression.
                        let place =
                            if error.0.contains(text) { &expression.place } else { value.head() };
                        self.checker.note(place, Problem::new(error.0));
                    }
                }
            }
        }
        Some(thresholds)
    }
}

/// One threshold. Without `named` (they had mistakes of their own) its tags cannot be judged yet.
pub(super) fn threshold(
    metric: &str,
    expression: &str,
    named: Option<&[Named<'_, String>]>,
) -> Result<Threshold, UnitError> {
    match named {
        Some(named) => Threshold::parse_in(metric, expression, named),
        None => {
            let name = metric.split('{').next().unwrap_or(metric);
            Threshold::parse::<&str>(name, expression, &[])
        }
    }
}
