//! Numbers as a page shows them: with the exact value beside the rounded one, and where in the JSON
//! form it stands.

use super::super::table::{millis, percent, rate, short, thousands};
use super::super::text::observed;
use super::svg::escape;

/// A number that stands under the pointer `of` in the JSON form of the same report (of a run,
/// `summary.json`), shown as `text`.
pub(super) fn data(of: &str, value: Option<f64>, text: &str) -> String {
    match value {
        Some(value) => {
            format!("<data value=\"{value}\" data-of=\"{}\">{}</data>", escape(of), escape(text))
        }
        None => "<span class=\"none\">n/a</span>".into(),
    }
}

/// Milliseconds.
pub(super) fn millis_cell(of: &str, value: Option<f64>) -> String {
    data(of, value, &millis(value))
}

/// A whole number.
pub(super) fn count_cell(of: &str, value: u64) -> String {
    data(of, Some(value as f64), &thousands(value))
}

/// So many a second.
pub(super) fn rate_cell(of: &str, value: Option<f64>) -> String {
    data(of, value, &rate(value))
}

/// A fraction.
pub(super) fn share_cell(of: &str, value: Option<f64>) -> String {
    data(of, value, &percent(value))
}

/// An interval.
pub(super) fn interval_cell(of: &str, value: Option<[f64; 2]>) -> String {
    match value {
        None => String::new(),
        // Three significant digits are all that an interval is good for.
        Some([low, high]) => format!(
            "<small>{} – {}</small>",
            data(&format!("{of}/0"), Some(low), &short(low)),
            data(&format!("{of}/1"), Some(high), &short(high))
        ),
    }
}

/// What a threshold saw.
pub(super) fn observed_cell(of: &str, value: Option<f64>, unit: &str) -> String {
    match value {
        None => "<span class=\"none\">no data</span>".into(),
        value => data(of, value, &observed(value, unit)),
    }
}

/// A number that stands in no other form, for sorting by it.
pub(super) fn plain_cell(value: Option<f64>, text: &str) -> String {
    match value {
        Some(value) => format!("<data value=\"{value}\">{}</data>", escape(text)),
        None => "<span class=\"none\">n/a</span>".into(),
    }
}

/// A verdict as a heading.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
