//! The files of a run directory that grow while the run goes.

use std::io::{self, Write};

use super::{ControlBook, Sink};
use crate::artifact::hlog::HlogWriter;
use crate::artifact::samples::SampleWriter;
use crate::artifact::timeline::TimelineWriter;
use crate::event::ControlTurn;
use crate::measure::Interval;
use crate::sample::Sample;

/// `samples.csv`.
pub struct SampleFile<W>(pub SampleWriter<W>);

impl<W: Write + Send> Sink for SampleFile<W> {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        samples.iter().try_for_each(|sample| self.0.write(sample))
    }

    fn second(&mut self, _: &Interval) -> io::Result<()> {
        self.0.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// `timeline.csv` and `histograms.hlog`: a line or more a second.
pub struct SecondFiles<W> {
    /// `timeline.csv`.
    pub timeline: TimelineWriter<W>,
    /// `histograms.hlog`.
    pub histograms: HlogWriter<W>,
    /// Of the control turns, where there are any.
    pub control: Option<ControlBook>,
}

impl<W: Write + Send> Sink for SecondFiles<W> {
    fn control(&mut self, turn: &ControlTurn) -> io::Result<()> {
        if let Some(book) = &self.control {
            book.note(turn.clone());
        }
        Ok(())
    }

    fn second(&mut self, second: &Interval) -> io::Result<()> {
        let book = self.control.as_ref();
        self.timeline.write_with(second, |second, typical| book?.close(second, typical))?;
        self.histograms.write(second)?;
        // What is on the disk is never more than a second old: a killed run can be read.
        self.timeline.flush()?;
        self.histograms.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.timeline.flush()?;
        self.histograms.flush()
    }
}
