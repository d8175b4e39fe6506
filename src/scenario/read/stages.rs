//! `stages`: a level over time, in straight lines.

use std::sync::Arc;
use std::time::Duration;

use super::super::checker::Checker;
use super::super::document::Node;
use super::super::loads::Stage;
use super::super::problem::Problem;
use super::Reading;
use crate::units::Span;

impl Reading<'_> {
    /// The stages at `path`; `level` reads where one goes, `is_something` tells levels at which
    /// anything is asked at all.
    pub(super) fn stages<T>(
        &mut self,
        node: &Node,
        path: &str,
        level: impl Fn(&mut Checker, &Node, &str) -> Option<T>,
        is_something: impl Fn(&T) -> bool,
    ) -> Option<Arc<[Stage<T>]>> {
        let items = self.checker.list(node, path, "stages")?;
        let mut stages = Vec::with_capacity(items.len());
        let mut all_read = true;
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match self.stage(item, &path, &level) {
                Some(stage) => stages.push(stage),
                None => all_read = false,
            }
        }
        if !all_read {
            return None;
        }
        let lasts: Duration = stages.iter().map(|stage| stage.span).sum();
        if lasts.is_zero() || !stages.iter().any(|stage| is_something(&stage.to)) {
            let problem = Problem::new(format!("`{path}` asks for nothing"))
                .with_help("a stage takes time and goes somewhere: `{ for: 30s, to: 50 }`");
            self.checker.note(node.head(), problem);
            return None;
        }
        Some(stages.into())
    }

    fn stage<T>(
        &mut self,
        node: &Node,
        path: &str,
        level: impl Fn(&mut Checker, &Node, &str) -> Option<T>,
    ) -> Option<Stage<T>> {
        let fields = self.checker.fields(node, path, &["for", "to"])?;
        for name in ["for", "to"] {
            if fields.get(name).is_none() {
                let problem = Problem::new(format!("`{path}` has no `{name}`"))
                    .with_help("write how long it takes and where it goes: `{ for: 30s, to: 50 }`");
                self.checker.missing(fields, name, problem);
            }
        }
        let span = fields.get("for").and_then(|node| {
            self.checker.parsed::<Span>(node, &format!("{path}.for")).map(|span| span.0)
        });
        let to =
            fields.get("to").and_then(|node| level(&mut self.checker, node, &format!("{path}.to")));
        Some(Stage { span: span?, to: to? })
    }
}
