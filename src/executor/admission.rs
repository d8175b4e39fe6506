//! Who may send, and when: the bound on turns in flight and the request limiter.
//!
//! Both are asked for by the load or by the provider's quota, so waiting for them is `queue`, not
//! our lateness. governor serves quotas only; it never paces arrivals (it would let bursts through
//! and gives back no due time).

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::slots::{Asker, Slot, Slots};
use crate::clock::{Alarm, Clock};
use crate::scenario::{Limits, Load, OnOverload};

/// Admission to the wire, shared by the workers of a run; the quota also by its scenarios.
#[derive(Debug)]
pub(super) struct Admission {
    slots: Option<Slots>,
    /// Arrivals that find no free slot are dropped.
    drop_arrivals: bool,
    quota: Option<Arc<RequestQuota>>,
}

/// Leave to send one request, held while it is on the wire.
#[derive(Debug)]
pub(super) struct Admitted(#[expect(dead_code, reason = "held for its drop")] Option<Slot>);

impl Admitted {
    /// Where there is nothing to wait for.
    pub(super) const FREELY: Self = Self(None);
}

/// The provider's quota on requests.
#[derive(Debug)]
pub(super) struct RequestQuota {
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
    pub(super) fn new(load: &Load, quota: Option<Arc<RequestQuota>>) -> Self {
        let bound = load.bound();
        let slots = bound.map(|(most, _)| Slots::new(most));
        let drop_arrivals = bound.is_some_and(|(_, on_overload)| on_overload == OnOverload::Drop);
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
    /// The quota that `limits` sets, if it does.
    pub(super) fn of(limits: &Limits, clock: Clock) -> Option<Arc<Self>> {
        // One at a time: a burst would break a provider's quota at the turn of its window.
        let quota = Quota::with_period(limits.requests?.interval())?.allow_burst(NonZeroU32::MIN);
        Some(Arc::new(Self {
            limiter: RateLimiter::direct_with_clock(quota, clock),
            turnstile: tokio::sync::Mutex::new(()),
        }))
    }

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
