//! Rows of jsonl, csv, json and txt files, each with the line it stands on.
//!
//! Nothing is trimmed and nothing is repaired: text comes out byte for byte as it stands in the
//! file. Lines end at LF or CRLF only; U+2028 and its like are text. A byte order mark at the
//! very start is not text.

use std::path::Path;

use serde_json::value::RawValue;

use super::model::Row;
use super::problem::{Problem, Source};

/// The formats that rows are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    JsonLines,
    Csv,
    Json,
    Text,
}

/// A row and the line it begins on.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    pub(super) line: usize,
    pub(super) row: T,
}

impl Format {
    /// The format of a file, by the end of its name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "jsonl" | "ndjson" => Self::JsonLines,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "txt" => Self::Text,
            _ => return None,
        })
    }
}

/// The text of a file: UTF-8, without a byte order mark.
pub(super) fn text<'a>(label: &str, bytes: &'a [u8]) -> Result<&'a str, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Problem::new(format!("{label} is not UTF-8: a stray byte in line {line}"))
            .with_help("save the file as UTF-8")
    })
}

/// The lines of a text, without their LF or CRLF; nothing after the last one is no line.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_suffix('\n').map_or(text, |rest| rest);
    let empty = text.is_empty();
    text.split('\n')
        .take(if empty { 0 } else { usize::MAX })
        .enumerate()
        .map(|(index, line)| (index + 1, line.strip_suffix('\r').unwrap_or(line)))
}

/// The rows of a txt file: one a line; empty lines are no rows.
pub(super) fn text_rows(text: &str) -> Vec<Numbered<&str>> {
    lines(text)
        .filter(|(_, line)| !line.is_empty())
        .map(|(line, row)| Numbered { line, row })
        .collect()
}

/// What is said of a file with nothing in it.
pub(super) fn empty(source: &Source) -> Problem {
    Problem::new(format!("{} has no rows", source.label)).with_help("put at least one row into it")
}

/// The rows of any format but txt, as JSON values by name.
pub(super) fn object_rows(source: &Source, format: Format) -> Result<Vec<Numbered<Row>>, Problem> {
    match format {
        Format::JsonLines => jsonl_rows(source),
        Format::Csv => csv_rows(source),
        Format::Json => json_rows(source),
        Format::Text => Err(Problem::new(format!("{} has no fields: it is txt", source.label))
            .with_help("use csv, jsonl or json")),
    }
}

fn jsonl_rows(source: &Source) -> Result<Vec<Numbered<Row>>, Problem> {
    let mut rows = Vec::new();
    for (number, line) in lines(&source.text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let start = line.as_ptr() as usize - source.text.as_ptr() as usize;
        match serde_json::from_str::<Row>(line) {
            Ok(row) => rows.push(Numbered { line: number, row }),
            Err(error) => return Err(not_a_row(source, start, line, &error)),
        }
    }
    Ok(rows)
}

/// Says what is wrong with a line or element that should have been an object.
fn not_a_row(source: &Source, start: usize, text: &str, error: &serde_json::Error) -> Problem {
    if error.is_data() {
        let end = start + text.lines().next().map_or(0, str::len);
        return Problem::new("a row is not an object with fields")
            .with_help("write rows as {\"message\": \"...\"}")
            .at(source, start..end);
    }
    let whole = error.to_string();
    let message = &whole[..whole.rfind(" at line ").unwrap_or(whole.len())];
    // serde_json counts bytes from 1 in the line it stopped in.
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(0, |(at, _)| at + 1),
    };
    let at = start + line_start + error.column().saturating_sub(1);
    Problem::new(format!("a row is not JSON: {message}")).at(source, at..at + 1)
}

fn json_rows(source: &Source) -> Result<Vec<Numbered<Row>>, Problem> {
    let text: &str = &source.text;
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Problem::new(format!("{} is not a list of rows", source.label))
                .with_help("write rows as [{\"message\": \"...\"}, ...]")
                .at(source, 0..0)
        } else {
            not_a_row(source, 0, text, &error)
        }
    })?;
    let (mut line, mut counted) = (1, 0);
    let mut rows = Vec::with_capacity(elements.len());
    for element in elements {
        let start = element.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[counted..start].matches('\n').count();
        counted = start;
        match serde_json::from_str::<Row>(element.get()) {
            Ok(row) => rows.push(Numbered { line, row }),
            Err(error) => return Err(not_a_row(source, start, element.get(), &error)),
        }
    }
    Ok(rows)
}

fn csv_rows(source: &Source) -> Result<Vec<Numbered<Row>>, Problem> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source.text.as_bytes());
    let broken = |error: csv::Error| Problem::new(format!("{} is not csv: {error}", source.label));
    let headers = reader.headers().map_err(broken)?.clone();
    for (index, name) in headers.iter().enumerate() {
        if headers.iter().take(index).any(|earlier| earlier == name) {
            return Err(Problem::new(format!("the column `{name}` stands twice in the header"))
                .at(source, 0..source.text.find('\n').unwrap_or(source.text.len())));
        }
    }
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    let (mut line, mut counted) = (1, 0);
    while reader.read_record(&mut record).map_err(broken)? {
        // The reader stops between CR and LF and does not count blank lines it passes over.
        let at = record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
        let at = at + source.text[at..].bytes().take_while(|byte| b"\r\n".contains(byte)).count();
        line += source.text[counted..at].matches('\n').count();
        counted = at;
        if record.len() != headers.len() {
            let end = source.text[at..].find('\n').map_or(source.text.len(), |end| at + end);
            return Err(Problem::new(format!(
                "this row has {} cells, the header has {}",
                record.len(),
                headers.len()
            ))
            .with_help("put quotes round a cell that holds a comma")
            .at(source, at..end));
        }
        let cells = headers.iter().zip(&record);
        let row = cells.map(|(name, cell)| (name.to_owned(), cell.into())).collect();
        rows.push(Numbered { line, row });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { label: "rows".into(), text: text.into(), is_flag: false }
    }

    fn messages(text: &str, format: Format) -> Vec<(usize, String)> {
        let rows = object_rows(&source(text), format).unwrap();
        rows.into_iter()
            .map(|one| (one.line, one.row["message"].as_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_line_ends_at_lf_or_crlf_and_nowhere_else() {
        let text = "one\r\n  two \u{2028}\u{85}\u{c} \n\n{{ x }}\t\nlast";
        let rows = text_rows(text);
        let rows: Vec<(usize, &str)> = rows.iter().map(|one| (one.line, one.row)).collect();
        assert_eq!(
            rows,
            [(1, "one"), (2, "  two \u{2028}\u{85}\u{c} "), (4, "{{ x }}\t"), (5, "last")]
        );
        assert_eq!(text_rows("").len(), 0);
        assert_eq!(text_rows("\n").len(), 0);
        assert_eq!(text_rows("a\n").len(), 1);
    }

    #[test]
    fn jsonl_keeps_every_byte_of_a_text() {
        let text = "{\"message\": \" a\\n\u{2028}b \"}\r\n\n{\"message\":\"c\\ud83d\\ude00\"}";
        assert_eq!(
            messages(text, Format::JsonLines),
            [(1, " a\n\u{2028}b ".to_owned()), (3, "c😀".to_owned())]
        );
    }

    #[test]
    fn csv_keeps_every_byte_of_a_cell() {
        let text = "id,message\r\n1,\" a, \"\"b\"\"\r\n c \"\r\n2,  plain  \n3,{{ x }}";
        assert_eq!(
            messages(text, Format::Csv),
            [
                (2, " a, \"b\"\r\n c ".to_owned()),
                (4, "  plain  ".to_owned()),
                (5, "{{ x }}".to_owned())
            ]
        );
    }

    #[test]
    fn json_rows_know_their_lines() {
        let text = "[\n  {\"message\": \"a\"},\n\n  {\"message\": \"b\\n\"}\n]\n";
        assert_eq!(messages(text, Format::Json), [(2, "a".to_owned()), (4, "b\n".to_owned())]);
    }

    #[test]
    fn a_byte_order_mark_is_not_text() {
        assert_eq!(text("x", b"\xef\xbb\xbfhi").unwrap(), "hi");
        let problem = text("x.txt", b"a\nb\xff").unwrap_err();
        assert_eq!(problem.message(), "x.txt is not UTF-8: a stray byte in line 2");
    }

    #[test]
    fn a_broken_row_is_shown_where_it_breaks() {
        for (text, format, place, message) in [
            ("{\"message\": \"a\"}\n{\"message\": b}", Format::JsonLines, (2, 13), "not JSON"),
            ("{\"message\": \"a\"}\n\"b\"", Format::JsonLines, (2, 1), "not an object"),
            ("[{\"a\": 1},\n 5]", Format::Json, (2, 2), "not an object"),
            ("{}", Format::Json, (1, 1), "not a list of rows"),
            ("[\n{]", Format::Json, (2, 2), "not JSON"),
            ("a,b\n1,2\n1\n", Format::Csv, (3, 1), "1 cells, the header has 2"),
            ("a,a\n1,2\n", Format::Csv, (1, 1), "stands twice"),
        ] {
            let problem = object_rows(&source(text), format).unwrap_err();
            assert!(problem.message().contains(message), "{text}: {problem}");
            assert_eq!(problem.line_and_column(), Some(place), "{text}: {problem}");
        }
    }
}
