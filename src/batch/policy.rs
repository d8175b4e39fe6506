//! What becomes of an attempt: whether its row is asked again, when, and what it says of the target.

use std::time::Duration;

use crate::exchange::Again;
use crate::protocol::ErrorBody;
use crate::sample::{Failure, Limit, Outcome};

/// What may be done about a row of which it is not known whether the agent took it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Effects {
    /// It is asked again, in a new session.
    #[default]
    AtLeastOnce,
    /// It is not.
    AtMostOnce,
}

impl Effects {
    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }
}

/// How often and how long a row is tried.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Attempts at a row, outages of the target not counted; at least 1.
    pub max_attempts: u32,
    /// No attempt later than this after the row's first.
    pub max_elapsed: Duration,
    /// A server that wants us to wait longer stops the batch.
    pub max_retry_after: Duration,
    /// See there.
    pub effects: Effects,
}

/// What an attempt says of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers.
    Well,
    /// It has had too much: 429 or 503, with the wait it asks for.
    Overloaded(Option<Duration>),
    /// Something was lost under way: a time-out, a connection that broke, a 5xx.
    Lost,
    /// It cannot be reached at all.
    Unreachable,
    /// It refuses us: 401, 403 or 404.
    Refused,
    /// Credits have run out.
    NoCredits,
    /// Nothing: the row itself is at fault, or we are.
    Nothing,
}

/// What is known of a row when an attempt has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// Attempts that count, this one included.
    pub(super) attempts: u32,
    /// How often in a row the same error has come, this one included.
    pub(super) same: u32,
    /// Since the row's first attempt.
    pub(super) elapsed: Duration,
    /// Whether it can be asked again in a session of its own.
    pub(super) own_session: bool,
}

/// What becomes of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This is its last attempt.
    Last,
    /// It is asked again in the same session: the agent has not taken it.
    Again,
    /// It is asked again from its beginning, in a new session: the agent may have taken it.
    Anew,
}

/// The errors in a row that are taken for the last word.
const SAME: u32 = 3;

/// What `outcome` with `status` and the server's `message` says of the target.
pub(super) fn sign(
    outcome: Outcome,
    status: Option<u16>,
    message: Option<&str>,
    again: Option<Again>,
) -> Sign {
    match outcome {
        Outcome::Completed => Sign::Well,
        Outcome::Failed(Failure::Dns | Failure::Connect | Failure::Tls)
        | Outcome::TimedOut(Limit::Connect) => Sign::Unreachable,
        Outcome::Failed(Failure::Status) => match status {
            Some(402) => Sign::NoCredits,
            Some(429 | 503) => {
                let said = ErrorBody(message.unwrap_or("").to_owned());
                match said.says_no_credits() {
                    true => Sign::NoCredits,
                    false => Sign::Overloaded(again.and_then(|again| again.after)),
                }
            }
            Some(401 | 403 | 404) => Sign::Refused,
            Some(500..) => Sign::Lost,
            _ => Sign::Nothing,
        },
        Outcome::Failed(Failure::Closed | Failure::Truncated) | Outcome::TimedOut(_) => Sign::Lost,
        Outcome::Failed(_) | Outcome::Cancelled | Outcome::Dropped(_) => Sign::Nothing,
    }
}

impl Policy {
    /// What becomes of a row after an attempt that said `sign`.
    pub(super) fn judge(&self, outcome: Outcome, sign: Sign, past: Past) -> Verdict {
        let more = past.attempts < self.max_attempts && past.elapsed < self.max_elapsed;
        match sign {
            Sign::Well => Verdict::Last,
            // An outage is the target's, not the row's; nothing was sent.
            Sign::Unreachable => Verdict::Again,
            Sign::Overloaded(_) if more => Verdict::Again,
            Sign::Lost if more && past.same < SAME => self.anew(past),
            Sign::Nothing if more && past.same < SAME => match outcome {
                Outcome::Failed(Failure::Agent | Failure::Empty) => self.anew(past),
                _ => Verdict::Last,
            },
            _ => Verdict::Last,
        }
    }

    fn anew(&self, past: Past) -> Verdict {
        match self.effects == Effects::AtLeastOnce && past.own_session {
            true => Verdict::Anew,
            false => Verdict::Last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        max_attempts: 4,
        max_elapsed: Duration::from_secs(900),
        max_retry_after: Duration::from_secs(300),
        effects: Effects::AtLeastOnce,
    };

    fn past(attempts: u32, same: u32) -> Past {
        Past { attempts, same, elapsed: Duration::ZERO, own_session: true }
    }

    fn judge(policy: Policy, outcome: Outcome, status: Option<u16>, past: Past) -> Verdict {
        policy.judge(outcome, sign(outcome, status, None, None), past)
    }

    #[test]
    fn what_the_agent_may_have_taken_is_only_asked_again_where_that_is_allowed() {
        let careful = Policy { effects: Effects::AtMostOnce, ..POLICY };
        let status = Outcome::Failed(Failure::Status);
        for (outcome, status, often, once) in [
            (status, Some(429), Verdict::Again, Verdict::Again),
            (status, Some(503), Verdict::Again, Verdict::Again),
            (Outcome::Failed(Failure::Connect), None, Verdict::Again, Verdict::Again),
            (status, Some(500), Verdict::Anew, Verdict::Last),
            (Outcome::Failed(Failure::Truncated), Some(200), Verdict::Anew, Verdict::Last),
            (Outcome::TimedOut(Limit::FirstChunk), None, Verdict::Anew, Verdict::Last),
            (Outcome::Failed(Failure::Empty), Some(200), Verdict::Anew, Verdict::Last),
            (status, Some(422), Verdict::Last, Verdict::Last),
            (Outcome::Failed(Failure::Local), None, Verdict::Last, Verdict::Last),
            (Outcome::Completed, Some(200), Verdict::Last, Verdict::Last),
        ] {
            assert_eq!(judge(POLICY, outcome, status, past(1, 1)), often, "{outcome:?} {status:?}");
            assert_eq!(judge(careful, outcome, status, past(1, 1)), once, "{outcome:?} {status:?}");
        }
        let shared = Past { own_session: false, ..past(1, 1) };
        assert_eq!(judge(POLICY, status, Some(500), shared), Verdict::Last);
    }

    #[test]
    fn a_row_is_given_up_in_the_end() {
        let status = Outcome::Failed(Failure::Status);
        assert_eq!(judge(POLICY, status, Some(500), past(3, 3)), Verdict::Last, "the same thrice");
        assert_eq!(judge(POLICY, status, Some(429), past(3, 3)), Verdict::Again, "not its fault");
        assert_eq!(judge(POLICY, status, Some(429), past(4, 4)), Verdict::Last);
        let late = Past { elapsed: Duration::from_secs(901), ..past(1, 1) };
        assert_eq!(judge(POLICY, status, Some(429), late), Verdict::Last);
        let outage = past(1000, 1000);
        assert_eq!(judge(POLICY, Outcome::Failed(Failure::Connect), None, outage), Verdict::Again);
    }

    #[test]
    fn credits_and_refusals_are_told_apart_from_overload() {
        let status = Outcome::Failed(Failure::Status);
        let of = |code, said| sign(status, Some(code), Some(said), Some(Again { after: None }));
        assert_eq!(of(429, "Insufficient credits"), Sign::NoCredits);
        assert_eq!(of(429, "Rate limit exceeded"), Sign::Overloaded(None));
        assert_eq!(of(403, "Invalid API key"), Sign::Refused);
    }
}
