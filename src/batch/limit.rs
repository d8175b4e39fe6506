//! How many rows may be on their way at once, where that is to be found out. The law and its reasons:
//! docs/decisions/concurrency.md.
//!
//! How long answers take says nothing: an agent that tells long stories is not an overloaded one.

use std::time::Duration;

use crate::units::Offset;

const START: f64 = 4.0;

/// What is left after something broke that may or may not have been too much.
const FALL: f64 = 0.9;

/// How long it rests at its ceiling before it tries more; doubles each time that fails.
const REST: Duration = Duration::from_secs(5);
const REST_LONGEST: Duration = Duration::from_secs(600);

/// A try that fails closes the gate for as long as the target asks: so many times that long is rested
/// before, so that tries cost a fortieth at most.
const RESTS: u32 = 40;

/// A limit on rows under way.
#[derive(Debug)]
pub(super) struct Limit {
    value: f64,
    most: u32,
    /// Nothing for a limit that was given.
    search: Option<Search>,
}

#[derive(Debug)]
struct Search {
    /// One below the lowest height that was refused.
    ceiling: Option<f64>,
    /// Nothing has gone wrong yet: every answer makes room for one more.
    fresh: bool,
    /// What left before this says nothing new.
    changed: Offset,
    rest: Duration,
    /// How long it rested before the last try.
    rested: Duration,
    /// When the ceiling was reached.
    resting: Option<Offset>,
    /// By how much the ceiling is lifted next; doubles each time that goes well.
    step: f64,
}

impl Limit {
    /// A limit that was given.
    pub(super) fn fixed(count: u32) -> Self {
        Self { value: f64::from(count), most: count, search: None }
    }

    /// A limit to be found, `most` at the highest.
    pub(super) fn searched(most: u32) -> Self {
        let search = Search {
            ceiling: None,
            fresh: true,
            changed: Offset::ZERO,
            rest: REST,
            rested: Duration::ZERO,
            resting: None,
            step: 1.0,
        };
        Self { value: START.min(f64::from(most)), most, search: Some(search) }
    }

    /// The limit now; at least 1.
    pub(super) fn now(&self) -> u32 {
        (self.value as u32).clamp(1, self.most)
    }

    /// An answer came while `under_way` rows were on their way.
    pub(super) fn answered(&mut self, now: Offset, under_way: u32) {
        let Some(search) = &mut self.search else { return };
        // A limit that is not reached is not tried.
        if f64::from(under_way) < self.value - 1.0 {
            return;
        }
        let grown = self.value + if search.fresh { 1.0 } else { 1.0 / self.value };
        match search.ceiling {
            Some(ceiling) if grown > ceiling => {
                self.value = ceiling;
                let since = *search.resting.get_or_insert(now);
                if now.since(since) >= search.rest {
                    search.ceiling = Some(ceiling + search.step);
                    search.step *= 2.0;
                    // If that goes well, the next try need not wait so long.
                    search.rested = search.rest;
                    search.rest = search.rest.min(REST);
                    search.resting = None;
                }
            }
            _ => self.value = grown,
        }
        self.value = self.value.min(f64::from(self.most));
    }

    /// The target refused, as too much, what left at `left` as number `height` of those on the wire, and
    /// asks to wait `after`.
    pub(super) fn refused(
        &mut self,
        left: Offset,
        now: Offset,
        height: u32,
        after: Option<Duration>,
    ) {
        let Some(search) = &mut self.search else { return };
        let ceiling = f64::from(height.saturating_sub(1).max(1));
        if left < search.changed {
            // One of those that were refused together: the lowest counts.
            if let Some(known) = &mut search.ceiling {
                *known = known.min(ceiling);
                self.value = self.value.min(*known);
            }
            return;
        }
        let least = after.unwrap_or_default().saturating_mul(RESTS).max(REST);
        search.rest = (search.rested * 2).clamp(least, REST_LONGEST.max(least));
        search.rested = search.rest;
        search.ceiling = Some(search.ceiling.map_or(ceiling, |known| known.min(ceiling)));
        self.value = self.value.min(ceiling);
        search.note_change(now);
    }

    /// Something broke that left at `left` as number `height` of those on the wire: a time-out, a
    /// connection, a 5xx.
    pub(super) fn lost(&mut self, left: Offset, now: Offset, height: u32) {
        let Some(search) = &mut self.search else { return };
        if left < search.changed {
            return;
        }
        self.value = (f64::from(height).min(self.value) * FALL).max(1.0);
        search.note_change(now);
    }
}

impl Search {
    /// The limit fell: what is on its way left before that.
    fn note_change(&mut self, now: Offset) {
        self.changed = now;
        self.fresh = false;
        self.resting = None;
        self.step = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    /// An agent that answers `capacity` at once and refuses the others.
    struct Agent {
        capacity: u32,
        service_ms: f64,
        /// The wait it asks for when it refuses.
        asks: Option<Duration>,
        /// How many of those it takes break.
        breaks: f64,
    }

    struct Seen {
        /// Answers, as a share of what the agent could have given.
        share: f64,
        refused: u32,
        limit: u32,
    }

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum End {
        Answer,
        Refusal,
        Breakage,
    }

    fn play(agent: &Agent, most: u32, seconds: u64, seed: u64) -> Seen {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut limit = Limit::searched(most);
        // When, what, sent when, as number, and whether the agent has it.
        let mut ends: BinaryHeap<Reverse<(Offset, End, Offset, u32)>> = BinaryHeap::new();
        let (mut now, mut gate) = (Offset::ZERO, Offset::ZERO);
        let (mut busy, mut answers, mut refused) = (0, 0_u64, 0);
        let over = Offset::ZERO + Duration::from_secs(seconds);
        while now < over {
            while (ends.len() as u32) < limit.now() && now >= gate {
                let height = ends.len() as u32 + 1;
                if busy < agent.capacity {
                    busy += 1;
                    let end =
                        if rng.random_bool(agent.breaks) { End::Breakage } else { End::Answer };
                    let takes = agent.service_ms * rng.random_range(0.5..1.5);
                    let at = now + Duration::from_secs_f64(takes / 1e3);
                    ends.push(Reverse((at, end, now, height)));
                } else {
                    let at = now + Duration::from_micros(500);
                    ends.push(Reverse((at, End::Refusal, now, height)));
                }
            }
            let Some(Reverse((at, end, left, height))) = ends.pop() else {
                now = gate;
                continue;
            };
            now = at;
            let under_way = ends.len() as u32 + 1;
            match end {
                End::Answer => {
                    (busy, answers) = (busy - 1, answers + 1);
                    limit.answered(now, under_way);
                }
                End::Breakage => {
                    busy -= 1;
                    limit.lost(left, now, height);
                }
                End::Refusal => {
                    refused += 1;
                    limit.refused(left, now, height, agent.asks);
                    gate = gate.max(now + agent.asks.unwrap_or_default());
                }
            }
        }
        let possible = f64::from(agent.capacity) * seconds as f64 * 1e3 / agent.service_ms;
        Seen { share: answers as f64 / possible, refused, limit: limit.now() }
    }

    #[test]
    fn it_settles_at_what_the_agent_takes_and_loses_little_on_the_way() {
        for service_ms in [20.0, 200.0, 2000.0] {
            for asks in [None, Some(Duration::from_secs(1))] {
                for seed in 0..5 {
                    let agent = Agent { capacity: 40, service_ms, asks, breaks: 0.0 };
                    let seconds = 60 + (service_ms as u64) / 20;
                    let seen = play(&agent, 256, seconds, seed);
                    let Seen { share, refused, limit } = seen;
                    let what =
                        format!("{service_ms} ms, {asks:?}, {seed}: {share} {refused} {limit}");
                    assert!((38..=41).contains(&limit), "{what}");
                    assert!(share >= 0.9 && refused <= 30, "{what}");
                }
            }
        }
    }

    #[test]
    fn what_breaks_now_and_then_does_not_starve_it() {
        for seed in 0..5 {
            let agent = Agent { capacity: 40, service_ms: 200.0, asks: None, breaks: 0.01 };
            let Seen { share, limit, .. } = play(&agent, 256, 120, seed);
            assert!(share >= 0.65 && limit >= 20, "{seed}: {share} {limit}");
        }
    }

    #[test]
    fn a_refusal_that_was_no_bound_is_overcome() {
        let mut limit = Limit::searched(256);
        let at = |millis: u64| Offset::from_nanos(millis * 1_000_000);
        limit.refused(at(0), at(1), 5, None);
        assert_eq!(limit.now(), 4);
        for tenth in 0..600 {
            for _ in 0..limit.now() {
                let now = limit.now();
                limit.answered(at(1 + tenth * 100), now);
            }
        }
        assert!(limit.now() > 100, "{}", limit.now());
    }

    #[test]
    fn it_ends_at_the_most_and_never_below_one() {
        let roomy = Agent { capacity: 1000, service_ms: 100.0, asks: None, breaks: 0.0 };
        assert_eq!(play(&roomy, 16, 10, 0).limit, 16);
        let mut limit = Limit::searched(16);
        for tenth in 0..100 {
            let at = Offset::from_nanos(tenth * 100_000_000);
            limit.refused(at, at, 1, None);
            limit.lost(at, at, 1);
            assert!(limit.now() >= 1);
        }
    }

    #[test]
    fn a_given_limit_stands() {
        let mut limit = Limit::fixed(7);
        limit.refused(Offset::ZERO, Offset::ZERO, 7, None);
        limit.lost(Offset::ZERO, Offset::ZERO, 7);
        limit.answered(Offset::ZERO, 7);
        assert_eq!(limit.now(), 7);
    }
}
