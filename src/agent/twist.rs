//! The faults of one reply, sorted by what they touch.

use std::time::Duration;

use super::fault::Fault;
use super::reply::Finish;

/// The faults of one reply, sorted by what they touch.
#[derive(Default)]
pub(super) struct Twist {
    /// No more than so many chunks.
    pub(super) after: Option<u32>,
    pub(super) then: Option<Then>,
    pub(super) stall: Option<(u32, Duration)>,
    pub(super) silence: Duration,
    pub(super) slow_head: Option<Duration>,
    pub(super) unframed: bool,
    pub(super) no_done: bool,
    pub(super) empty: bool,
    pub(super) crlf: bool,
    pub(super) comments: bool,
    pub(super) split_utf8: bool,
    pub(super) split_escape: bool,
}

/// What happens once there are no more chunks, if it is not the regular end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Finish(Finish),
    Tear,
    Error,
}

impl Twist {
    pub(super) fn of(faults: &[&Fault]) -> Self {
        let mut twist = Self::default();
        for fault in faults {
            let mut stop = |after: u32, then: Then| {
                if twist.after.is_none_or(|earlier| after < earlier) {
                    (twist.after, twist.then) = (Some(after), Some(then));
                }
            };
            match fault {
                Fault::ResetAfter(after) => stop(*after, Then::Finish(Finish::Reset)),
                Fault::Cut(after) => stop(*after, Then::Finish(Finish::Cut)),
                Fault::CutInside(after) => stop(*after, Then::Tear),
                Fault::CutUnframed(after) => {
                    stop(*after, Then::Finish(Finish::Cut));
                    twist.unframed = true;
                }
                Fault::Stall(after, None) => stop(*after, Then::Finish(Finish::Hold)),
                Fault::ErrorEvent(after) => stop(*after, Then::Error),
                Fault::Stall(after, Some(lasting)) => twist.stall = Some((*after, *lasting)),
                Fault::Silence(span) => twist.silence += *span,
                Fault::SlowHead(span) => twist.slow_head = Some(*span),
                Fault::CloseDelimited => twist.unframed = true,
                Fault::NoDone => twist.no_done = true,
                Fault::Empty => twist.empty = true,
                Fault::Crlf => twist.crlf = true,
                Fault::Comments => twist.comments = true,
                Fault::SplitUtf8 => twist.split_utf8 = true,
                Fault::SplitEscape => twist.split_escape = true,
                // These end before a reply is composed, or change its words.
                Fault::Status(_)
                | Fault::ToolNotFound
                | Fault::RetryAfter(..)
                | Fault::Credits
                | Fault::Reset
                | Fault::InvalidUtf8
                | Fault::Numeric
                | Fault::LineSeparators
                | Fault::BigEvent => {}
            }
        }
        twist
    }
}
