//! Closed loads: so many loops, each opening its next session when the last has ended.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::errand::Errands;
use super::session::Session;
use super::stop::StopPhase;
use super::strand::Strand;
use super::worker::Worker;
use crate::client::Transport;
use crate::scenario::Users;
use crate::units::Offset;

/// The numbers of the sessions still to be opened: whoever is free takes the next, so that one slow
/// session does not hold up those behind it.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    /// How many sessions each identity still opens, where that is bounded.
    left: Option<Box<[AtomicU32]>>,
}

impl Numbers {
    pub(super) fn new(users: &Users) -> Self {
        let left = users
            .sessions_per_user
            .map(|each| users.ids.iter().map(|_| AtomicU32::new(each)).collect());
        Self { next: AtomicU64::new(0), left }
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands out no more; the first number that was not handed out, told to one caller only.
    fn close(&self) -> Option<u64> {
        let first = self.next.swap(CLOSED, Ordering::Relaxed);
        (first < CLOSED).then_some(first)
    }

    /// Takes one of the sessions that `identity` opens; `false` where it has opened them all.
    fn take(&self, identity: u32) -> bool {
        let Some(left) = self.left.as_ref().and_then(|left| left.get(identity as usize)) else {
            return true;
        };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Beyond any number that a plan has, and far from the end of what counts.
const CLOSED: u64 = 1 << 62;

/// Loops started in one go. Tasks stand in line: were twenty thousand started at once, what the first
/// of them wait for would be looked at when the last has begun, 45 ms later.
const AT_ONCE: usize = 32;

/// Starts this worker's share of `count` loops.
pub(super) async fn start<T: Transport + 'static>(
    worker: Rc<Worker<T>>,
    strand: Arc<Strand>,
    count: u32,
) {
    let workers = worker.job().workers;
    for (started, index) in (worker.index..count as usize).step_by(workers).enumerate() {
        if started > 0 && started % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
        let (its, strand) = (Rc::clone(&worker), Arc::clone(&strand));
        match &worker.job().errands {
            Some(errands) => worker.spawn(run_errands(its, strand, Arc::clone(errands))),
            None => worker.spawn(one_loop(its, strand, index as u32, count)),
        }
    }
}

/// One user, who asks while it is there. Loop `index` of `loops` is identity `index` mod their number;
/// where an identity opens only so many sessions and there are more identities than loops, it goes
/// on as the identity `loops` further.
async fn one_loop<T: Transport + 'static>(
    worker: Rc<Worker<T>>,
    strand: Arc<Strand>,
    index: u32,
    loops: u32,
) {
    let identities = strand.plan.identities().max(1);
    let mut identity = index % identities;
    // A load that ends by itself has planned every session: that one was not asked is told.
    let bounded_by_count = strand.load_end.is_none();
    for (begin, end) in strand.plan.spells(index) {
        let begun = begin == Offset::ZERO || worker.wait_until(begin, &strand.stop).await;
        if !begun && !bounded_by_count {
            return;
        }
        loop {
            let due = worker.clock().now();
            if due >= end || (strand.stopping() && !bounded_by_count) {
                break;
            }
            while !strand.numbers.take(identity) {
                identity = match identity.checked_add(loops) {
                    Some(next) if next < identities => next,
                    _ => return,
                };
            }
            if strand.stopping() {
                if let Some(first) = strand.numbers.close() {
                    let plan = &strand.plan;
                    let opened = plan.turns_of_first(first);
                    let all = plan.turn_count().unwrap_or(opened);
                    worker.never_opened(&strand, all.saturating_sub(opened));
                }
                return;
            }
            let number = strand.numbers.next();
            let Some(planned) = strand.plan.session(number, identity) else { return };
            let session = Session::new(&worker, &strand, planned, due).until(end);
            if !session.run().await {
                // Its user still thinks, and holds the slot until it goes.
                break;
            }
        }
    }
}

/// One errand after another, until there are none or the run is being stopped.
async fn run_errands<T: Transport + 'static>(
    worker: Rc<Worker<T>>,
    strand: Arc<Strand>,
    errands: Arc<dyn Errands>,
) {
    loop {
        let errand = tokio::select! {
            biased;
            () = strand.stop.reached(StopPhase::Draining) => return,
            errand = errands.next() => errand,
        };
        let Some(errand) = errand else { return };
        let due = worker.clock().now();
        Session::of_errand(&worker, &strand, errand, due).run_errand(&*errands).await;
    }
}
