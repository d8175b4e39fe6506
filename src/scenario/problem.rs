//! What is wrong with an input, where, and how to mend it.
//!
//! A problem is shown as compilers show theirs: the sentence, the place, the line with a caret
//! under it, and a hint. No colours; 80 columns.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

const WIDTH: usize = 80;

/// A text that problems point into.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The path as the user gave it, or the name of a flag.
    pub(super) label: String,
    pub(super) text: Arc<str>,
    /// A flag has no lines worth counting.
    pub(super) is_flag: bool,
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    message: String,
    excerpt: Option<Excerpt>,
    help: Option<String>,
    note: Option<String>,
}

/// The line a problem stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    label: String,
    is_flag: bool,
    line: usize,
    column: usize,
    width: usize,
    text: String,
}

/// All that is wrong with an input, in order of place; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl Problem {
    /// A problem without a place; one sentence, lower case, without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Parts { message, excerpt: None, help: None, note: None }))
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same with something to know beside it.
    #[must_use]
    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.0.note = Some(note.into());
        self
    }

    /// The same, pointing at these bytes of `source`.
    #[must_use]
    pub(super) fn at(mut self, source: &Source, bytes: Range<usize>) -> Self {
        let text = &*source.text;
        let start = floor_boundary(text, bytes.start);
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, bytes.end.clamp(start, to));
        let line = &text[from..to];
        self.0.excerpt = Some(Excerpt {
            label: source.label.clone(),
            is_flag: source.is_flag,
            line: text[..start].matches('\n').count() + 1,
            column: text[from..start].chars().count() + 1,
            width: text[start..end].trim_end().chars().count().max(1),
            // One at most, that of the line's end: a place may be among others, and has to be in the line.
            text: line.strip_suffix('\r').unwrap_or(line).to_owned(),
        });
        self
    }

    /// What is wrong: one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How to mend it, where we know.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The file or flag it stands in.
    pub fn label(&self) -> Option<&str> {
        self.0.excerpt.as_ref().map(|one| one.label.as_str())
    }

    /// Line and column, both from 1, where it stands in a file.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.0.excerpt.as_ref().filter(|one| !one.is_flag).map(|one| (one.line, one.column))
    }
}

/// The nearest character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_wrapped(f, "error: ", "       ", &self.0.message)?;
        let mut gutter = 1;
        if let Some(excerpt) = &self.0.excerpt {
            let number = if excerpt.is_flag { String::new() } else { excerpt.line.to_string() };
            gutter = number.len().max(1);
            write!(f, "\n{:gutter$} --> {}", "", excerpt.label)?;
            if !excerpt.is_flag {
                write!(f, ":{}:{}", excerpt.line, excerpt.column)?;
            }
            let (text, column, width) = excerpt.cropped(WIDTH - gutter - 5);
            write!(f, "\n {:gutter$} |\n {number:gutter$} | {text}", "")?;
            write!(f, "\n {:gutter$} | {:column$}{}", "", "", "^".repeat(width))?;
        }
        for (word, text) in [("note", &self.0.note), ("help", &self.0.help)] {
            if let Some(text) = text {
                let first = format!(" {:gutter$} = {word}: ", "");
                let next = " ".repeat(first.len());
                f.write_str("\n")?;
                write_wrapped(f, &first, &next, text)?;
            }
        }
        Ok(())
    }
}

impl Excerpt {
    /// The line, the caret's distance from its start and its width, in at most `room` characters.
    fn cropped(&self, room: usize) -> (String, usize, usize) {
        let line: Vec<char> =
            self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let column = self.column - 1;
        if line.len() <= room {
            return (line.into_iter().collect(), column, self.width.min(room));
        }
        let skip = if column < room / 2 { 0 } else { column - room / 3 };
        let end = (skip + room - 2).min(line.len());
        let mut text: String = if skip > 0 { "…".into() } else { String::new() };
        text.extend(&line[skip..end]);
        if end < line.len() {
            text.push('…');
        }
        let column = column - skip + usize::from(skip > 0);
        (text, column, self.width.min(room.saturating_sub(column)).max(1))
    }
}

/// Writes words in lines of at most 80 columns; a word longer than that stays whole.
fn write_wrapped(f: &mut fmt::Formatter<'_>, first: &str, next: &str, text: &str) -> fmt::Result {
    f.write_str(first)?;
    let mut column = first.len();
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            write!(f, "\n{next}{word}")?;
            column = next.len() + length;
        } else {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{word}")?;
            column += space.len() + length;
        }
    }
    Ok(())
}

impl Problems {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// Each of them, in order of place.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// The known word nearest to `word`, where one is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|one| (strsim::damerau_levenshtein(&lower, &one.to_lowercase()), one))
        .filter(|(distance, one)| *distance <= 1.max(one.len().min(word.len()) / 3))
        .min()
        .map(|(_, one)| one)
}

/// Words as a reader wants to see them: `` `a`, `b` or `c` ``.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => "none".into(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { label: "scenarios/x.yaml".into(), text: text.into(), is_flag: false }
    }

    #[test]
    fn a_problem_is_shown_with_its_line_a_caret_and_a_hint() {
        let problem = Problem::new("unknown field `tagret`")
            .with_help("did you mean `target`?")
            .at(&source("name: x\n\ntagret: y\n"), 9..15);
        assert_eq!(
            problem.to_string(),
            "error: unknown field `tagret`\n  \
               --> scenarios/x.yaml:3:1\n   \
                |\n 3 | tagret: y\n   | ^^^^^^\n   = help: did you mean `target`?"
        );
    }

    #[test]
    fn a_long_line_is_cropped_around_the_caret() {
        let text = format!("{}wrong{}", "ä".repeat(300), "b".repeat(300));
        let at = text.find("wrong").unwrap();
        let shown = Problem::new("x").at(&source(&text), at..at + 5).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{shown}");
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[3].chars().skip(caret).take(5).collect::<String>(), "wrong");
    }

    #[test]
    fn a_place_among_carriage_returns_is_within_the_line() {
        for text in [format!("{}{}\na: b\r\n", "a".repeat(200), "\r".repeat(300)), "\r".repeat(90)]
        {
            for at in 0..=text.len() {
                let shown = Problem::new("x").at(&source(&text), at..at + 9).to_string();
                assert!(shown.lines().all(|line| line.chars().count() <= 80), "{at}: {shown}");
            }
        }
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        assert_eq!(nearest("tagret", ["target", "data"]), Some("target"));
        assert_eq!(nearest("Users", ["users"]), Some("users"));
        assert_eq!(nearest("frequency", ["rate", "users"]), None);
    }
}
