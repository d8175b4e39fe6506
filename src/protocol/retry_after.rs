//! The `Retry-After` header.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

/// How long a server asks to wait: seconds, or a date that is read against the reply's own `Date`,
/// so that two clocks that disagree do no harm (RFC 9110, section 10.2.3).
///
/// `None` where there is nothing to be understood; a date in the past is no wait.
pub fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = http_date(value)?;
    let now = http_date(date?)?;
    Some(Duration::from_secs(u64::try_from(at - now).unwrap_or(0)))
}

fn http_date(text: &str) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    Some(PARSER.parse_timestamp(text.trim()).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = Some("Sun, 22 Nov 2026 08:49:37 GMT");
        let seconds = |value, date| retry_after(value, date).map(|wait| wait.as_secs_f64());
        assert_eq!(seconds("7", None), Some(7.0));
        assert_eq!(seconds("0.5", None), Some(0.5));
        assert_eq!(seconds("Sun, 22 Nov 2026 08:50:37 GMT", now), Some(60.0));
        assert_eq!(seconds("Sun, 22 Nov 2026 08:40:37 GMT", now), Some(0.0));
        assert_eq!(seconds("Sun, 22 Nov 2026 08:50:37 GMT", None), None);
        for bad in ["", "soon", "-1", "inf"] {
            assert_eq!(seconds(bad, now), None, "{bad}");
        }
    }
}
