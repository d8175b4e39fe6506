//! The bound on turns in flight: a turn on the wire holds a slot, and who finds none waits.
//!
//! Waiting turns are let in before waiting arrivals, each kind in the order it came: a user in the
//! middle of a conversation is not overtaken by a newcomer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The slots of one run, shared by its workers.
#[derive(Debug, Clone)]
pub(super) struct Slots(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: u32,
    turns: VecDeque<oneshot::Sender<Slot>>,
    arrivals: VecDeque<oneshot::Sender<Slot>>,
}

/// A slot held; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot(Option<Slots>);

/// Who asks for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The first turn of a session.
    Arrival,
    /// A later turn, or a further attempt.
    Turn,
}

impl Slots {
    pub(super) fn new(count: u32) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: count,
            turns: VecDeque::new(),
            arrivals: VecDeque::new(),
        })))
    }

    /// A slot if one is free now.
    pub(super) fn try_take(&self) -> Option<Slot> {
        let mut state = self.lock();
        state.free = state.free.checked_sub(1)?;
        Some(Slot(Some(self.clone())))
    }

    /// A slot as soon as one is free and nobody is before us. Dropping the future leaves the queue.
    pub(super) async fn take(&self, asker: Asker) -> Slot {
        let waiting = {
            let mut state = self.lock();
            if let Some(free) = state.free.checked_sub(1) {
                state.free = free;
                return Slot(Some(self.clone()));
            }
            let (sender, receiver) = oneshot::channel();
            match asker {
                Asker::Arrival => state.arrivals.push_back(sender),
                Asker::Turn => state.turns.push_back(sender),
            }
            receiver
        };
        // The sender is only dropped after it has handed a slot over, or with the slots themselves,
        // which we hold.
        waiting.await.unwrap_or(Slot(None))
    }

    fn release(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.turns.pop_front().or_else(|| state.arrivals.pop_front());
                if next.is_none() {
                    state.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(Slot(Some(self.clone()))) {
                Ok(()) => return,
                // It waits no more; the next one may have the slot.
                Err(mut slot) => slot.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slots) = self.0.take() {
            slots.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn turns_go_before_arrivals_and_each_in_order() {
        let slots = Slots::new(1);
        let held = slots.try_take().unwrap();
        assert!(slots.try_take().is_none());
        let mut first_arrival = Box::pin(slots.take(Asker::Arrival));
        let mut turn = Box::pin(slots.take(Asker::Turn));
        let mut left = Box::pin(slots.take(Asker::Turn));
        assert!((&mut first_arrival).now_or_never().is_none());
        assert!((&mut turn).now_or_never().is_none());
        assert!((&mut left).now_or_never().is_none());
        drop(held);
        let held = (&mut turn).now_or_never().unwrap();
        drop(left);
        drop(held);
        let held = (&mut first_arrival).now_or_never().unwrap();
        drop(held);
        assert!(slots.try_take().is_some(), "no slot was lost to the one who left");
    }
}
