//! Stops a run whose key the target refuses, before every turn is spent on it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Sink;
use crate::executor::Stop;
use crate::sample::{Outcome, Sample};

/// Refusals in a row, before anything has succeeded, that are taken for the target's last word.
const ENOUGH: u32 = 5;

/// Whether the target refused the key.
#[derive(Debug, Clone, Default)]
pub struct KeyRefused(Arc<AtomicBool>);

impl KeyRefused {
    /// Whether it did.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Watches for answers that say the key is wrong.
#[derive(Debug)]
pub struct KeyGuard {
    stop: Stop,
    refused: KeyRefused,
    in_a_row: u32,
    /// Something else than a refusal has come: the key is good, or that is not the point.
    settled: bool,
}

impl KeyGuard {
    /// A guard that stops the run by `stop` and says so in `refused`.
    pub fn new(stop: Stop, refused: KeyRefused) -> Self {
        Self { stop, refused, in_a_row: 0, settled: false }
    }
}

impl Sink for KeyGuard {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        for sample in samples {
            // What we never sent, or cut ourselves, says nothing of the key.
            let ours = matches!(sample.outcome, Outcome::Dropped(_) | Outcome::Cancelled);
            match sample.status {
                Some(401 | 403) => self.in_a_row += 1,
                _ if ours => {}
                _ => self.settled = true,
            }
            if !self.settled && self.in_a_row >= ENOUGH {
                self.stop.drain();
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let refused = !self.settled && self.in_a_row > 0;
        self.refused.0.store(refused, Ordering::Release);
        Ok(())
    }
}
