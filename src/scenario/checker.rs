//! Reads values out of the tree and keeps account of everything that is wrong.
//!
//! A reader that finds a mistake notes it and goes on with `None`, so that one look at the
//! scenario tells all of its mistakes.

use std::ops::Range;
use std::str::FromStr;

use super::document::{Node, Place, Value};
use super::problem::{Problem, Problems, Source, listed, nearest};
use super::words::Worded;

/// The account of what is wrong, and the texts it is wrong in.
pub(super) struct Checker {
    sources: Vec<Source>,
    found: Vec<(Option<Place>, Problem)>,
}

/// The entries of a map whose fields are known.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    node: &'n Node,
    known: &'n [&'n str],
}

impl<'n> Fields<'n> {
    /// The value of a field, where it is there.
    pub(super) fn get(self, name: &str) -> Option<&'n Node> {
        self.node.get(name)
    }

    /// Where to point when something is missing.
    pub(super) fn place(self) -> &'n Place {
        self.node.head()
    }

    /// Whether a field is there under a name that is not quite its own.
    fn has_misspelt(self, name: &str) -> bool {
        let Value::Map(entries) = &self.node.value else { return false };
        entries.iter().any(|(key, _)| {
            !self.known.contains(&key.as_str())
                && nearest(key, self.known.iter().copied()) == Some(name)
        })
    }
}

impl Checker {
    pub(super) fn new() -> Self {
        Self { sources: Vec::new(), found: Vec::new() }
    }

    /// Takes in a text that problems may point into; returns its number.
    pub(super) fn add_source(&mut self, label: &str, text: &str, is_flag: bool) -> usize {
        self.sources.push(Source { label: label.into(), text: text.into(), is_flag });
        self.sources.len() - 1
    }

    /// The text as it stands at a place, quotes and all.
    pub(super) fn written(&self, place: &Place) -> &str {
        self.sources[place.source].text.get(place.bytes.clone()).unwrap_or("")
    }

    /// The part of a place where `needle` stands, else the whole.
    pub(super) fn narrowed(&self, place: &Place, needle: &str) -> Place {
        match self.written(place).find(needle) {
            Some(at) if !needle.is_empty() => {
                let start = place.bytes.start + at;
                Place { source: place.source, bytes: start..start + needle.len() }
            }
            _ => place.clone(),
        }
    }

    /// Notes a problem at a place.
    pub(super) fn note(&mut self, place: &Place, problem: Problem) {
        let problem = problem.at(&self.sources[place.source], place.bytes.clone());
        self.found.push((Some(place.clone()), problem));
    }

    /// Notes a problem that stands in another file, named at a place of the scenario.
    pub(super) fn note_elsewhere(&mut self, named_at: &Place, problem: Problem) {
        let source = &self.sources[named_at.source];
        let named = Problem::new("").at(source, named_at.bytes.clone());
        let problem = match named.line_and_column() {
            Some((line, column)) => {
                problem.with_note(format!("the file is named at {}:{line}:{column}", source.label))
            }
            None => problem,
        };
        self.found.push((Some(named_at.clone()), problem));
    }

    /// Notes a problem that has no place.
    pub(super) fn note_anywhere(&mut self, problem: Problem) {
        self.found.push((None, problem));
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// Everything noted, in order of place.
    pub(super) fn into_problems(mut self) -> Problems {
        // What several scenarios share is read for each; its mistakes are told once.
        let mut told = std::collections::HashSet::new();
        self.found.retain(|(_, problem)| told.insert(problem.to_string()));
        let key = |place: &Option<Place>| {
            place.as_ref().map_or((usize::MAX, 0), |one| (one.source, one.bytes.start))
        };
        self.found.sort_by_key(|(place, _)| key(place));
        Problems::new(self.found.into_iter().map(|(_, problem)| problem).collect())
    }

    /// A map; fields that are not among `known` are noted.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        known: &'n [&'n str],
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let problem = Problem::new(format!("{} wants a map, not {}", named(path), node.noun()))
                .with_help(format!("its fields are {}", listed(known.iter().copied(), "and")));
            self.note(node.head(), problem);
            return None;
        };
        for (key, value) in entries {
            if known.contains(&key.as_str()) {
                continue;
            }
            let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
            let help = match nearest(key, known.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("its fields are {}", listed(known.iter().copied(), "and")),
            };
            self.note(
                value.head(),
                Problem::new(format!("unknown field `{key}`{inside}")).with_help(help),
            );
        }
        Some(Fields { node, known })
    }

    /// Notes that a field is missing, unless it is there misspelt and noted as that.
    pub(super) fn missing(&mut self, fields: Fields<'_>, name: &str, problem: Problem) {
        if !fields.has_misspelt(name) {
            self.note(fields.place(), problem);
        }
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str, of: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.note(
                    node.head(),
                    Problem::new(format!(
                        "{} wants a list of {of}, not {}",
                        named(path),
                        node.noun()
                    ))
                    .with_help("write each on a line of its own, after `- `"),
                );
                None
            }
        }
    }

    /// A single value, as written.
    pub(super) fn word<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        match &node.value {
            Value::Word(text) => Some(text),
            Value::Empty => {
                self.note(
                    node.head(),
                    Problem::new(format!("{} is empty", named(path)))
                        .with_help("write a value, or take the line away"),
                );
                None
            }
            _ => {
                self.note(
                    node.head(),
                    Problem::new(format!(
                        "{} wants a single value, not {}",
                        named(path),
                        node.noun()
                    ))
                    .with_help("write one word, number or text in quotes after the colon"),
                );
                None
            }
        }
    }

    /// A single value that is not the empty text.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        let text = self.word(node, path)?;
        if text.is_empty() {
            let problem = Problem::new(format!("{} is an empty text", named(path)))
                .with_help("write a text, or take it away");
            self.note(&node.place, problem);
            return None;
        }
        Some(text.to_owned())
    }

    /// A word with a unit, or anything else that reads itself and says what is wrong.
    pub(super) fn parsed<T: FromStr<Err: ToString>>(
        &mut self,
        node: &Node,
        path: &str,
    ) -> Option<T> {
        let text = self.word(node, path)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(
                    &node.place,
                    Problem::new(format!("{}: {}", named(path), error.to_string())),
                );
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, node: &Node, path: &str, range: Range<u64>) -> Option<u64> {
        let text = self.word(node, path)?;
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        match digits.parse::<u64>() {
            Ok(number) if range.contains(&number) => Some(number),
            Ok(_) => {
                let (low, high) = (range.start, range.end - 1);
                let help = match range.end {
                    u64::MAX => format!("write a number that is at least {low}"),
                    _ => format!("write a number from {low} to {high}"),
                };
                self.note(
                    &node.place,
                    Problem::new(format!("{} is out of range: `{text}`", named(path)))
                        .with_help(help),
                );
                None
            }
            Err(_) => {
                self.note(
                    &node.place,
                    Problem::new(format!("{} wants a whole number, not `{text}`", named(path)))
                        .with_help(format!("write it in digits, as in `{}`", range.start.max(5))),
                );
                None
            }
        }
    }

    /// The same for what must fit in 32 bits.
    pub(super) fn number_u32(&mut self, node: &Node, path: &str, range: Range<u64>) -> Option<u32> {
        self.number(node, path, range).and_then(|number| u32::try_from(number).ok())
    }

    /// One of a few words.
    pub(super) fn choice<T: Worded>(&mut self, node: &Node, path: &str) -> Option<T> {
        let text = self.word(node, path)?;
        if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words = || T::WORDS.iter().map(|(word, _)| *word);
        let help = match nearest(text, words()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("write {}", listed(words(), "or")),
        };
        self.note(
            &node.place,
            Problem::new(format!("{} cannot be `{text}`", named(path))).with_help(help),
        );
        None
    }
}

/// What is said of a list that has to have items.
pub(super) fn empty_list(path: &str) -> Problem {
    Problem::new(format!("`{path}` is an empty list: nothing would be asked"))
        .with_help("write at least one item, after `- ` or in the brackets")
}

/// A path as a sentence says it.
pub(super) fn named(path: &str) -> String {
    if path.is_empty() { "the scenario".into() } else { format!("`{path}`") }
}
