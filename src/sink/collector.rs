//! From many workers' events to one order.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::order::Order;
use super::{Opened, Sink, offers};
use crate::clock::Clock;
use crate::event::Event;
use crate::measure::{Layout, Seconds, Totals};
use crate::sample::Sample;

/// How often sinks are told that time passes.
const TICK: Duration = Duration::from_millis(100);

/// Takes the events of a run's workers.
pub struct Collector {
    sinks: Vec<Box<dyn Sink>>,
    totals: Totals,
    seconds: Seconds,
    /// The second each worker has reached; `None`: it has ended.
    reached: Vec<Option<u64>>,
    failure: Option<io::Error>,
    clock: Option<Clock>,
    lag: Duration,
    opened: Vec<Opened>,
    order: Order,
}

/// What a run came to.
#[derive(Debug)]
pub struct Collected {
    /// The sum of everything.
    pub totals: Totals,
    /// A sink that could not write: the files are incomplete.
    pub failure: Option<io::Error>,
    /// The longest that a worker's word waited for the collector.
    pub lag: Duration,
    /// What became of the sessions of each scenario.
    pub opened: Vec<Opened>,
}

impl Collector {
    /// A collector for the events of `workers` workers of a run
    /// that counts by `clock` (none: it has not begun, and nothing will come).
    pub fn new(
        workers: usize,
        layout: Arc<Layout>,
        sinks: Vec<Box<dyn Sink>>,
        clock: Option<Clock>,
    ) -> Self {
        Self {
            sinks,
            opened: vec![Opened::default(); layout.scenarios()],
            totals: Totals::new(layout),
            seconds: Seconds::new(),
            reached: vec![Some(0); workers],
            failure: None,
            clock,
            lag: Duration::ZERO,
            order: Order::new(workers),
        }
    }

    /// Takes events until every worker has ended, or all are gone. `failed` is called when a sink
    /// cannot write, to stop the run; what still comes is counted all the same.
    pub fn run(mut self, events: &Receiver<Event>, failed: impl Fn()) -> Collected {
        let clock = Clock::start();
        let mut next_tick = clock.now() + TICK;
        while self.reached.iter().any(Option::is_some) {
            match events.recv_timeout(next_tick.since(clock.now())) {
                Ok(event) => self.take(event, &failed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if clock.now() >= next_tick {
                next_tick = clock.now() + TICK;
                self.tell(&failed, |sink| sink.tick());
            }
        }
        self.seconds_before(u64::MAX, &failed);
        self.tell(&failed, |sink| sink.end());
        let Self { totals, failure, lag, opened, .. } = self;
        Collected { totals, failure, lag, opened }
    }

    fn take(&mut self, event: Event, failed: &impl Fn()) {
        match event {
            Event::Samples { worker, samples, until } => {
                let samples = self.order.take(worker, samples, until);
                self.samples(&samples, failed);
            }
            Event::Control(turn) => self.tell(failed, |sink| sink.control(&turn)),
            Event::Said(said) => self.tell(failed, |sink| sink.said(&said)),
            Event::Second(second) => {
                std::thread::yield_now();
                self.totals.add(&second);
                self.seconds.add(second);
            }
            Event::Reached { worker, second, at } => {
                if let Some(clock) = self.clock {
                    self.lag = self.lag.max(clock.now().since(at));
                }
                self.reach(worker, Some(second), failed);
            }
            Event::Ended { worker } => {
                let samples = self.order.ended(worker);
                self.samples(&samples, failed);
                self.reach(worker, None, failed);
            }
        }
    }

    fn samples(&mut self, samples: &[Sample], failed: &impl Fn()) {
        if !samples.is_empty() {
            offers::note(&mut self.opened, self.totals.layout(), samples);
            self.tell(failed, |sink| sink.samples(samples));
        }
    }

    fn reach(&mut self, worker: usize, second: Option<u64>, failed: &impl Fn()) {
        if let Some(reached) = self.reached.get_mut(worker) {
            *reached = second;
        }
        // A worker that has ended holds nobody up.
        if let Some(everyone) = self.reached.iter().copied().flatten().min() {
            self.seconds_before(everyone, failed);
        }
    }

    fn seconds_before(&mut self, second: u64, failed: &impl Fn()) {
        while let Some(over) = self.seconds.take_before(second) {
            self.tell(failed, |sink| sink.second(&over));
        }
    }

    fn tell(&mut self, failed: &impl Fn(), mut what: impl FnMut(&mut dyn Sink) -> io::Result<()>) {
        for sink in &mut self.sinks {
            // Whoever measures goes first.
            std::thread::yield_now();
            if let Err(error) = what(sink.as_mut())
                && self.failure.is_none()
            {
                self.failure = Some(error);
                failed();
            }
        }
    }
}
