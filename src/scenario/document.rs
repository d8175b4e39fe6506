//! YAML (or JSON, which is YAML) as a tree in which every value knows its place.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::problem::Problem;

/// Where a value was written: bytes of one of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) source: usize,
    pub(super) bytes: Range<usize>,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    /// The value itself.
    pub(super) place: Place,
    /// The key it stands behind, where it stands in a map.
    pub(super) key_place: Option<Place>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Empty,
    /// A word: text, number or truth value, as written.
    Word(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Where to point when something is missing inside: the key, else the value.
    pub(super) fn head(&self) -> &Place {
        self.key_place.as_ref().unwrap_or(&self.place)
    }

    /// What it is, in words.
    pub(super) fn noun(&self) -> &'static str {
        match self.value {
            Value::Empty => "nothing",
            Value::Word(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub(super) fn word(text: &str, place: Place) -> Self {
        Self { value: Value::Word(text.into()), place, key_place: None }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, n)| n),
            _ => None,
        }
    }
}

/// Why a text is not YAML, and where.
pub(super) struct SyntaxProblem {
    pub(super) problem: Problem,
    pub(super) place: Place,
}

/// Reads `text[skip..]`, the part that is YAML, of source number `source`.
pub(super) fn parse(source: usize, text: &str, skip: usize) -> Result<Node, SyntaxProblem> {
    let yaml = &text[skip..];
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
    };
    let place = |location: Location| {
        let start = byte_offset(yaml, &location);
        let length = location.span().byte_len().unwrap_or(0) as usize;
        Place { source, bytes: skip + start..skip + start + length }
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(yaml, options) {
        Ok(raw) => Ok(build(raw, yaml, &place)),
        Err(error) => {
            let whole = error.to_string();
            let end = whole.rfind(" at line ").unwrap_or(whole.len());
            let message = &whole[..end];
            let problem = if message.starts_with("duplicate mapping key") {
                Problem::new("this key stands twice in one map").with_help("keep one of the two")
            } else if message.starts_with("multiple YAML documents") {
                Problem::new("a second YAML document begins here; a scenario is one document")
                    .with_help("take the `---` away; `scenarios` lists several in one document")
            } else {
                Problem::new(format!("this is not YAML: {message}"))
                    .with_help("a text with `: `, ` #`, braces or brackets goes in quotes")
            };
            let place = error.location().map_or(Place { source, bytes: skip..skip }, place);
            Err(SyntaxProblem { problem, place })
        }
    }
}

/// The byte a location stands at; some syntax errors know only line and column.
fn byte_offset(yaml: &str, location: &Location) -> usize {
    if let Some(offset) = location.span().byte_offset() {
        return (offset as usize).min(yaml.len());
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let start = match line {
        1 => 0,
        _ => yaml.match_indices('\n').nth(line - 2).map_or(yaml.len(), |(at, _)| at + 1),
    };
    let rest = &yaml[start..];
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
}

fn build(raw: Spanned<Raw>, yaml: &str, place: &impl Fn(Location) -> Place) -> Node {
    let here = place(raw.referenced);
    let value = match raw.value {
        Raw::Empty => Value::Empty,
        Raw::Text(text) => Value::Word(text),
        Raw::Typed(fallback) => {
            // `6e5` may be an id: keep what was written, not the number it could mean.
            let span = raw.defined.span();
            let written = span.byte_offset().zip(span.byte_len()).and_then(|(at, length)| {
                yaml.get(at as usize..(at + length) as usize).filter(|text| !text.is_empty())
            });
            Value::Word(written.map_or(fallback, str::to_owned))
        }
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| build(item, yaml, place)).collect())
        }
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let mut node = build(value, yaml, place);
                    node.key_place = Some(place(key.referenced));
                    (key.value, node)
                })
                .collect(),
        ),
    };
    Node { value, place: here, key_place: None }
}

/// What serde sees, before places are settled.
enum Raw {
    Empty,
    Text(String),
    /// A number or truth value, and how it would be written anew.
    Typed(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Empty)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Empty)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}
