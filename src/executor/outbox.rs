//! Events on their way from a worker to the collector.

use std::sync::mpsc::{SyncSender, TrySendError};

use crate::event::Event;
use crate::sample::Sample;
use crate::units::Offset;

/// Samples are handed over in batches: one message for many turns.
const BATCH: usize = 64;

/// Batches kept while the collector is behind; beyond it the worker waits for it, and is late, and
/// says so in its lateness: nothing is lost.
const BACKLOG: usize = 1024;

/// What a worker has to tell.
#[derive(Debug)]
pub(super) struct Outbox {
    worker: usize,
    events: SyncSender<Event>,
    batch: Vec<Sample>,
    backlog: Vec<Event>,
}

impl Outbox {
    pub(super) fn new(worker: usize, events: SyncSender<Event>) -> Self {
        Self { worker, events, batch: Vec::with_capacity(BATCH), backlog: Vec::new() }
    }

    pub(super) fn sample(&mut self, sample: Sample) {
        self.batch.push(sample);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// Hands over the samples gathered so far.
    pub(super) fn flush(&mut self) {
        if let Some(last) = self.batch.last() {
            let until = last.timeline.ended;
            let samples = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            self.send(Event::Samples { worker: self.worker, samples, until });
        }
    }

    /// Hands over the samples gathered so far, and says that there are no others up to `now`.
    pub(super) fn flush_until(&mut self, now: Offset) {
        self.flush();
        self.send(Event::Samples { worker: self.worker, samples: Vec::new(), until: now });
    }

    /// Hands over an event after the samples gathered so far.
    pub(super) fn event(&mut self, event: Event) {
        self.flush();
        self.send(event);
    }

    fn send(&mut self, event: Event) {
        if self.backlog.is_empty() {
            match self.events.try_send(event) {
                // A collector that is gone has stopped the run and says why itself.
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(event)) => self.backlog.push(event),
            }
            return;
        }
        self.backlog.push(event);
        if self.backlog.len() >= BACKLOG {
            self.wait();
        } else {
            self.retry();
        }
    }

    /// Tries once more what did not fit before.
    pub(super) fn retry(&mut self) {
        let mut waiting = std::mem::take(&mut self.backlog).into_iter();
        for event in waiting.by_ref() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.backlog.push(event);
                break;
            }
        }
        self.backlog.extend(waiting);
    }

    /// Hands over everything, however long it takes.
    pub(super) fn wait(&mut self) {
        for event in self.backlog.drain(..) {
            let _ = self.events.send(event);
        }
    }
}
