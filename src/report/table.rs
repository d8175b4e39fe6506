//! Lines that fit: numbers in columns, text cut or wrapped.

/// A report is this many columns wide.
pub(super) const WIDTH: usize = 80;

/// Milliseconds for a column of nine: three decimals while there is room for them.
pub fn millis(value: Option<f64>) -> String {
    match value {
        None => "n/a".into(),
        Some(value) if value < 1e5 => format!("{value:.3}"),
        Some(value) => format!("{value:.1}"),
    }
}

/// An interval in at most ten characters; three significant digits are all it is good for.
pub(super) fn interval(value: Option<[f64; 2]>) -> String {
    match value {
        None => "n/a".into(),
        Some([low, high]) if high >= 1e4 => {
            format!("{}–{}s", short(low / 1e3), short(high / 1e3))
        }
        Some([low, high]) if high < 0.9995 => {
            format!("{:.0}–{:.0}µs", low * 1e3, high * 1e3)
        }
        Some([low, high]) => format!("{}–{}", short(low), short(high)),
    }
}

/// Three significant digits.
pub(super) fn short(value: f64) -> String {
    match value {
        value if value < 0.9995 => format!("{value:.3}"),
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A whole number with its thousands apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate in a few characters.
pub fn rate(value: Option<f64>) -> String {
    match value {
        None => "n/a".into(),
        Some(value) if value < 10.0 => format!("{value:.3}/s"),
        Some(value) if value < 1_000.0 => format!("{value:.1}/s"),
        Some(value) => format!("{}/s", thousands(value.round() as u64)),
    }
}

/// A fraction as a percentage.
pub fn percent(fraction: Option<f64>) -> String {
    match fraction {
        None => "n/a".into(),
        Some(fraction) => {
            let percent = fraction * 100.0;
            let decimals = if percent > 0.0 && percent < 1.0 { 3 } else { 2 };
            format!("{percent:.decimals$} %")
        }
    }
}

/// What others wrote, on one line and without control characters: an error message must not be
/// able to move a terminal's cursor.
pub fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `width` characters, with an ellipsis where something was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Words in lines of at most [`WIDTH`], each after `indent` spaces; a longer word is broken.
pub(super) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    wrapped_to(WIDTH, text, indent)
}

/// The same in lines of at most `width`.
pub(super) fn wrapped_to(width: usize, text: &str, indent: usize) -> Vec<String> {
    let room = width - indent;
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() > room {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        while word.len() > room {
            lines.push(word.drain(..room).collect());
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        length += word.len();
        line.extend(word);
    }
    lines.push(line);
    lines.into_iter().map(|line| format!("{:indent$}{line}", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_columns_at_any_size() {
        for value in [0.0, 0.001, 9.999, 999.999, 9_999.999, 99_999.999, 3_600_000.0] {
            assert!(millis(Some(value)).chars().count() <= 9, "{value}");
            assert!(interval(Some([value * 0.8, value])).chars().count() <= 10, "{value}");
        }
        assert_eq!(interval(Some([230.4, 270.6])), "230–271");
        assert_eq!(interval(Some([9_910.0, 10_200.0])), "9.91–10.2s");
        assert_eq!(interval(Some([0.019, 0.113])), "19–113µs");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(percent(Some(0.0012)), "0.120 %");
    }

    #[test]
    fn text_of_others_is_harmless_and_fits() {
        assert_eq!(one_line("a\x1b[2Jb\r\nc\u{85}d"), "a [2Jb c d");
        assert_eq!(cut("abcdef", 4), "abc…");
        for line in wrapped(&"long ".repeat(50), 4).into_iter().chain(wrapped(&"x".repeat(300), 2))
        {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
