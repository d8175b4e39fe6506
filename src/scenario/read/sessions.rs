//! `sessions`: what is said, kind by kind.

use std::path::Path;

use super::super::checker::{Fields, empty_list};
use super::super::document::{Node, Value};
use super::super::fields::{SESSION, names};
use super::super::model::{Content, Message, RowFields, Session};
use super::super::problem::Problem;
use super::super::weights::{LONGEST_BLOCK, reduced};
use super::Reading;
use super::messages::ReadMessages;
use crate::expect::Expectations;
use crate::units::Delay;

const FIELDS: [&str; SESSION.len()] = names(SESSION);
/// Names that are no good as tags of thresholds or in lists.
const NOT_IN_NAMES: &str = "{}[],=:\"'`";

/// A session with the places of its messages, for what is checked later.
pub(super) struct ReadSession<'n> {
    pub(super) session: Session,
    /// Those of its set-up, of its main part, and of its closing.
    texts: [Vec<&'n Node>; 3],
}

impl<'n> ReadSession<'n> {
    /// Every message written in the scenario with its turn and its place. Turns of a session from
    /// a file are counted as in its first row.
    pub(super) fn written(&self) -> impl Iterator<Item = (u32, &Message, &'n Node)> {
        let Session { setup, content, closing, .. } = &self.session;
        let (main, turns) = match content {
            Content::Inline(messages) => (messages.as_slice(), messages.len()),
            Content::Rows { rows, .. } => (&[][..], rows.first().map_or(0, |row| row.turns.len())),
        };
        let starts = [0, setup.len(), setup.len() + turns];
        [setup.as_slice(), main, closing.as_slice()]
            .into_iter()
            .zip(&self.texts)
            .zip(starts)
            .flat_map(|((messages, texts), start)| {
                let turns = (1..).map(move |turn| u32::try_from(start + turn).unwrap_or(u32::MAX));
                messages.iter().zip(texts).zip(turns)
            })
            .map(|((message, node), turn)| (turn, message, *node))
    }
}

impl Reading<'_> {
    pub(super) fn sessions<'n>(&mut self, node: &'n Node) -> Option<Vec<ReadSession<'n>>> {
        let items = self.checker.list(node, "sessions", "sessions")?;
        if items.is_empty() || items.len() > 1000 {
            let problem = match items.len() {
                0 => empty_list("sessions"),
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
        let fields = self.checker.fields(node, &path, &FIELDS)?;
        let at = |name: &str| format!("{path}.{name}");
        let weight = match fields.get("weight") {
            Some(node) => self.checker.number_u32(node, &at("weight"), 1..1_000_001),
            None => Some(1),
        };
        let session_id = self.optional_text(fields.get("session_id"), &at("session_id"));
        let user_id = self.optional_text(fields.get("user_id"), &at("user_id"));
        let on_error = match fields.get("on_error") {
            Some(node) => self.checker.choice(node, &at("on_error")).map(Some),
            None => Some(None),
        };
        let expect = match fields.get("expect") {
            Some(node) => self.expect(node, &at("expect")),
            None => Some(Expectations::default()),
        };
        let name = match fields.get("name") {
            Some(node) => self.tag(node, &at("name")),
            None => Some(default_name(fields.get("from"), index)),
        };
        let setup = match fields.get("setup") {
            Some(node) => self.messages(node, &at("setup")),
            None => Some(ReadMessages::default()),
        };
        let closing = match fields.get("closing") {
            Some(node) => self.messages(node, &at("closing")),
            None => Some(ReadMessages::default()),
        };
        let content = self.content(fields, &path);
        let (setup, (content, texts), closing) = (setup?, content?, closing?);
        if self.recorded && !self.has_answers(node, &content, &setup, &closing) {
            return None;
        }
        let session = Session {
            name: name?,
            weight: weight?,
            session_id: session_id?,
            user_id: user_id?,
            on_error: on_error?,
            expect: expect?,
            setup: setup.messages,
            content,
            closing: closing.messages,
        };
        Some(ReadSession { session, texts: [setup.texts, texts, closing.texts] })
    }

    /// What its main part says, with the places of texts written in the scenario.
    fn content<'n>(&mut self, fields: Fields<'n>, path: &str) -> Option<(Content, Vec<&'n Node>)> {
        match (fields.get("messages"), fields.get("from")) {
            (Some(messages), None) => {
                let mut fits = true;
                for name in ["message", "turns", "id", "think"] {
                    if let Some(node) = fields.get(name) {
                        let help = match name {
                            "think" => "write it with its message: `{ text: ..., think: 2s }`",
                            _ => "it names a field of the file in `from`",
                        };
                        let problem = Problem::new(format!("`{name}` does not go with `messages`"));
                        self.checker.note(node.head(), problem.with_help(help));
                        fits = false;
                    }
                }
                let read = self.messages(messages, &format!("{path}.messages"))?;
                fits.then_some((Content::Inline(read.messages), read.texts))
            }
            (None, Some(from)) => Some((self.rows(fields, from, path)?, Vec::new())),
            (Some(_), Some(from)) => {
                let problem = Problem::new("a session has either `messages` or `from`")
                    .with_help("make it two sessions");
                self.checker.note(from.head(), problem);
                None
            }
            (None, None) => {
                let problem = Problem::new(format!("`{path}` says nothing"))
                    .with_help("add `messages: [\"Hello!\"]`, or `from: prompts.jsonl`");
                self.checker.missing(fields, "messages", problem);
                None
            }
        }
    }

    /// Whether what is sent along of a recorded conversation is there: messages written in the scenario
    /// have no recorded answer.
    fn has_answers(
        &mut self,
        node: &Node,
        content: &Content,
        setup: &ReadMessages<'_>,
        closing: &ReadMessages<'_>,
    ) -> bool {
        let written = setup.messages.len() + closing.messages.len();
        let fits = match content {
            Content::Inline(messages) => written + messages.len() <= 1,
            Content::Rows { .. } => written == 0,
        };
        if !fits {
            let problem = Problem::new(
                "`history: recorded` sends recorded answers along, and messages written in a \
                 scenario have none",
            )
            .with_help("take the conversation from a file with `from`, or write `history: live`");
            self.checker.note(node.head(), problem);
        }
        fits
    }

    fn rows(&mut self, fields: Fields<'_>, from: &Node, path: &str) -> Option<Content> {
        let at = |name: &str| format!("{path}.{name}");
        let row_fields = RowFields {
            message: self.optional_text(fields.get("message"), &at("message"))?,
            turns: self.optional_text(fields.get("turns"), &at("turns"))?,
            id: self.optional_text(fields.get("id"), &at("id"))?,
        };
        if let (Some(_), Some(turns)) = (&row_fields.message, fields.get("turns")) {
            let problem = Problem::new("a row has either `message` or `turns`")
                .with_help("`message` names a field with one text, `turns` one with a list");
            self.checker.note(turns.head(), problem);
            return None;
        }
        let think = match fields.get("think") {
            Some(node) => self.checker.parsed(node, &at("think"))?,
            None => Delay::ZERO,
        };
        let (from, rows) = self.prompts(from, &at("from"), &row_fields)?;
        Some(Content::Rows { from, fields: row_fields, rows, think })
    }

    /// The text of a field that may be left out; the outer `None` where it is wrong.
    fn optional_text(&mut self, node: Option<&Node>, path: &str) -> Option<Option<String>> {
        match node {
            Some(node) => self.checker.text(node, path).map(Some),
            None => Some(None),
        }
    }

    /// A name that also stands in thresholds and tables.
    pub(super) fn tag(&mut self, node: &Node, path: &str) -> Option<String> {
        let name = self.checker.text(node, path)?;
        if let Some(bad) = name.chars().find(|c| c.is_control() || NOT_IN_NAMES.contains(*c)) {
            let problem = Problem::new(format!("`{path}` holds {bad:?}"))
                .with_help("use letters, digits, spaces, dots, - and _");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(name)
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
