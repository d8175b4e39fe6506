//! One worker: what the tasks of one thread share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use tokio::sync::Notify;

use super::admission::RequestQuota;
use super::gauges::Gauges;
use super::job::{Job, Record};
use super::outbox::Outbox;
use super::stop::{Stop, StopPhase};
use super::strand::Strand;
use super::{arrivals, loops};
use crate::client::Transport;
use crate::clock::{Alarm, Clock};
use crate::event::{Event, Said};
use crate::exchange::Exchange;
use crate::measure::{EndedSession, Recorder};
use crate::plan::Plan;
use crate::protocol::Reply;
use crate::sample::{Outcome, Sample};
use crate::scenario::{History, Load};
use crate::units::Offset;

/// How often a worker hands over what it has gathered.
const TICK: Duration = Duration::from_millis(100);

/// What all workers of a run hold together.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) job: Job,
    pub(super) stop: Stop,
    /// A strand for each plan of the job, in their order.
    pub(super) strands: Vec<Arc<Strand>>,
    /// When the run was first asked to stop.
    pub(super) stopped_at: OnceLock<Offset>,
}

impl Shared {
    pub(super) fn new(job: Job, stop: Stop, clock: Clock) -> Self {
        let quota = RequestQuota::of(&job.shared().limits, clock);
        let strand = |plan: &Plan| Strand::new(plan.clone(), stop.branch(), quota.clone());
        let strands = job.plans.iter().map(strand).map(Arc::new).collect();
        Self { job, stop, strands, stopped_at: OnceLock::new() }
    }
}

/// What the tasks of one thread share.
pub(super) struct Worker<T> {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) exchange: Exchange<T>,
    pub(super) alarm: Alarm,
    pub(super) rng: RefCell<Xoshiro256PlusPlus>,
    gauges: Arc<Gauges>,
    recorder: RefCell<Recorder>,
    outbox: RefCell<Outbox>,
    replies: RefCell<Vec<Reply>>,
    open: Cell<usize>,
    all_closed: Notify,
}

impl<T: Transport + 'static> Worker<T> {
    pub(super) fn new(
        index: usize,
        shared: Arc<Shared>,
        exchange: Exchange<T>,
        alarm: Alarm,
        gauges: Arc<Gauges>,
        events: SyncSender<Event>,
    ) -> Rc<Self> {
        let recorder = Recorder::new(Arc::clone(&shared.job.layout));
        Rc::new(Self {
            index,
            shared,
            exchange,
            alarm,
            rng: RefCell::new(Xoshiro256PlusPlus::seed_from_u64(index as u64)),
            gauges,
            recorder: RefCell::new(recorder),
            outbox: RefCell::new(Outbox::new(index, events)),
            replies: RefCell::default(),
            open: Cell::new(0),
            all_closed: Notify::new(),
        })
    }

    /// Carries out this worker's share of the plan, to the end.
    /// `control` sends the control turns, where there are any.
    pub(super) async fn run(self: Rc<Self>, control: Option<Exchange<T>>) {
        let ticking = tokio::task::spawn_local(Rc::clone(&self).tick());
        tokio::task::spawn_local(self.exchange.vigil().keep());
        for strand in &self.shared.strands {
            let (strand, vigil) = (Arc::clone(strand), self.exchange.vigil());
            tokio::task::spawn_local(async move {
                strand.stop.reached(StopPhase::Cut).await;
                vigil.look_up();
            });
        }
        let control = control.map(|exchange| {
            tokio::task::spawn_local(super::control::ask(Rc::clone(&self), exchange))
        });
        let begin = |strand: &Arc<Strand>| {
            let (worker, strand) = (Rc::clone(&self), Arc::clone(strand));
            match strand.scenario().load {
                Load::Once { concurrency: count } | Load::Closed { users: count, .. } => {
                    loops::start(worker, strand, count).left_future()
                }
                Load::Open { .. } | Load::Replay { .. } => {
                    arrivals::run(worker, strand).right_future()
                }
            }
        };
        let schedules: Vec<_> = self.shared.strands.iter().map(begin).collect();
        // Not spawned: what is due does not stand in line behind the sessions' tasks.
        join_all(schedules).await;
        while self.open.get() > 0 {
            self.all_closed.notified().await;
        }
        ticking.abort();
        if let Some(control) = control {
            control.abort();
        }
        let mut recorder = self.recorder.borrow_mut();
        let mut outbox = self.outbox.borrow_mut();
        while let Some(second) = recorder.finish() {
            outbox.event(Event::Second(second));
        }
        outbox.event(Event::Ended { worker: self.index });
        outbox.wait();
    }

    async fn tick(self: Rc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        let mut reached = 0;
        loop {
            tick.tick().await;
            let mut recorder = self.recorder.borrow_mut();
            let mut outbox = self.outbox.borrow_mut();
            let now = self.clock().now();
            self.gauges.awake(self.alarm.wide_awake());
            outbox.flush_until(now);
            outbox.retry();
            while let Some(second) = recorder.roll(now) {
                outbox.event(Event::Second(second));
            }
            // A second is handed out when the one after it is over as well.
            let done = (now.nanos() / 1_000_000_000).saturating_sub(1);
            if done > reached {
                reached = done;
                outbox.event(Event::Reached { worker: self.index, second: done, at: now });
            }
        }
    }

    /// Runs `task` beside the others; [`Worker::run`] ends when all have.
    pub(super) fn spawn(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        self.open.set(self.open.get() + 1);
        let worker = Rc::clone(self);
        // Mapped, not awaited in a block of its own: that would hold the task twice, and there may be
        // twenty thousand.
        tokio::task::spawn_local(task.map(move |()| {
            worker.open.set(worker.open.get() - 1);
            if worker.open.get() == 0 {
                worker.all_closed.notify_one();
            }
        }));
    }

    pub(super) fn job(&self) -> &Job {
        &self.shared.job
    }

    pub(super) fn clock(&self) -> Clock {
        self.alarm.clock()
    }

    /// Waits until `due`; `false` if `stop` is asked for before that.
    pub(super) async fn wait_until(&self, due: Offset, stop: &Stop) -> bool {
        tokio::select! {
            biased;
            () = self.alarm.until(due) => stop.phase() == StopPhase::Running,
            () = stop.reached(StopPhase::Draining) => false,
        }
    }

    /// Whether what was said in a session is sent along with its later messages.
    pub(super) fn keeps_history(&self) -> bool {
        self.exchange.dialect().sends_history()
            && self.job().shared().target.history == History::Live
    }

    /// A cleared store for a reply; it keeps the text where that is asked, recorded or sent along.
    pub(super) fn take_reply(&self, asked: bool) -> Reply {
        let mut reply = self.replies.borrow_mut().pop().unwrap_or_default();
        let record = self.job().record;
        let errands = self.job().errands.is_some();
        let keep_text = asked || errands || record != Record::Nothing || self.keeps_history();
        reply.clear(keep_text, record == Record::Chunks);
        reply
    }

    /// Takes the store back for a later reply.
    pub(super) fn give_back(&self, reply: Reply) {
        self.replies.borrow_mut().push(reply);
    }

    /// An attempt is being handed to the transport.
    pub(super) fn attempt_started(&self, at: Offset) {
        self.gauges.attempt_started();
        self.recorder.borrow_mut().started(at);
    }

    /// Notes an attempt that was sent and has ended.
    pub(super) fn attempt_ended(&self, sample: Sample, reply: &Reply, message: &str) {
        self.gauges.attempt_ended();
        let mut recorder = self.recorder.borrow_mut();
        recorder.sample(&sample, reply.within());
        let mut outbox = self.outbox.borrow_mut();
        if self.job().record != Record::Nothing {
            outbox.event(Event::Said(Box::new(Said {
                sample: sample.clone(),
                message: message.into(),
                text: reply.text().to_owned(),
                pieces: reply.pieces().to_vec(),
            })));
        }
        outbox.sample(sample);
    }

    /// Notes a turn that was never sent.
    pub(super) fn not_sent(&self, sample: Sample) {
        debug_assert!(matches!(sample.outcome, Outcome::Dropped(_) | Outcome::Failed(_)));
        self.recorder.borrow_mut().sample(&sample, Reply::default().within());
        self.outbox.borrow_mut().sample(sample);
    }

    /// Notes that sessions of `strand` with so many turns in all were never opened, because the run is
    /// being stopped. They are counted, and have no rows: there may be millions of them.
    pub(super) fn never_opened(&self, strand: &Strand, turns: u64) {
        let kind = strand.plan.first_kind();
        self.recorder.borrow_mut().never_opened(self.clock().now(), kind, turns);
    }

    /// Tells something that is in no figure.
    pub(super) fn tell(&self, event: Event) {
        self.outbox.borrow_mut().event(event);
    }

    /// Notes a session whose turns have all been answered.
    pub(super) fn session_ended(&self, session: &EndedSession) {
        self.recorder.borrow_mut().session_ended(session);
    }
}
