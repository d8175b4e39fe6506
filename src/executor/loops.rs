//! Closed loads: so many loops, each opening its next session when the last has ended.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::session::Session;
use super::worker::Worker;
use crate::client::Transport;

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
        worker.spawn(one_loop(Rc::clone(worker), identity));
    }
}

async fn one_loop<T: Transport + 'static>(worker: Rc<Worker<T>>, identity: u32) {
    let end = worker.job().load_end();
    loop {
        let due = worker.clock().now();
        if end.is_some_and(|end| due >= end || worker.stopping()) {
            return;
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
