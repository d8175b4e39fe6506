//! Closed loads: so many loops, each opening its next session when the last has ended.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::session::Session;
use super::worker::Worker;
use crate::client::Transport;
use crate::units::Offset;

/// The numbers of the sessions still to be opened: whoever is free takes the next, so that one slow
/// session does not hold up those behind it.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Starts this worker's share of `count` loops.
pub(super) fn start<T: Transport + 'static>(worker: &Rc<Worker<T>>, count: u32) {
    let workers = worker.job().workers;
    for index in (worker.index..count as usize).step_by(workers) {
        let identity = index as u32 % worker.job().plan.identities().max(1);
        let spells = worker.job().plan.spells(index as u32);
        worker.spawn(one_loop(Rc::clone(worker), identity, spells));
    }
}

/// One user, who asks while it is there.
async fn one_loop<T: Transport + 'static>(
    worker: Rc<Worker<T>>,
    identity: u32,
    spells: Vec<(Offset, Offset)>,
) {
    // A load that ends by itself has planned every session: that one was not asked is told.
    let bounded_by_count = worker.job().load_end().is_none();
    for (begin, end) in spells {
        if begin > Offset::ZERO && !worker.wait_until(begin).await {
            return;
        }
        loop {
            let due = worker.clock().now();
            if due >= end || (worker.stopping() && !bounded_by_count) {
                break;
            }
            let number = worker.shared.numbers.next();
            let Some(planned) = worker.job().plan.session(number, identity) else { return };
            let session = Session::new(&worker, planned, due).until(end);
            if worker.stopping() {
                session.drop_all();
                tokio::task::yield_now().await;
            } else if !session.run().await {
                // Its user still thinks, and holds the slot until it goes.
                break;
            }
        }
    }
}
