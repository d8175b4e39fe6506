//! How many rows may be on their way at once, where that is to be found out.
//!
//! The limit grows with every answer until something is lost (a refusal for overload, a time-out, a
//! broken connection), then falls, once for all that was under way. Just below the height at which
//! that happened it rests, and tries one more now and then. How long answers take says nothing: an
//! agent that tells long stories is not an overloaded one.

use std::time::Duration;

use crate::units::Offset;

const START: f64 = 4.0;

/// A loss while the ceiling is not known may have come at twice what is right.
const FALL_FIRST: f64 = 0.7;
const FALL: f64 = 0.95;

/// How long it rests below its ceiling before it tries one more; doubles each time that fails.
const REST: Duration = Duration::from_secs(5);
const REST_LONGEST: Duration = Duration::from_secs(300);

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
    /// The last height at which all went well, once something was lost above it.
    ceiling: Option<f64>,
    /// Attempts that left before this were under way at the last fall.
    fell: Offset,
    rest: Duration,
    /// When the ceiling was reached.
    resting: Option<Offset>,
}

impl Limit {
    /// A limit that was given.
    pub(super) fn fixed(count: u32) -> Self {
        Self { value: f64::from(count), most: count, search: None }
    }

    /// A limit to be found, `most` at the highest.
    pub(super) fn searched(most: u32) -> Self {
        let search = Search { ceiling: None, fell: Offset::ZERO, rest: REST, resting: None };
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
        match search.ceiling {
            None => self.value += 1.0,
            Some(ceiling) if self.value + 1.0 / self.value <= ceiling => {
                self.value += 1.0 / self.value;
            }
            Some(ceiling) => {
                self.value = ceiling.max(1.0);
                let since = *search.resting.get_or_insert(now);
                if now.since(since) >= search.rest {
                    search.ceiling = Some(ceiling + 1.0);
                    search.resting = None;
                }
            }
        }
        self.value = self.value.min(f64::from(self.most));
    }

    /// Something that left at `left` was lost while `under_way` rows were on their way.
    pub(super) fn lost(&mut self, left: Offset, now: Offset, under_way: u32) {
        let Some(search) = &mut self.search else { return };
        if left < search.fell {
            return;
        }
        let height = f64::from(under_way).min(self.value);
        let first = search.ceiling.is_none();
        if !first {
            search.rest = (search.rest * 2).min(REST_LONGEST);
        }
        // Where it was doubling, the right height may lie well below.
        let fall = if first { FALL_FIRST } else { FALL };
        self.value = (height * fall).max(1.0);
        search.ceiling = Some((height - 1.0).max(1.0));
        search.fell = now;
        search.resting = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Rounds of 100 ms against an agent that refuses what is above `capacity`.
    fn settle(capacity: usize, most: u32, rounds: u64) -> (Vec<u32>, usize) {
        let mut limit = Limit::searched(most);
        let mut heights = Vec::new();
        let mut refused = 0;
        for round in 0..rounds {
            let left = Offset::from_nanos(round * 100_000_000);
            let now = Offset::from_nanos(round * 100_000_000 + 99_000_000);
            let mut sent: VecDeque<usize> = (0..limit.now() as usize).collect();
            let under_way = limit.now();
            heights.push(under_way);
            while let Some(one) = sent.pop_front() {
                if one < capacity {
                    limit.answered(now, under_way);
                } else {
                    refused += 1;
                    limit.lost(left, now, under_way);
                }
            }
        }
        (heights, refused)
    }

    #[test]
    fn it_settles_just_below_what_the_agent_takes() {
        let (heights, refused) = settle(40, 256, 600);
        let late = &heights[100..];
        let mean = f64::from(late.iter().sum::<u32>()) / late.len() as f64;
        assert!((36.0..=41.0).contains(&mean), "{mean} {heights:?}");
        assert!(refused < 200, "{refused}");
    }

    #[test]
    fn it_ends_at_the_most_and_never_below_one() {
        assert_eq!(settle(1000, 16, 50).0.last(), Some(&16));
        let (heights, _) = settle(0, 16, 50);
        assert!(heights.iter().all(|one| *one >= 1));
        assert_eq!(heights.last(), Some(&1));
    }

    #[test]
    fn a_given_limit_stands() {
        let mut limit = Limit::fixed(7);
        limit.lost(Offset::ZERO, Offset::ZERO, 7);
        limit.answered(Offset::ZERO, 7);
        assert_eq!(limit.now(), 7);
    }
}
