//! What can go wrong on purpose, and to which requests it happens.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::when::When;
use crate::units::{UnitError, parse_duration};

/// A fault and the requests it happens to. Written `cut=3@5%`, `status=503@7`, `reset`.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// To which requests; without conditions to all.
    pub when: When,
}

/// Something that goes wrong on purpose. Counts of chunks are of chunks with text.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status with the body the real service sends with it.
    Status(u16),
    /// 401 with the misleading detail "Tool not found".
    ToolNotFound,
    /// 429 with `Retry-After` this much ahead, in one of its forms.
    RetryAfter(RetryAfter, Duration),
    /// 429 "Insufficient credits".
    Credits,
    /// The connection is reset before the head.
    Reset,
    /// The connection is reset after so many chunks.
    ResetAfter(u32),
    /// The connection is closed after so many chunks, without the end mark of HTTP.
    Cut(u32),
    /// Closed in the middle of the HTTP chunk that follows so many chunks.
    CutInside(u32),
    /// No chunked framing: the reply ends when the connection closes.
    CloseDelimited,
    /// As `CloseDelimited`, and closed after so many chunks: nothing shows the cut.
    CutUnframed(u32),
    /// Nothing more after so many chunks, until the client goes or this time is over.
    Stall(u32, Option<Duration>),
    /// So much more time between the head and the first chunk.
    Silence(Duration),
    /// The head comes byte by byte over this time.
    SlowHead(Duration),
    /// `data: [ERROR] ...` after so many chunks, inside a 200, and the end.
    ErrorEvent(u32),
    /// `[DONE]` is missing.
    NoDone,
    /// A 200 without a body.
    Empty,
    /// Bytes in the middle of the text that are not UTF-8.
    InvalidUtf8,
    /// Characters of several bytes, and a write that ends inside one.
    SplitUtf8,
    /// Chunks that are bare JSON values: `36`, `true`, `[]`.
    Numeric,
    /// An escape whose backslash ends one event and whose letter begins the next.
    SplitEscape,
    /// U+2028, U+0085 and a form feed inside the text.
    LineSeparators,
    /// Lines of events end in CR LF.
    Crlf,
    /// Comments between events, the first before the first chunk.
    Comments,
    /// One chunk of a mebibyte.
    BigEvent,
}

/// The forms of a `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// Whole seconds, rounded up.
    #[default]
    Seconds,
    /// A date in HTTP's form.
    Date,
    /// Whole seconds, and beside them milliseconds in `retry-after-ms`.
    Ms,
    /// The header is left out.
    Absent,
}

/// Every fault as it is written, for messages.
pub(super) const WRITTEN: [&str; 26] = [
    "status=503",
    "tool-not-found",
    "retry-after=2s",
    "retry-after-date=2s",
    "retry-after-ms=200ms",
    "credits",
    "reset",
    "reset-after=3",
    "cut=3",
    "cut-inside=3",
    "close-delimited",
    "cut-unframed=3",
    "stall=3",
    "silence=5s",
    "slow-head=2s",
    "error-event=3",
    "no-done",
    "empty",
    "invalid-utf8",
    "split-utf8",
    "numeric",
    "split-escape",
    "line-separators",
    "crlf",
    "comments",
    "big-event",
];

/// The statuses that can be asked for: those clients of these services meet.
const STATUSES: [u16; 10] = [400, 401, 403, 404, 422, 429, 500, 502, 503, 504];

impl Fault {
    /// The name it is written with, as the truth log shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::ToolNotFound => "tool-not-found",
            Self::RetryAfter(RetryAfter::Date, _) => "retry-after-date",
            Self::RetryAfter(RetryAfter::Ms, _) => "retry-after-ms",
            Self::RetryAfter(..) => "retry-after",
            Self::Credits => "credits",
            Self::Reset => "reset",
            Self::ResetAfter(_) => "reset-after",
            Self::Cut(_) => "cut",
            Self::CutInside(_) => "cut-inside",
            Self::CloseDelimited => "close-delimited",
            Self::CutUnframed(_) => "cut-unframed",
            Self::Stall(..) => "stall",
            Self::Silence(_) => "silence",
            Self::SlowHead(_) => "slow-head",
            Self::ErrorEvent(_) => "error-event",
            Self::NoDone => "no-done",
            Self::Empty => "empty",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::SplitUtf8 => "split-utf8",
            Self::Numeric => "numeric",
            Self::SplitEscape => "split-escape",
            Self::LineSeparators => "line-separators",
            Self::Crlf => "crlf",
            Self::Comments => "comments",
            Self::BigEvent => "big-event",
        }
    }
}

impl FromStr for Fault {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (name, value) = match text.trim().split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        let bad = |why: String| UnitError(format!("`{text}` {why}"));
        let wanted =
            || value.ok_or_else(|| bad(format!("wants a value: write `{}`", example(name))));
        let chunks = |word: &str| {
            word.parse::<u32>()
                .map_err(|_| bad(format!("wants a number of chunks: write `{}`", example(name))))
        };
        let duration = || wanted().and_then(parse_duration);
        let fault = match name {
            "status" => {
                let code = wanted()?;
                let known = code.parse().ok().filter(|code| STATUSES.contains(code));
                return known.map(Self::Status).ok_or_else(|| {
                    bad(format!(
                        "is not one of the statuses {}",
                        STATUSES.map(|s| s.to_string()).join(", ")
                    ))
                });
            }
            "retry-after" => return Ok(Self::RetryAfter(RetryAfter::Seconds, duration()?)),
            "retry-after-date" => return Ok(Self::RetryAfter(RetryAfter::Date, duration()?)),
            "retry-after-ms" => return Ok(Self::RetryAfter(RetryAfter::Ms, duration()?)),
            "reset-after" => return chunks(wanted()?).map(Self::ResetAfter),
            "cut" => return chunks(wanted()?).map(Self::Cut),
            "cut-inside" => return chunks(wanted()?).map(Self::CutInside),
            "cut-unframed" => return chunks(wanted()?).map(Self::CutUnframed),
            "error-event" => return chunks(wanted()?).map(Self::ErrorEvent),
            "stall" => {
                return match wanted()?.split_once('/') {
                    None => Ok(Self::Stall(chunks(wanted()?)?, None)),
                    Some((after, lasting)) => {
                        Ok(Self::Stall(chunks(after)?, Some(parse_duration(lasting)?)))
                    }
                };
            }
            "silence" => return duration().map(Self::Silence),
            "slow-head" => return duration().map(Self::SlowHead),
            "tool-not-found" => Self::ToolNotFound,
            "credits" => Self::Credits,
            "reset" => Self::Reset,
            "close-delimited" => Self::CloseDelimited,
            "no-done" => Self::NoDone,
            "empty" => Self::Empty,
            "invalid-utf8" => Self::InvalidUtf8,
            "split-utf8" => Self::SplitUtf8,
            "numeric" => Self::Numeric,
            "split-escape" => Self::SplitEscape,
            "line-separators" => Self::LineSeparators,
            "crlf" => Self::Crlf,
            "comments" => Self::Comments,
            "big-event" => Self::BigEvent,
            _ => return Err(bad(format!("is not a fault; there are {}", WRITTEN.join(", ")))),
        };
        match value {
            None => Ok(fault),
            Some(_) => Err(bad(format!("takes no value: write `{name}`"))),
        }
    }
}

impl FromStr for FaultRule {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.split_once('@') {
            None => Ok(Self { fault: text.parse()?, when: When::default() }),
            Some((fault, when)) => Ok(Self { fault: fault.parse()?, when: when.parse()? }),
        }
    }
}

impl<'de> Deserialize<'de> for FaultRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn example(name: &str) -> &'static str {
    WRITTEN
        .into_iter()
        .find(|written| written.split('=').next() == Some(name))
        .unwrap_or("status=503")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_as_it_is_written_and_knows_its_name() {
        for written in WRITTEN {
            let fault: Fault = written.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Some(fault.name()), written.split('=').next());
        }
        assert_eq!("stall=3/2s".parse(), Ok(Fault::Stall(3, Some(Duration::from_secs(2)))));
    }

    #[test]
    fn what_is_not_a_fault_is_refused_with_a_way_out() {
        for (text, why) in [
            ("explode", "there are status=503"),
            ("status=418", "not one of the statuses"),
            ("status", "wants a value: write `status=503`"),
            ("cut=few", "write `cut=3`"),
            ("reset=1", "takes no value"),
            ("silence=5", "has no unit"),
            ("cut=3@sometimes", "which requests"),
        ] {
            let error = text.parse::<FaultRule>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
