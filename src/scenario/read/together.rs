//! `scenarios`: several that are run together. What stands at the top of the file holds for each
//! that does not say it itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::checker::{Fields, empty_list};
use super::super::document::{Node, Value};
use super::super::fields::{LISTED, names};
use super::super::model::{Feeder, Pick};
use super::super::problem::Problem;
use super::Reading;
use super::own::{OWN_FIELDS, Own, ReadOwn};
use crate::units::Span;

const FIELDS: [&str; LISTED.len()] = names(LISTED);
/// More than anybody runs at once: a slip of the hand.
const MOST: usize = 100;
/// Session kinds in all.
const MOST_KINDS: usize = 1000;

/// An entry of the list with what it has from the top of the file.
pub(super) struct Entry {
    name: Option<String>,
    start_after: Option<Duration>,
    whole: Node,
}

/// An entry that was read.
pub(super) struct ReadEntry<'n> {
    /// What it is called, where that could be read.
    pub(super) name: Option<String>,
    pub(super) start_after: Option<Duration>,
    pub(super) read: ReadOwn<'n>,
}

impl Reading<'_> {
    /// The entries of `list`, each made whole with what stands in `top`.
    pub(super) fn entries(&mut self, list: &Node, top: Fields<'_>) -> Option<Vec<Entry>> {
        let items = self.checker.list(list, "scenarios", "scenarios")?;
        if items.is_empty() || items.len() > MOST {
            let problem = match items.len() {
                0 => empty_list("scenarios"),
                many => Problem::new(format!(
                    "`scenarios` has {many} entries; at most {MOST} are run together"
                )),
            };
            self.checker.note(list.head(), problem);
            return None;
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("scenarios[{index}]");
            let Some(fields) = self.checker.fields(item, &path, &FIELDS) else { continue };
            let name = match fields.get("name") {
                Some(node) => self.tag(node, &format!("{path}.name")),
                None => Some(format!("scenario-{}", index + 1)),
            };
            if entries.iter().any(|other| name.is_some() && other.name == name) {
                let place = fields.get("name").map_or(item.head(), |node| &node.place).clone();
                let name = name.as_deref().unwrap_or_default();
                let problem = Problem::new(format!("two scenarios are named `{name}`"))
                    .with_help("figures are kept by name: give each its own");
                self.checker.note(&place, problem);
            }
            let start_after = match fields.get("start_after") {
                Some(node) => {
                    let after = self.checker.parsed::<Span>(node, &format!("{path}.start_after"));
                    after.map(|span| span.0)
                }
                None => Some(Duration::ZERO),
            };
            if fields.get("sessions").or(top.get("sessions")).is_none() {
                let problem = Problem::new(format!("`{path}` has no `sessions`")).with_help(
                    "say what is asked, here or for all at the top of the file: \
                     `sessions: [{ messages: [\"Hello!\"] }]`",
                );
                self.checker.missing(fields, "sessions", problem);
            }
            entries.push(Entry { name, start_after, whole: whole(item, fields, top) });
        }
        Some(entries)
    }

    /// Reads each entry for itself, then what they share.
    pub(super) fn read_entries<'n>(
        &mut self,
        entries: &'n [Entry],
        list: &Node,
        shared_data: Option<&Node>,
    ) -> Vec<ReadEntry<'n>> {
        let mut read: Vec<ReadEntry<'n>> = Vec::new();
        for Entry { name, start_after, whole } in entries {
            let Some(fields) = self.checker.fields(whole, "scenarios", &OWN_FIELDS) else {
                continue;
            };
            let own = self.own(fields);
            read.push(ReadEntry { name: name.clone(), start_after: *start_after, read: own });
        }
        let kinds: usize = read.iter().flat_map(|one| &one.read.kinds).map(Vec::len).sum();
        if kinds > MOST_KINDS {
            let problem = Problem::new(format!(
                "the scenarios have {kinds} kinds of session in all; at most {MOST_KINDS} are kept \
                 apart"
            ));
            self.checker.note(list.head(), problem);
        }
        if let Some(Value::Map(feeders)) = shared_data.map(|node| &node.value) {
            for (name, node) in feeders {
                self.deal_rows(name, node, &mut read);
            }
        }
        read
    }

    /// Rows that are used at most once are dealt to the scenarios that take from the same file.
    fn deal_rows(&mut self, feeder: &str, node: &Node, read: &mut [ReadEntry<'_>]) {
        let takes = |own: &&mut Own<'_>| {
            let shared = own.data.get(feeder).is_some_and(|one| one.pick == Pick::Unique);
            shared && own.sessions.iter().any(|one| one.session.takes_from(feeder))
        };
        let owns = read.iter_mut().filter_map(|one| one.read.own.as_mut());
        let mut takers: Vec<&mut BTreeMap<String, Feeder>> =
            owns.filter(takes).map(|own| &mut own.data).collect();
        let count = takers.len();
        for (index, data) in takers.iter_mut().enumerate().filter(|_| count > 1) {
            let Some(feeder) = data.get_mut(feeder) else { continue };
            if feeder.rows.len() < count {
                let rows = feeder.rows.len();
                let problem = Problem::new(format!(
                    "{count} scenarios take unique rows of {} and it has {rows}",
                    feeder.from.display()
                ));
                self.checker.note(node.head(), problem);
                return;
            }
            let dealt = feeder.rows.iter().skip(index).step_by(count).cloned().collect();
            feeder.rows = Arc::new(dealt);
        }
    }
}

/// An entry's own fields, and those of the top that it does not have. Files of `data` are known by
/// their names, variables of `env` are added up; everything else is the entry's or the top's.
fn whole(item: &Node, entry: Fields<'_>, top: Fields<'_>) -> Node {
    let field = |name: &str| match (entry.get(name), top.get(name)) {
        (Some(own), Some(shared)) => Some(added(name, own, shared)),
        (own, shared) => own.or(shared).cloned(),
    };
    let fields = OWN_FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), field(name)?)));
    Node { value: Value::Map(fields.collect()), ..item.clone() }
}

fn added(name: &str, own: &Node, shared: &Node) -> Node {
    let value = match (name, &own.value, &shared.value) {
        ("data", Value::Map(mine), Value::Map(theirs)) => {
            let others = theirs.iter().filter(|(name, _)| own.get(name).is_none());
            Value::Map(mine.iter().chain(others).cloned().collect())
        }
        ("env", Value::List(mine), Value::List(theirs)) => {
            let same = |one: &Node, other: &Node| match (&one.value, &other.value) {
                (Value::Word(one), Value::Word(other)) => one == other,
                _ => false,
            };
            let others = theirs.iter().filter(|one| !mine.iter().any(|known| same(known, one)));
            Value::List(mine.iter().chain(others).cloned().collect())
        }
        _ => return own.clone(),
    };
    Node { value, ..own.clone() }
}
