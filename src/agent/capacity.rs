//! How much the agent takes on: places, a rate, credits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::options::{Capacity, WhenFull};
use super::refusal::Refusal;
use crate::units::Offset;

/// Lets requests in, or not. Shared by all threads.
pub(super) struct Gate {
    asked: Capacity,
    places: Option<Arc<Semaphore>>,
    /// When the next request would be on time, in nanoseconds since the agent's origin.
    next: AtomicU64,
    spent: AtomicU64,
}

/// Whether there is a place.
pub(super) enum Place {
    /// Places are not limited.
    Free,
    /// One is taken until this is dropped.
    Taken(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit),
    /// The request has to wait for one.
    Wait(Arc<Semaphore>),
}

impl Gate {
    pub(super) fn new(asked: Capacity) -> Self {
        let places = asked
            .max_concurrent
            .map(|most| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))));
        Self { asked, places, next: AtomicU64::new(0), spent: AtomicU64::new(0) }
    }

    /// Counts a request against the rate and the credits.
    pub(super) fn charge(&self, now: Offset) -> Result<(), Refusal> {
        if let Some(rate) = self.asked.rate {
            let interval = u64::try_from(rate.interval().as_nanos()).unwrap_or(u64::MAX);
            // What may come at once: the requests of one second, at least one.
            let burst = interval.saturating_mul((rate.hertz() as u64).saturating_sub(1));
            let admitted = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                (next <= now.nanos().saturating_add(burst))
                    .then(|| next.max(now.nanos()).saturating_add(interval))
            });
            if let Err(next) = admitted {
                let wait = next.saturating_sub(burst).saturating_sub(now.nanos());
                return Err(Refusal::rate_limited(
                    self.asked.retry_after,
                    Duration::from_nanos(wait),
                ));
            }
        }
        if let Some(credits) = self.asked.credits
            && self
                .spent
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                    (spent < credits).then_some(spent + 1)
                })
                .is_err()
        {
            return Err(Refusal::out_of_credits());
        }
        Ok(())
    }

    /// A place, or what to do without one.
    pub(super) fn place(&self) -> Result<Place, Refusal> {
        let Some(places) = &self.places else { return Ok(Place::Free) };
        match Arc::clone(places).try_acquire_owned() {
            Ok(permit) => Ok(Place::Taken(permit)),
            Err(TryAcquireError::NoPermits) if self.asked.when_full == WhenFull::Queue => {
                Ok(Place::Wait(Arc::clone(places)))
            }
            Err(_) => Err(Refusal::full(self.asked.retry_after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_a_second_s_worth_through_and_says_when_to_come_again() {
        let rate = Some("2/s".parse().unwrap());
        let gate = Gate::new(Capacity { rate, ..Capacity::default() });
        let at = |seconds: f64| Offset::from_secs_f64(seconds);
        assert!(gate.charge(at(10.0)).is_ok() && gate.charge(at(10.0)).is_ok());
        let refusal = gate.charge(at(10.1)).unwrap_err();
        assert_eq!(refusal.status, 429);
        assert_eq!(refusal.retry_after.unwrap().1, Duration::from_millis(400));
        assert!(gate.charge(at(10.5)).is_ok());
        assert!(gate.charge(at(10.6)).is_err());
    }

    #[test]
    fn credits_run_out() {
        let gate = Gate::new(Capacity { credits: Some(2), ..Capacity::default() });
        assert!(gate.charge(Offset::ZERO).is_ok() && gate.charge(Offset::ZERO).is_ok());
        assert_eq!(gate.charge(Offset::ZERO).unwrap_err().detail, "Insufficient credits");
    }

    #[test]
    fn places_are_given_back() {
        let gate = Gate::new(Capacity {
            max_concurrent: Some(1),
            when_full: WhenFull::Reject,
            ..Capacity::default()
        });
        let place = gate.place();
        assert!(gate.place().is_err());
        drop(place);
        assert!(gate.place().is_ok());
    }
}
