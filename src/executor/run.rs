//! Starting the workers, and stopping them at the end of the time.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use super::control::Equipment;
use super::gauges::Gauges;
use super::job::Job;
use super::stop::{Stop, StopPhase};
use super::strand::Strand;
use super::worker::{Shared, Worker};
use crate::client::Transport;
use crate::clock::{Alarm, Clock};
use crate::event::Event;
use crate::exchange::Exchange;
use crate::protocol::Dialect;
use crate::units::Offset;

/// How long before a due time a waiting task starts to yield in a loop.
const LEAD: Duration = Duration::from_micros(60);

/// The origin lies this far ahead of the moment the workers are ready, so that what is due at the
/// origin is not late for the workers' own start.
const HEAD_START: Duration = Duration::from_millis(2);

/// A run that could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// A worker could not set up its connections.
    #[error("{0}")]
    Setup(String),
    /// A worker could not start.
    #[error("a worker could not start: {0}")]
    Start(#[source] std::io::Error),
    /// A defect of ours.
    #[error("a worker ended by a defect in streamgauge; the figures of this run are incomplete")]
    Died,
}

/// What is known of a run only when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When the run was first asked to stop, if it was.
    pub stopped_at: Option<Offset>,
    /// When the warm-up of each plan was over, in the job's order; [`Offset::NEVER`] where it never
    /// was.
    pub warm_at: Vec<Offset>,
}

/// Carries out `job` on threads of its own, one for each of `gauges`, and returns when the last turn
/// has ended.
///
/// `prepare` is called once a worker, on its thread, before the run's origin; what it returns is
/// called with the clock. `begun` is told the clock when the origin is set. Events go to `events`,
/// from many threads, until each worker's [`Event::Ended`].
///
/// # Errors
/// A worker could not be set up (nothing has been sent then), or ended by a defect.
pub fn run<T, P, E>(
    job: Job,
    stop: Stop,
    gauges: &[Arc<Gauges>],
    events: &SyncSender<Event>,
    prepare: impl Fn() -> Result<P, E> + Sync,
    begun: impl FnOnce(Clock),
) -> Result<Ended, ExecutorError>
where
    T: Transport + 'static,
    P: FnOnce(Clock) -> Equipment<T>,
    E: std::fmt::Display,
{
    let (ready, readiness) = sync_channel(gauges.len());
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut signals = Vec::new();
        for (index, gauges) in gauges.iter().enumerate() {
            let (signal, go) = sync_channel::<(Arc<Shared>, Clock)>(1);
            let (ready, events, prepare) = (ready.clone(), events.clone(), &prepare);
            let body = move || {
                let prepared = set_up(prepare);
                let _ = ready.send(prepared.is_ok());
                let (runtime, prepared) = prepared?;
                // No signal: another worker could not be set up.
                let Ok((shared, clock)) = go.recv() else { return Ok(()) };
                let gauges = Arc::clone(gauges);
                runtime.block_on(work(index, shared, clock, prepared, gauges, events))
            };
            let thread = std::thread::Builder::new().name(format!("worker-{index}"));
            threads.push(thread.spawn_scoped(scope, body).map_err(ExecutorError::Start)?);
            signals.push(signal);
        }
        // A worker that ends before it has said a word must not be waited for.
        drop(ready);
        let mut run = None;
        // Every one is waited for, also after one has failed.
        let set_up = gauges.iter().filter(|_| readiness.recv() == Ok(true)).count();
        if set_up == gauges.len() {
            let clock = Clock::start().shifted(HEAD_START);
            let shared = Arc::new(Shared::new(job, stop, clock));
            begun(clock);
            for signal in &signals {
                let _ = signal.send((Arc::clone(&shared), clock));
            }
            run = Some(shared);
        }
        drop(signals);
        let ends: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(ExecutorError::Died)))
            .collect();
        ends.into_iter().collect::<Result<(), _>>()?;
        // Every worker has come to its end, so the origin was set.
        let strands = run.iter().flat_map(|shared| &shared.strands);
        let warm_at = strands.map(|strand| strand.warmup.at()).collect();
        let stopped_at = run.and_then(|shared| shared.stopped_at.get().copied());
        Ok(Ended { stopped_at, warm_at })
    })
}

fn set_up<P, E: std::fmt::Display>(
    prepare: impl Fn() -> Result<P, E>,
) -> Result<(LocalRuntime, P), ExecutorError> {
    let prepared = prepare().map_err(|error| ExecutorError::Setup(error.to_string()))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(ExecutorError::Start)?;
    Ok((runtime, prepared))
}

async fn work<T: Transport + 'static>(
    index: usize,
    shared: Arc<Shared>,
    clock: Clock,
    prepared: impl FnOnce(Clock) -> Equipment<T>,
    gauges: Arc<Gauges>,
    events: SyncSender<Event>,
) -> Result<(), ExecutorError> {
    gauges.on_this_thread();
    let alarm = match Alarm::new(clock, LEAD) {
        Ok(alarm) => alarm,
        Err(error) => {
            // The others must not go on to the end with a share of the load missing.
            shared.stop.cut();
            return Err(ExecutorError::Start(error));
        }
    };
    let target = &shared.job.shared().target;
    let dialect = Dialect::new(target.protocol, target.framing);
    let secrets = shared.job.secrets.clone();
    let timeouts = target.timeouts;
    let exchange = |transport, secrets| Exchange::new(transport, dialect, timeouts, clock, secrets);
    let Equipment { target, control } = prepared(clock);
    let control = control.map(|transport| exchange(transport, Vec::new()));
    let exchange = exchange(target, secrets);
    for strand in &shared.strands {
        tokio::task::spawn_local(cut_in_time(Arc::clone(&shared), Arc::clone(strand), clock));
    }
    let worker = Worker::new(index, shared, exchange, alarm, gauges, events);
    // Two milliseconds at most, and exactly: whoever starts early would stamp before the origin.
    while clock.is_before_origin() {
        tokio::task::yield_now().await;
    }
    worker.run(control).await;
    Ok(())
}

/// Cuts what is still on its way of a strand when its time for draining is over.
pub(super) async fn cut_in_time(shared: Arc<Shared>, strand: Arc<Strand>, clock: Clock) {
    let drain = strand.drain();
    let end_of_time = async {
        match strand.load_end {
            Some(end) => tokio::time::sleep_until(clock.on_tokio(end + drain)).await,
            None => std::future::pending().await,
        }
    };
    let asked = async {
        strand.stop.reached(StopPhase::Draining).await;
        let _ = shared.stopped_at.set(clock.now());
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        () = end_of_time => {}
        () = asked => {}
    }
    strand.stop.cut();
}
