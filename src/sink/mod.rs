//! Those who keep and show what happens while it happens.
//!
//! One collector thread takes the workers' events and hands them to each sink. A slow disk makes
//! the collector lag; it cannot change a figure already taken.

mod collector;
mod control;
mod files;
mod key_guard;
mod offers;
mod order;
mod progress;
mod said;
mod stop_guard;
pub mod live;

use std::io;

use crate::event::{ControlTurn, Said};
use crate::measure::Interval;
use crate::sample::Sample;

pub use collector::{Collected, Collector};
pub use control::{AskTruth, ControlBook, TrueTurn};
pub use files::{SampleFile, SecondFiles};
pub use key_guard::{KeyGuard, KeyRefused};
pub use offers::Opened;
pub use progress::{Progress, ProgressStyle};
pub use said::SaidFile;
pub use stop_guard::{StopGuard, Stopped, StoppedBy};

/// One who keeps or shows.
pub trait Sink: Send {
    /// Attempts ended, in order of ending on their worker.
    ///
    /// # Errors
    /// It could not be written; the run ends.
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        let _ = samples;
        Ok(())
    }

    /// What was said in an attempt.
    ///
    /// # Errors
    /// As [`Sink::samples`].
    fn said(&mut self, said: &Said) -> io::Result<()> {
        let _ = said;
        Ok(())
    }

    /// A control turn ended; it is not of the target.
    ///
    /// # Errors
    /// As [`Sink::samples`].
    fn control(&mut self, turn: &ControlTurn) -> io::Result<()> {
        let _ = turn;
        Ok(())
    }

    /// One second is over on every worker.
    ///
    /// # Errors
    /// As [`Sink::samples`].
    fn second(&mut self, second: &Interval) -> io::Result<()> {
        let _ = second;
        Ok(())
    }

    /// Called several times a second, whatever happens.
    ///
    /// # Errors
    /// As [`Sink::samples`].
    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// As [`Sink::samples`].
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}
