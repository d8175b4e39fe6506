//! Open loads and replays: sessions arrive on schedule, whatever the agent does.

use std::rc::Rc;

use super::session::Session;
use super::worker::Worker;
use crate::client::Transport;
use crate::plan::Shard;

/// Opens this worker's share of the arrivals, each when it is due. A late one is opened at once and
/// keeps its due time; what comes after it keeps its own.
pub(super) async fn run<T: Transport + 'static>(worker: &Rc<Worker<T>>) {
    let plan = &worker.job().plan;
    let identities = u64::from(plan.identities().max(1));
    let share = Shard { index: worker.index as u64, count: worker.job().workers as u64 };
    for (number, due) in plan.arrivals(share) {
        // A replay has planned every session: that one was not asked is told.
        let in_time = worker.wait_until(due).await;
        if !in_time && plan.scenario().load.duration().is_some() {
            return;
        }
        // Sessions are dealt to users in turn.
        let identity = (number % identities) as u32;
        let Some(planned) = plan.session(number, identity) else { return };
        let session = Session::new(worker, planned, due);
        if !in_time {
            session.drop_all();
            tokio::task::yield_now().await;
            continue;
        }
        worker.spawn(async move {
            session.run().await;
        });
    }
}
