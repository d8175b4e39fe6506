//! How fast requests may leave: one gate for the target, and a spacing that is learnt from it.
//!
//! A server that says when to come again closes the gate for everybody until then. Behind the gate
//! requests leave one by one, no faster than the target has answered between this gate and the one
//! before; the spacing then shrinks while all goes well, so that the limit is found again.

use std::time::Duration;

use crate::units::Offset;

/// Distance of the first requests behind a gate: two in the first tenth of a second at most.
const RAMP: Duration = Duration::from_millis(60);

/// How much the ramp shrinks with every answer.
const RAMP_STEP: f64 = 0.6;

/// How much faster requests may leave after a second in which all went well, where the target's
/// limit has been seen, and where it has not.
const GROWTH: f64 = 0.15;
const SEARCH: f64 = 1.0;

/// What `GROWTH` comes down to while the same rate is measured again and again.
const GROWTH_LEAST: f64 = 0.03;

/// Rates that differ by less are the same.
const SAME_RATE: f64 = 0.25;

/// Answers that make an observed rate worth keeping to.
const SEEN: u32 = 5;

/// The spacing behind the first gate. Nothing is known then: a bound on how many are answered at once
/// shows itself like one on how many a second, and what was answered before may have been a burst.
const GUESS: Duration = Duration::from_millis(1);

/// A spacing below this is none.
const FREE: Duration = Duration::from_micros(500);

/// Waits between probes of a target that cannot be reached.
const PROBE_FIRST: Duration = Duration::from_millis(500);
const PROBE_LONGEST: Duration = Duration::from_secs(30);

/// The pace of requests to one target. Pure: it is told the time.
#[derive(Debug, Default)]
pub(super) struct Pace {
    closed_until: Offset,
    /// When the next request may leave, by the spacing.
    next: Offset,
    spacing: Duration,
    /// The spacing that was measured last; zero before the second gate.
    measured: Duration,
    /// What `spacing` shrinks by.
    growth: f64,
    ramp: Duration,
    /// Since when answers are counted: the opening of the last gate.
    since: Offset,
    answers: u32,
    last_answer: Offset,
    /// Attempts that left before this say nothing new.
    learnt: Offset,
    outage: Option<Outage>,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Offset,
    probes: u32,
    /// Until then nobody else tries.
    probing: Option<Offset>,
}

impl Pace {
    /// Whether one request may leave now, or when to ask again.
    pub(super) fn may_leave(&self, now: Offset) -> Result<(), Offset> {
        let opens = match self.outage {
            // One at a time finds out whether it is over.
            Some(outage) => outage.probing.unwrap_or(Offset::ZERO),
            None => self.next,
        };
        let opens = opens.max(self.closed_until);
        if now < opens { Err(opens) } else { Ok(()) }
    }

    /// Leave for one request now, or when to ask again.
    pub(super) fn leave(&mut self, now: Offset) -> Result<(), Offset> {
        self.may_leave(now)?;
        if let Some(outage) = &mut self.outage {
            outage.probing = Some(now + PROBE_LONGEST);
            return Ok(());
        }
        let step = self.spacing.max(self.ramp);
        self.next = if step.is_zero() { now } else { self.next.max(now) + step };
        Ok(())
    }

    /// Whether a request that had leave may still go.
    pub(super) fn is_open(&self, now: Offset) -> bool {
        now >= self.closed_until
    }

    /// An answer came to a request.
    pub(super) fn answered(&mut self, now: Offset) {
        self.reached();
        self.answers = self.answers.saturating_add(1);
        self.ramp = shrunk(self.ramp, RAMP_STEP);
        let passed = now.since(self.last_answer.max(self.since)).as_secs_f64().min(1.0);
        self.last_answer = now;
        self.spacing = shrunk(self.spacing, 1.0 / (1.0 + self.growth * passed));
    }

    /// Whether the target cannot be reached.
    pub(super) fn is_outage(&self) -> bool {
        self.outage.is_some()
    }

    /// The target answers at all.
    pub(super) fn reached(&mut self) {
        if self.outage.take().is_some() {
            self.ramp = RAMP;
        }
    }

    /// A request that left at `left` was refused, and the server said to come again `after` `now`.
    pub(super) fn refused(&mut self, left: Offset, now: Offset, after: Duration) {
        self.reached();
        let until = now + after;
        let first = left >= self.learnt;
        self.closed_until = self.closed_until.max(until);
        self.next = self.next.max(self.closed_until);
        if !first {
            return;
        }
        self.ramp = RAMP;
        if self.learnt == Offset::ZERO {
            self.spacing = GUESS;
            self.growth = SEARCH;
            self.count_anew();
        } else if self.answers > 0 {
            let measured = self.closed_until.since(self.since) / self.answers;
            let same =
                (measured.as_secs_f64() / self.measured.as_secs_f64() - 1.0).abs() < SAME_RATE;
            self.growth = if same { (self.growth / 2.0).max(GROWTH_LEAST) } else { GROWTH };
            self.spacing = measured;
            if self.answers >= SEEN {
                self.measured = measured;
                self.count_anew();
            }
        } else {
            self.spacing = (self.spacing * 2).clamp(RAMP, PROBE_LONGEST);
        }
        self.learnt = self.closed_until;
    }

    /// Counts answers from the opening of the gate.
    fn count_anew(&mut self) {
        self.since = self.closed_until;
        self.answers = 0;
    }

    /// A request could not be sent at all; `chance` is between 0 and 1. Returns for how long this has
    /// been so.
    pub(super) fn unreachable(&mut self, now: Offset, chance: f64) -> Duration {
        let outage = self.outage.get_or_insert(Outage { since: now, probes: 0, probing: None });
        // Those who were under way together tell the same.
        if now >= self.closed_until {
            let bound = PROBE_FIRST.saturating_mul(1 << outage.probes.min(6)).min(PROBE_LONGEST);
            self.closed_until = now + bound.mul_f64(0.5 + chance / 2.0);
            outage.probes += 1;
        }
        outage.probing = None;
        now.since(outage.since)
    }

    /// When it opens, where it is closed.
    pub(super) fn closed_until(&self, now: Offset) -> Option<Offset> {
        (now < self.closed_until).then_some(self.closed_until)
    }
}

fn shrunk(distance: Duration, by: f64) -> Duration {
    let shrunk = distance.mul_f64(by);
    if shrunk < FREE { Duration::ZERO } else { shrunk }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Offset {
        Offset::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn nobody_leaves_before_the_gate_and_two_in_the_first_tenth_of_a_second() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            assert!(pace.leave(at(0)).is_ok());
        }
        for worker in 0..50 {
            pace.refused(at(0), at(20 + worker), Duration::from_secs(2));
        }
        let opening = at(2_069);
        let mut left = Vec::new();
        let mut now = at(100);
        while left.len() < 10 {
            match pace.leave(now) {
                Ok(()) => left.push(now),
                Err(later) => now = later,
            }
        }
        assert!(left[0] >= opening, "{left:?}");
        let early = left.iter().filter(|one| **one < opening + Duration::from_millis(100)).count();
        assert!(early <= 2, "{left:?}");
    }

    #[test]
    fn a_token_bucket_is_found_out_and_kept_to() {
        // 10 a second, bursts of 10, answers at once; Retry-After in whole seconds.
        let mut pace = Pace::default();
        let (mut tokens, mut filled) = (10.0_f64, at(0));
        let (mut answered, mut refused) = (0, 0);
        let mut now = at(0);
        while answered < 300 {
            match pace.leave(now) {
                Err(later) => now = later,
                Ok(()) => {
                    tokens = (tokens + now.since(filled).as_secs_f64() * 10.0).min(10.0);
                    filled = now;
                    now = now + Duration::from_millis(2);
                    if tokens >= 1.0 {
                        tokens -= 1.0;
                        answered += 1;
                        pace.answered(now);
                    } else {
                        refused += 1;
                        pace.refused(filled, now, Duration::from_secs(1));
                    }
                }
            }
        }
        let rate = 290.0 / now.as_secs_f64();
        assert!(rate >= 9.0, "{rate} a second");
        assert!(refused <= 60, "{refused}");
    }

    #[test]
    fn an_outage_is_probed_by_one_at_a_time() {
        let mut pace = Pace::default();
        assert!(pace.leave(at(0)).is_ok() && pace.leave(at(0)).is_ok());
        pace.unreachable(at(1), 1.0);
        pace.unreachable(at(2), 1.0);
        let open = pace.leave(at(3)).unwrap_err();
        assert_eq!(open, at(501), "those who failed together count once");
        assert!(pace.leave(open).is_ok());
        assert!(pace.leave(open).is_err(), "one probe");
        assert_eq!(pace.unreachable(at(600), 1.0), Duration::from_millis(599));
        let open = pace.leave(at(601)).unwrap_err();
        assert_eq!(open, at(1_600), "the wait doubles");
        assert!(pace.leave(open).is_ok());
        pace.answered(at(1_650));
        assert!(pace.leave(at(1_650)).is_ok(), "it is over");
    }
}
