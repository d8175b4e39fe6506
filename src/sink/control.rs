//! Control turns beside what their agent says of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::ControlTurn;
use crate::measure::{ControlSecond, ControlSeconds, Excess};

/// How long a control turn really took: what its agent wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueTurn {
    /// What was asked.
    pub message: Box<str>,
    /// From the complete request to the write of the first chunk.
    pub ttfc: Duration,
    /// From the complete request to the last write.
    pub total: Duration,
}

/// Asks the control agent for its log of the last turns.
pub type AskTruth = Box<dyn Fn() -> Vec<TrueTurn> + Send>;

/// Turns that wait for their truth: more than a run asks in some seconds.
const WAITING: usize = 256;

/// The book of a run's control turns. Clones share it.
#[derive(Clone)]
pub struct ControlBook(Arc<Mutex<Pages>>);

struct Pages {
    ask: AskTruth,
    waiting: Vec<ControlTurn>,
    seconds: ControlSeconds,
}

impl ControlBook {
    /// An empty book; `ask` is called about once a second.
    pub fn new(ask: AskTruth) -> Self {
        let seconds = ControlSeconds::default();
        Self(Arc::new(Mutex::new(Pages { ask, waiting: Vec::new(), seconds })))
    }

    /// A control turn has ended.
    pub(super) fn note(&self, turn: ControlTurn) {
        let mut pages = self.pages();
        if pages.waiting.len() >= WAITING {
            pages.waiting.remove(0);
        }
        pages.waiting.push(turn);
    }

    /// The second `second` is over; in it a turn of the target typically took so long to its first
    /// chunk. What there was of control turns.
    pub(super) fn close(&self, second: u64, typical_micros: u64) -> Option<ControlSecond> {
        let mut pages = self.pages();
        pages.settle();
        pages.seconds.mark(second, typical_micros);
        pages.seconds.second(second).cloned()
    }

    /// Everything so far.
    pub fn seconds(&self) -> ControlSeconds {
        let mut pages = self.pages();
        pages.settle();
        pages.seconds.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic elsewhere cannot leave a page half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn settle(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let truth: HashMap<Box<str>, TrueTurn> =
            (self.ask)().into_iter().map(|turn| (turn.message.clone(), turn)).collect();
        let seconds = &mut self.seconds;
        self.waiting.retain(|turn| {
            let Some(really) = truth.get(&turn.message) else { return true };
            let excess = |seemed: Duration, was: Duration| {
                let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
                micros(seemed) - micros(was)
            };
            seconds.add(
                turn.ended,
                Excess {
                    ttfc: excess(turn.ttfc, really.ttfc),
                    total: excess(turn.total, really.total),
                },
            );
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Offset;

    #[test]
    fn a_turn_waits_for_its_truth_and_is_counted_once() {
        let known = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&known);
        let book = ControlBook::new(Box::new(move || asked.lock().unwrap().clone()));
        let micros = Duration::from_micros;
        book.note(ControlTurn {
            message: "c-1".into(),
            ttfc: micros(20_300),
            total: micros(35_100),
            ended: Offset::from_nanos(1_500_000_000),
        });
        assert_eq!(book.close(1, 20_000), None);
        known.lock().unwrap().push(TrueTurn {
            message: "c-1".into(),
            ttfc: micros(20_000),
            total: micros(35_200),
        });
        for _ in 0..2 {
            let second = book.close(1, 20_000).unwrap();
            assert_eq!(second.turns(), 1);
            assert_eq!(second.median(), Some(Excess { ttfc: 300, total: -100 }));
        }
    }
}
