//! Who may send, and when: the bound on turns in flight and the request limiter.
//!
//! Both are asked for by the load or by the provider's quota, so waiting for them is `queue`, not
//! our lateness. governor serves quotas only; it never paces arrivals (it would let bursts through
//! and gives back no due time).

use std::num::NonZeroU32;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::slots::{Asker, Slot, Slots};
use crate::clock::{Alarm, Clock};
use crate::scenario::{OnOverload, Scenario};

/// Admission to the wire, shared by the workers of a run.
#[derive(Debug)]
pub(super) struct Admission {
    slots: Option<Slots>,
    /// Arrivals that find no free slot are dropped.
    drop_arrivals: bool,
    quota: Option<RequestQuota>,
}

/// Leave to send one request, held while it is on the wire.
#[derive(Debug)]
pub(super) struct Admitted(#[expect(dead_code, reason = "held for its drop")] Option<Slot>);

#[derive(Debug)]
struct RequestQuota {
    limiter: RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Nanos>>,
    /// One asks at a time, so that requests leave in the order they came.
    turnstile: tokio::sync::Mutex<()>,
}

impl governor::clock::Clock for Clock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.now().nanos())
    }
}

impl Admission {
    pub(super) fn new(scenario: &Scenario, clock: Clock) -> Self {
        let bound = scenario.load.bound();
        let slots = bound.map(|(most, _)| Slots::new(most));
        let drop_arrivals = bound.is_some_and(|(_, on_overload)| on_overload == OnOverload::Drop);
        let quota = scenario.limits.requests.and_then(|rate| {
            // One at a time: a burst would break a provider's quota at the turn of its window.
            let quota = Quota::with_period(rate.interval())?.allow_burst(NonZeroU32::MIN);
            Some(RequestQuota {
                limiter: RateLimiter::direct_with_clock(quota, clock),
                turnstile: tokio::sync::Mutex::new(()),
            })
        });
        Self { slots, drop_arrivals, quota }
    }

    /// Whether there is anything to wait for.
    pub(super) fn is_bounded(&self) -> bool {
        self.slots.is_some() || self.quota.is_some()
    }

    /// Waits until a request may be sent; `None` if it is an arrival that is to be dropped instead.
    pub(super) async fn admit(&self, asker: Asker, alarm: &Alarm) -> Option<Admitted> {
        let slot = match &self.slots {
            None => None,
            Some(slots) if self.drop_arrivals && asker == Asker::Arrival => Some(slots.try_take()?),
            Some(slots) => Some(slots.take(asker).await),
        };
        if let Some(quota) = &self.quota {
            quota.wait(alarm).await;
        }
        Some(Admitted(slot))
    }
}

impl RequestQuota {
    async fn wait(&self, alarm: &Alarm) {
        let _turn = self.turnstile.lock().await;
        while let Err(wait) = self.limiter.check() {
            let now = alarm.clock().now();
            let reference = Nanos::from(now.nanos());
            let after = wait.wait_time_from(reference);
            alarm.until(now + after).await;
        }
    }
}
