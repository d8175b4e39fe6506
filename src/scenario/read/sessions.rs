//! `sessions` and `data`: what is said, and the rows it takes values from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::document::{Node, Value};
use super::super::model::{Content, Feeder, Message, Pick, PromptRow, Row, RowFields, Session};
use super::super::problem::{Problem, Source, listed};
use super::super::rows::{Format, object_rows, text};
use super::super::weights::{LONGEST_BLOCK, reduced};
use super::super::{prompts, template};
use super::Reading;
use crate::units::Delay;

const SESSION_FIELDS: [&str; 9] =
    ["name", "weight", "session_id", "messages", "from", "message", "turns", "id", "think"];
/// Names that are no good as tags of thresholds or in lists.
const NOT_IN_NAMES: &str = "{}[],=:\"'`";

/// A session with the places of its messages, for what is checked later.
pub(super) struct ReadSession<'n> {
    pub(super) session: Session,
    pub(super) texts: Vec<&'n Node>,
}

impl Reading<'_> {
    pub(super) fn sessions<'n>(&mut self, node: &'n Node) -> Option<Vec<ReadSession<'n>>> {
        let items = self.checker.list(node, "sessions", "sessions")?;
        if items.is_empty() || items.len() > 1000 {
            let problem = match items.len() {
                0 => Problem::new("`sessions` is an empty list: nothing would be asked"),
                many => Problem::new(format!(
                    "`sessions` has {many} kinds; at most 1000 are kept apart"
                )),
            };
            self.checker.note(node.head(), problem);
            return None;
        }
        let mut sessions: Vec<ReadSession<'n>> = Vec::new();
        let mut complete = true;
        for (index, item) in items.iter().enumerate() {
            let Some(read) = self.session(item, index) else {
                complete = false;
                continue;
            };
            let name = &read.session.name;
            if sessions.iter().any(|other| other.session.name == *name) {
                let place = item.get("name").map_or(item.head(), |node| &node.place).clone();
                let problem = Problem::new(format!("two sessions are named `{name}`"))
                    .with_help("figures are kept by name: give each its own");
                self.checker.note(&place, problem);
                complete = false;
                continue;
            }
            sessions.push(read);
        }
        let weights: Vec<u32> = sessions.iter().map(|one| one.session.weight).collect();
        let block: u64 = reduced(&weights).into_iter().map(u64::from).sum();
        if block > LONGEST_BLOCK {
            let problem = Problem::new(format!(
                "the weights take {block} sessions to show their proportions exactly"
            ))
            .with_help(format!(
                "round them so that, without what they have in common, they sum to at most \
                 {LONGEST_BLOCK}"
            ));
            self.checker.note(node.head(), problem);
            return None;
        }
        complete.then_some(sessions)
    }

    fn session<'n>(&mut self, node: &'n Node, index: usize) -> Option<ReadSession<'n>> {
        let path = format!("sessions[{index}]");
        let fields = self.checker.fields(node, &path, &SESSION_FIELDS)?;
        let at = |name: &str| format!("{path}.{name}");
        let weight = match fields.get("weight") {
            Some(node) => self.checker.number_u32(node, &at("weight"), 1..1_000_001),
            None => Some(1),
        };
        let session_id = match fields.get("session_id") {
            Some(node) => Some(self.checker.text(node, &at("session_id"))?),
            None => None,
        };
        let name = match fields.get("name") {
            Some(node) => self.tag(node, &at("name")),
            None => Some(default_name(fields.get("from"), index)),
        };
        let (content, texts) = match (fields.get("messages"), fields.get("from")) {
            (Some(messages), None) => {
                for name in ["message", "turns", "id", "think"] {
                    if let Some(node) = fields.get(name) {
                        let help = match name {
                            "think" => "write it with its message: `{ text: ..., think: 2s }`",
                            _ => "it names a field of the file in `from`",
                        };
                        let problem = Problem::new(format!("`{name}` does not go with `messages`"));
                        self.checker.note(node.head(), problem.with_help(help));
                    }
                }
                let (messages, texts) = self.messages(messages, &at("messages"))?;
                (Content::Inline(messages), texts)
            }
            (None, Some(from)) => {
                let mut row_fields = RowFields::default();
                for (name, slot) in [
                    ("message", &mut row_fields.message),
                    ("turns", &mut row_fields.turns),
                    ("id", &mut row_fields.id),
                ] {
                    if let Some(node) = fields.get(name) {
                        *slot = Some(self.checker.text(node, &at(name))?);
                    }
                }
                if let (Some(_), Some(turns)) = (&row_fields.message, fields.get("turns")) {
                    let problem = Problem::new("a row has either `message` or `turns`").with_help(
                        "`message` names a field with one text, `turns` one with a list",
                    );
                    self.checker.note(turns.head(), problem);
                    return None;
                }
                let think = match fields.get("think") {
                    Some(node) => self.checker.parsed(node, &at("think"))?,
                    None => Delay::ZERO,
                };
                let (from, rows) = self.prompts(from, &at("from"), &row_fields)?;
                (Content::Rows { from, fields: row_fields, rows, think }, Vec::new())
            }
            (Some(_), Some(from)) => {
                let problem = Problem::new("a session has either `messages` or `from`")
                    .with_help("make it two sessions");
                self.checker.note(from.head(), problem);
                return None;
            }
            (None, None) => {
                let problem = Problem::new(format!("`{path}` says nothing"))
                    .with_help("add `messages: [\"Hello!\"]`, or `from: prompts.jsonl`");
                self.checker.missing(fields, "messages", problem);
                return None;
            }
        };
        let session = Session { name: name?, weight: weight?, session_id, content };
        Some(ReadSession { session, texts })
    }

    /// A name that also stands in thresholds and tables.
    fn tag(&mut self, node: &Node, path: &str) -> Option<String> {
        let name = self.checker.text(node, path)?;
        if let Some(bad) = name.chars().find(|c| c.is_control() || NOT_IN_NAMES.contains(*c)) {
            let problem = Problem::new(format!("`{path}` holds {bad:?}"))
                .with_help("use letters, digits, spaces, dots, - and _");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(name)
    }

    fn messages<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
    ) -> Option<(Vec<Message>, Vec<&'n Node>)> {
        let items = self.checker.list(node, path, "messages")?;
        if items.is_empty() {
            let problem =
                Problem::new(format!("`{path}` is an empty list: nothing would be asked"));
            self.checker.note(node.head(), problem);
            return None;
        }
        let (mut messages, mut texts) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let (text, think) = match &item.value {
                Value::Map(_) => {
                    let Some(fields) = self.checker.fields(item, &path, &["text", "think"]) else {
                        continue;
                    };
                    let Some(text) = fields.get("text") else {
                        let problem = Problem::new(format!("`{path}` has no `text`"));
                        self.checker.missing(fields, "text", problem);
                        continue;
                    };
                    (text, fields.get("think"))
                }
                _ => (item, None),
            };
            let think = match think {
                Some(node) => self.checker.parsed(node, &format!("{path}.think")),
                None => Some(Delay::ZERO),
            };
            if let (Some(written), Some(think)) = (self.checker.text(text, &path), think) {
                messages.push(Message { text: written, think });
                texts.push(text);
            }
        }
        (messages.len() == items.len()).then_some((messages, texts))
    }

    fn prompts(
        &mut self,
        node: &Node,
        path: &str,
        fields: &RowFields,
    ) -> Option<(PathBuf, Vec<PromptRow>)> {
        let formats = "a prompt file ends in .jsonl, .csv, .json or .txt";
        let (from, source, format) = self.file(node, path, formats)?;
        match prompts::read(&source, format, fields) {
            Ok(rows) => Some((from, rows)),
            Err(problem) => {
                self.checker.note_elsewhere(&node.place, problem);
                None
            }
        }
    }

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
            let Some(fields) = self.checker.fields(item, &path, &["from", "pick"]) else {
                continue;
            };
            let pick = fields.get("pick").map_or(Some(Pick::default()), |node| {
                self.checker.choice(node, &format!("{path}.pick"))
            });
            let Some(from) = fields.get("from") else {
                let problem = Problem::new(format!("`{path}` has no `from`"))
                    .with_help("name the file its rows are in");
                self.checker.missing(fields, "from", problem);
                continue;
            };
            let rows = self.object_file(from, &format!("{path}.from"));
            if let (Some(pick), Some((from, rows))) = (pick, rows) {
                feeders.insert(name.clone(), Feeder { from, pick, rows: Arc::new(rows) });
            }
        }
        (feeders.len() == entries.len()).then_some(feeders)
    }

    /// The rows of a data or users file; never empty.
    pub(super) fn object_file(&mut self, node: &Node, path: &str) -> Option<(PathBuf, Vec<Row>)> {
        let formats = "a data file ends in .csv, .jsonl or .json";
        let (from, source, format) = self.file(node, path, formats)?;
        let rows = object_rows(&source, format).and_then(|rows| match rows.is_empty() {
            true => Err(Problem::new(format!("{} has no rows", source.label))),
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
}

/// The file's stem, or the position from 1.
fn default_name(from: Option<&Node>, index: usize) -> String {
    let stem = from.and_then(|node| match &node.value {
        Value::Word(text) => Path::new(text).file_stem()?.to_str(),
        _ => None,
    });
    let name: String = stem
        .unwrap_or("")
        .chars()
        .filter(|c| !c.is_control() && !NOT_IN_NAMES.contains(*c))
        .collect();
    if name.is_empty() { format!("session-{}", index + 1) } else { name }
}

/// The names of a feeder's fields: those of all its rows together.
pub(super) fn columns(rows: &[Row]) -> std::collections::BTreeSet<&str> {
    rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect()
}

/// A list for a hint, short enough to be read.
pub(super) fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    listed(names.into_iter().take(8), "and")
}

/// Whether a message needs rendering at all.
pub(super) fn has_template(text: &str) -> bool {
    template::is_template(text)
}
