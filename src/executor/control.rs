//! Control turns: a few a second, asked of an agent whose timing is known, by the same thread and the
//! same kind of client and decoder as all others. By how much they seem to take longer than they
//! did is our own bias at that moment. They are in no sample, count or rate.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::worker::Worker;
use crate::client::{Request, Transport};
use crate::event::{ControlTurn, Event};
use crate::exchange::Exchange;
use crate::protocol::{Asking, Reply};
use crate::units::Offset;

/// How often one worker asks.
const EVERY: Duration = Duration::from_millis(250);
/// No more control turns a second than this over all workers.
const MOST_PER_SECOND: u32 = 20;
/// The first waits until the run is under way; until then the client has found its feet.
const FIRST: Duration = Duration::from_millis(300);

/// What one worker is given to send with.
#[derive(Debug)]
pub struct Equipment<T> {
    /// To the target.
    pub target: T,
    /// To an agent of known timing, where there is one.
    pub control: Option<T>,
}

impl<T> Equipment<T> {
    /// Without a control.
    pub fn of(target: T) -> Self {
        Self { target, control: None }
    }
}

/// Asks until the run is being stopped, or the task is.
pub(super) async fn ask<T: Transport + 'static>(worker: Rc<Worker<T>>, exchange: Exchange<T>) {
    let workers = u32::try_from(worker.job().workers).unwrap_or(u32::MAX);
    let every = EVERY.max(Duration::from_secs(1) / MOST_PER_SECOND * workers);
    // Workers take turns, so that the control agent never has two to answer at once.
    let mut due = Offset::ZERO + FIRST + every * u32::try_from(worker.index).unwrap_or(0) / workers;
    let mut reply = Reply::default();
    tokio::task::spawn_local(exchange.vigil().keep());
    for number in 0u64.. {
        if !worker.wait_until(due, &worker.shared.stop).await {
            return;
        }
        let session = format!("control-{}-{number}", worker.index);
        let asking = Asking {
            user_id: "control",
            agent_id: &worker.job().shared().target.agent_id,
            session_id: &session,
            // Some dialects have no sessions: the message tells the turns apart.
            message: &session,
            history: &[],
        };
        let mut body = Vec::new();
        if exchange.dialect().body(&asking, &mut body).is_err() {
            return;
        }
        reply.clear(false, false);
        let request = Request { body: Bytes::from(body), user: Some(Arc::from("control")) };
        // Whoever cuts the run ends this task.
        let attempt = exchange.attempt(request, &mut reply, || false).await;
        // What a new connection takes is no bias.
        let steady = attempt.outcome.is_completed() && attempt.connect.is_none();
        if let Some(first_chunk) = reply.first_chunk().filter(|_| steady) {
            worker.tell(Event::Control(ControlTurn {
                message: session.into(),
                ttfc: first_chunk.since(attempt.started),
                total: attempt.ended.since(attempt.started),
                ended: attempt.ended,
            }));
        }
        due = (due + every).max(attempt.ended);
    }
}
