//! The `Retry-After` header, and what some services send beside it.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

/// How long a server asks to wait, by its headers: `retry-after-ms` (milliseconds, as Azure and OpenAI
/// send them) where it can be understood, else `Retry-After`: seconds, or a date that is read
/// against the reply's own `Date`, so that two clocks that disagree do no harm (RFC 9110, section
/// 10.2.3).
///
/// `None` where there is nothing to be understood; a date in the past is no wait.
pub fn retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let wait = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(asked) = header("retry-after-ms").and_then(number).and_then(|ms| wait(ms / 1e3)) {
        return Some(asked);
    }
    let value = header("retry-after")?;
    if let Some(seconds) = number(value) {
        return wait(seconds);
    }
    let at = http_date(value)?;
    let now = http_date(header("date")?)?;
    Some(Duration::from_secs(u64::try_from(at - now).unwrap_or(0)))
}

fn http_date(text: &str) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    Some(PARSER.parse_timestamp(text.trim()).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(headers: &[(&str, &'static str)]) -> Option<f64> {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, said)| *said);
        retry_after(header).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = ("date", "Sun, 22 Nov 2026 08:49:37 GMT");
        let of = |said| seconds(&[("retry-after", said), now]);
        assert_eq!(seconds(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(of("0.5"), Some(0.5));
        assert_eq!(of("Sun, 22 Nov 2026 08:50:37 GMT"), Some(60.0));
        assert_eq!(of("Sun, 22 Nov 2026 08:40:37 GMT"), Some(0.0));
        assert_eq!(seconds(&[("retry-after", "Sun, 22 Nov 2026 08:50:37 GMT")]), None);
        for bad in ["", "soon", "-1", "inf"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(seconds(&[]), None);
    }

    #[test]
    fn milliseconds_are_taken_where_they_can_be_understood() {
        let both = |millis| seconds(&[("retry-after-ms", millis), ("retry-after", "2")]);
        assert_eq!(both("1250"), Some(1.25));
        assert_eq!(both("soon"), Some(2.0));
        assert_eq!(both("-5"), Some(2.0));
        assert_eq!(seconds(&[("retry-after-ms", "20")]), Some(0.02));
    }
}
