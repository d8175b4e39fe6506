//! `data`, and every other file that a scenario names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::document::{Node, Value};
use super::super::fields::{FEEDER, names};
use super::super::model::{Feeder, OnEnd, Pick, PromptRow, Row, RowFields};
use super::super::problem::{Problem, Source};
use super::super::prompts;
use super::super::rows::{Format, empty, object_rows, text};
use super::Reading;

const FIELDS: [&str; FEEDER.len()] = names(FEEDER);

impl Reading<'_> {
    pub(super) fn data(&mut self, node: &Node) -> Option<BTreeMap<String, Feeder>> {
        let Value::Map(entries) = &node.value else {
            let problem = Problem::new(format!("`data` wants named files, not {}", node.noun()))
                .with_help("write `data: { order: { from: orders.csv } }`");
            self.checker.note(node.head(), problem);
            return None;
        };
        let mut feeders = BTreeMap::new();
        for (name, item) in entries {
            let path = format!("data.{name}");
            let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_numeric());
            if name.is_empty() || !is_name {
                let problem = Problem::new(format!("`{name}` cannot be named in a template"))
                    .with_help("use letters, digits and _");
                self.checker.note(item.head(), problem);
                continue;
            }
            let Some(fields) = self.checker.fields(item, &path, &FIELDS) else {
                continue;
            };
            let pick = fields.get("pick").map_or(Some(Pick::default()), |node| {
                self.checker.choice(node, &format!("{path}.pick"))
            });
            let on_end = match fields.get("on_end") {
                Some(node) if pick.is_some_and(|pick| pick != Pick::Unique) => {
                    let problem = Problem::new("`on_end` has no effect without `pick: unique`")
                        .with_help("rows picked in any other way never run out");
                    self.checker.note(node.head(), problem);
                    None
                }
                Some(node) => self.checker.choice(node, &format!("{path}.on_end")),
                None => Some(OnEnd::default()),
            };
            let Some(from) = fields.get("from") else {
                let problem = Problem::new(format!("`{path}` has no `from`"))
                    .with_help("name the file its rows are in");
                self.checker.missing(fields, "from", problem);
                continue;
            };
            let rows = self.object_file(from, &format!("{path}.from"));
            if let (Some(pick), Some(on_end), Some((from, rows))) = (pick, on_end, rows) {
                let rows = Arc::new(rows);
                feeders.insert(name.clone(), Feeder { from, pick, on_end, rows });
            }
        }
        (feeders.len() == entries.len()).then_some(feeders)
    }

    /// The rows of a data or users file; never empty.
    pub(super) fn object_file(&mut self, node: &Node, path: &str) -> Option<(PathBuf, Vec<Row>)> {
        let formats = "a data file ends in .csv, .jsonl or .json";
        let (from, source, format) = self.file(node, path, formats)?;
        let rows = object_rows(&source, format).and_then(|rows| match rows.is_empty() {
            true => Err(empty(&source)),
            false => Ok(rows.into_iter().map(|one| one.row).collect()),
        });
        match rows {
            Ok(rows) => Some((from, rows)),
            Err(problem) => {
                self.checker.note_elsewhere(&node.place, problem);
                None
            }
        }
    }

    /// Reads a file that is named in the scenario.
    pub(super) fn file(
        &mut self,
        node: &Node,
        path: &str,
        formats: &str,
    ) -> Option<(PathBuf, Source, Format)> {
        let from = PathBuf::from(self.checker.text(node, path)?);
        let Some(format) = Format::of(&from) else {
            let problem = Problem::new(format!("`{path}` does not say what it is"));
            self.checker.note(&node.place, problem.with_help(formats));
            return None;
        };
        let full = self.base_dir.join(&from);
        let label = full.display().to_string();
        let bytes = match self.world.read(&full) {
            Ok(bytes) => bytes,
            Err(why) => {
                let problem = Problem::new(format!("{label} cannot be read: {why}"))
                    .with_help("paths count from the folder of the scenario file");
                self.checker.note(&node.place, problem);
                return None;
            }
        };
        match text(&label, &bytes) {
            Ok(text) => Some((from, Source { label, text: text.into(), is_flag: false }, format)),
            Err(problem) => {
                self.checker.note_elsewhere(&node.place, problem);
                None
            }
        }
    }

    pub(super) fn prompts(
        &mut self,
        node: &Node,
        path: &str,
        fields: &RowFields,
    ) -> Option<(PathBuf, Vec<PromptRow>)> {
        let formats = "a prompt file ends in .jsonl, .csv, .json or .txt";
        let (from, source, format) = self.file(node, path, formats)?;
        match prompts::read(&source, format, fields, self.recorded) {
            Ok(rows) => Some((from, rows)),
            Err(problem) => {
                self.checker.note_elsewhere(&node.place, problem);
                None
            }
        }
    }
}

/// The names of a feeder's fields: those of all its rows together.
pub(super) fn columns(rows: &[Row]) -> std::collections::BTreeSet<&str> {
    rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect()
}
