//! When sessions arrive on a schedule: absolute offsets from the run's origin.

use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1, Gamma};

use super::curve::Curve;
use crate::scenario::{self, Load, Pace, Trace};
use crate::units::{Offset, Rate};

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
    schedule: Schedule,
    /// From here everything else counts.
    start: Offset,
    /// Nothing arrives then or later.
    end: Offset,
    /// No session has this number or a higher one.
    sessions: u64,
    next: u64,
    shard: Shard,
}

#[derive(Debug, Clone)]
enum Schedule {
    Nothing,
    /// Arrivals lie so that the area under the curve from one to the next is their distance: where
    /// the rate is twice as high they come twice as close, whatever way they are spread.
    Curve {
        curve: Curve,
        distances: Distances,
        area: f64,
    },
    Trace {
        trace: Arc<Trace>,
        speed: f64,
    },
}

/// Distances between arrivals at a rate of one; their mean is 1.
#[derive(Debug, Clone)]
enum Distances {
    Even,
    Exponential(Xoshiro256PlusPlus),
    Gamma(Gamma<f64>, Xoshiro256PlusPlus),
}

impl Distances {
    fn new(arrivals: scenario::Arrivals, rng: Xoshiro256PlusPlus) -> Self {
        match arrivals {
            scenario::Arrivals::Even => Self::Even,
            scenario::Arrivals::Poisson => Self::Exponential(rng),
            scenario::Arrivals::Gamma(shape) => match Gamma::new(shape, 1.0 / shape) {
                Ok(gamma) => Self::Gamma(gamma, rng),
                // A checked shape is above zero and finite, and gamma distributions take those.
                Err(_) => Self::Exponential(rng),
            },
        }
    }
}

impl Schedule {
    fn due(&mut self, number: u64) -> Option<Offset> {
        match self {
            Self::Nothing => None,
            Self::Curve { curve, distances, area } => {
                match distances {
                    Distances::Even => *area = number as f64,
                    Distances::Exponential(rng) => {
                        let distance: f64 = Exp1.sample(rng);
                        *area += distance;
                    }
                    Distances::Gamma(gamma, rng) => *area += gamma.sample(rng),
                }
                curve.when(*area).map(Offset::from_secs_f64)
            }
            Self::Trace { trace, speed } => {
                let arrival = trace.arrivals.get(usize::try_from(number).ok()?)?;
                Some(Offset::from_secs_f64(arrival.as_secs_f64() / *speed))
            }
        }
    }
}

impl Arrivals {
    /// The arrivals of `load` from `start` on, of which there are at most `sessions`; `rng` draws the
    /// distances.
    pub(super) fn new(
        load: &Load,
        start: Offset,
        sessions: u64,
        shard: Shard,
        rng: impl FnOnce() -> Xoshiro256PlusPlus,
    ) -> Self {
        let (schedule, end) = match load {
            Load::Open { rate, arrivals, duration, .. } => {
                let curve = match rate {
                    Pace::Steady(rate) => Curve::flat(rate.hertz(), *duration),
                    Pace::Stages(stages) => Curve::new(
                        stages.iter().map(|one| (one.span, one.to.map_or(0.0, Rate::hertz))),
                    ),
                };
                let distances = Distances::new(*arrivals, rng());
                (Schedule::Curve { curve, distances, area: 0.0 }, Offset::ZERO + *duration)
            }
            Load::Replay { trace, speed, .. } => {
                (Schedule::Trace { trace: Arc::clone(trace), speed: *speed }, Offset::NEVER)
            }
            Load::Once { .. } | Load::Closed { .. } => (Schedule::Nothing, Offset::ZERO),
        };
        let shard = Shard { index: shard.index, count: shard.count.max(1) };
        Self { schedule, start, end, sessions, next: 0, shard }
    }
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
            let due = self.schedule.due(number).filter(|due| *due < self.end);
            let Some(due) = due else {
                self.sessions = 0;
                return None;
            };
            if number % self.shard.count == self.shard.index {
                return Some((number, self.start + due.since(Offset::ZERO)));
            }
        }
    }
}
