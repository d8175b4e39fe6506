//! How long to wait before a further attempt.

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::exchange::Again;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// The wait before attempt `attempt` (2 is the first further one) where nobody has asked for one: full
/// jitter under a doubling bound, so that many turns that failed together do not come back together
/// (Brooker, "Exponential Backoff And Jitter", AWS 2015). `chance` is between 0 and 1.
pub fn jitter(attempt: u32, chance: f64) -> Duration {
    let doublings = attempt.saturating_sub(2).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST).mul_f64(chance.clamp(0.0, 1.0))
}

/// The wait before attempt `attempt`: what the server asked for, never shortened; else jitter.
pub(super) fn back_off(again: Again, attempt: u32, rng: &mut impl Rng) -> Duration {
    let jitter = jitter(attempt, rng.random());
    match again.after {
        // A little on top, so that many who were told the same do not come at once.
        Some(asked) => asked + jitter.min(FIRST),
        None => jitter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn the_wait_is_bounded_and_a_servers_word_is_never_shortened() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for attempt in 2..40 {
            assert!(back_off(Again { after: None }, attempt, &mut rng) <= LONGEST);
            let asked = Duration::from_secs(7);
            assert!(back_off(Again { after: Some(asked) }, attempt, &mut rng) >= asked);
        }
    }
}
