//! Closed loads: so many loops, each opening its next session when the last has ended.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::session::Session;
use super::worker::Worker;
use crate::client::Transport;
use crate::scenario::Scenario;

/// The numbers of the sessions still to be opened: whoever is free takes the next, so that one slow
/// session does not hold up those behind it.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    /// How many sessions each identity still opens, where that is bounded.
    left: Option<Box<[AtomicU32]>>,
}

impl Numbers {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let users = &scenario.users;
        let left = users
            .sessions_per_user
            .map(|each| users.ids.iter().map(|_| AtomicU32::new(each)).collect());
        Self { next: AtomicU64::new(0), left }
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes one of the sessions that `identity` opens; `false` where it has opened them all.
    fn take(&self, identity: u32) -> bool {
        let Some(left) = self.left.as_ref().and_then(|left| left.get(identity as usize)) else {
            return true;
        };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Starts this worker's share of `count` loops.
pub(super) fn start<T: Transport + 'static>(worker: &Rc<Worker<T>>, count: u32) {
    let workers = worker.job().workers;
    for index in (worker.index..count as usize).step_by(workers) {
        worker.spawn(one_loop(Rc::clone(worker), index as u32, count));
    }
}

/// Loop `index` of `loops` is identity `index` mod their number. Where an identity opens only so
/// many sessions and there are more identities than loops, it goes on as the identity `loops` further.
async fn one_loop<T: Transport + 'static>(worker: Rc<Worker<T>>, index: u32, loops: u32) {
    let identities = worker.job().plan.identities().max(1);
    let mut identity = index % identities;
    let end = worker.job().load_end();
    loop {
        let due = worker.clock().now();
        if end.is_some_and(|end| due >= end || worker.stopping()) {
            return;
        }
        while !worker.shared.numbers.take(identity) {
            identity = match identity.checked_add(loops) {
                Some(next) if next < identities => next,
                _ => return,
            };
        }
        let number = worker.shared.numbers.next();
        let Some(planned) = worker.job().plan.session(number, identity) else { return };
        let session = Session::new(&worker, planned, due);
        if worker.stopping() {
            // A load bounded by number planned this session: that it was not asked is told.
            session.drop_all();
            tokio::task::yield_now().await;
        } else if !session.run().await {
            // Its user still thinks, and holds the slot beyond the end.
            return;
        }
    }
}
