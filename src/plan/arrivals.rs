//! When sessions arrive in an open load: absolute offsets from the run's origin.

use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1};

use crate::units::Offset;

/// A part of the plan: the numbers that leave `index` when divided by `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u64,
    /// Of how many; at least 1.
    pub count: u64,
}

impl Shard {
    /// The whole plan.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
}

/// The arrivals of one shard, in order; see [`super::Plan::arrivals`].
#[derive(Debug, Clone)]
pub struct Arrivals {
    pub(super) hertz: f64,
    /// Draws the distances; `None`: even.
    pub(super) distances: Option<Xoshiro256PlusPlus>,
    /// Seconds of the last arrival, where distances are drawn.
    pub(super) seconds: f64,
    /// Nothing arrives then or later.
    pub(super) end: Offset,
    /// No session has this number or a higher one.
    pub(super) sessions: u64,
    pub(super) next: u64,
    pub(super) shard: Shard,
}

impl Iterator for Arrivals {
    type Item = (u64, Offset);

    fn next(&mut self) -> Option<(u64, Offset)> {
        loop {
            let number = self.next;
            if number >= self.sessions {
                return None;
            }
            self.next += 1;
            let due = match &mut self.distances {
                None => Offset::from_secs_f64(number as f64 / self.hertz),
                Some(rng) => {
                    let distance: f64 = Exp1.sample(rng);
                    self.seconds += distance / self.hertz;
                    Offset::from_secs_f64(self.seconds)
                }
            };
            if due >= self.end {
                self.sessions = 0;
                return None;
            }
            if number % self.shard.count == self.shard.index {
                return Some((number, due));
            }
        }
    }
}
