//! Open loads and replays: sessions arrive on schedule, whatever the agent does.

use std::rc::Rc;
use std::sync::Arc;

use super::session::Session;
use super::strand::Strand;
use super::worker::Worker;
use crate::client::Transport;
use crate::plan::Shard;

/// Opens this worker's share of the arrivals, each when it is due. A late one is opened at once and
/// keeps its due time; what comes after it keeps its own.
pub(super) async fn run<T: Transport + 'static>(worker: Rc<Worker<T>>, strand: Arc<Strand>) {
    let plan = &strand.plan;
    let identities = u64::from(plan.identities().max(1));
    let share = Shard { index: worker.index as u64, count: worker.job().workers as u64 };
    let mut arrivals = plan.arrivals(share);
    while let Some((number, due)) = arrivals.next() {
        if !worker.wait_until(due, &strand.stop).await {
            // A replay has planned every session: that some were not asked is told.
            if plan.scenario().load.duration().is_none() {
                let left = std::iter::once(number).chain(arrivals.map(|(number, _)| number));
                let sessions = left.filter_map(|number| plan.session(number, 0));
                let turns = sessions.map(|session| u64::from(session.turn_count())).sum();
                worker.never_opened(&strand, turns);
            }
            return;
        }
        // Sessions are dealt to users in turn.
        let identity = (number % identities) as u32;
        let Some(planned) = plan.session(number, identity) else { return };
        let session = Session::new(&worker, &strand, planned, due);
        worker.spawn(async move {
            session.run().await;
        });
    }
}
