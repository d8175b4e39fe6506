//! Pieces of SVG and HTML as text.

use std::fmt::Write;

/// What others wrote, as text of a document.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // A document may hold no other control characters.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A sentence of ours, in which names stand between backticks.
pub(super) fn prose(sentence: &str) -> String {
    let safe = escape(sentence);
    let pieces: Vec<&str> = safe.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return safe;
    }
    let marked = pieces.iter().enumerate().map(|(at, piece)| match at % 2 {
        1 => format!("<code>{piece}</code>"),
        _ => (*piece).to_owned(),
    });
    marked.collect()
}

/// A coordinate: a tenth of a unit is less than a screen can show.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A share of a length, as a percentage.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned() + "%"
}

/// The path of dots where a line has a value between two gaps: a line of one point would not be
/// seen.
pub(super) fn lone(points: &[(f64, Option<f64>)]) -> String {
    let mut path = String::new();
    let is_gap = |at: Option<usize>| at.and_then(|at| points.get(at)?.1).is_none();
    for (at, (x, y)) in points.iter().enumerate() {
        if let (Some(y), true, true) = (y, is_gap(at.checked_sub(1)), is_gap(Some(at + 1))) {
            let _ = write!(path, "M{} {}h0", number(*x), number(*y));
        }
    }
    path
}

/// The path of a line through `points`, broken where there is no value. A value between two gaps
/// is drawn as a dot: the pen is round.
pub(super) fn line(points: impl IntoIterator<Item = (f64, Option<f64>)>) -> String {
    let mut path = String::new();
    let mut drawing = false;
    let mut alone = false;
    for (x, y) in points {
        match y {
            Some(y) => {
                let letter = if drawing { 'L' } else { 'M' };
                let _ = write!(path, "{letter}{} {}", number(x), number(y));
                alone = !drawing;
                drawing = true;
            }
            None => {
                path.push_str(if alone { "h0" } else { "" });
                (drawing, alone) = (false, false);
            }
        }
    }
    path.push_str(if alone { "h0" } else { "" });
    path
}

/// The outline of the area between two lines, each part without a gap by itself.
pub(super) fn band(points: &[(f64, Option<(f64, f64)>)]) -> String {
    let mut path = String::new();
    for part in points.split(|(_, between)| between.is_none()) {
        let both: Vec<_> = part.iter().filter_map(|(x, both)| Some((*x, (*both)?))).collect();
        if both.len() < 2 {
            continue;
        }
        let there = both.iter().map(|(x, (low, _))| (*x, Some(*low)));
        let back = both.iter().rev().map(|(x, (_, high))| (*x, Some(*high)));
        path.push_str(&line(there.chain(back)));
        path.push('Z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(
            escape("<script>'a' & \"b\"\u{1b}"),
            "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot; "
        );
        assert_eq!(prose("read `all` <b>"), "read <code>all</code> &lt;b&gt;");
        assert_eq!(prose("a lone ` stays"), "a lone ` stays");
    }

    #[test]
    fn a_gap_breaks_a_line_and_a_single_value_is_a_dot() {
        let points =
            [(0.0, Some(1.0)), (1.0, Some(2.25)), (2.0, None), (3.0, Some(4.0)), (4.0, None)];
        assert_eq!(line(points), "M0 1L1 2.2M3 4h0");
        assert_eq!(lone(&points), "M3 4h0");
        assert_eq!(lone(&[(5.0, Some(6.0))]), "M5 6h0");
        let both = [(0.0, Some((1.0, 0.0))), (1.0, Some((2.0, 0.0))), (2.0, None)];
        assert_eq!(band(&both), "M0 1L1 2L1 0L0 0Z");
        assert_eq!(percent(0.125), "12.5%");
    }
}
