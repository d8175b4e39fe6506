//! The files of a run directory that grow while the run goes.

use std::io::{self, Write};

use super::Sink;
use crate::artifact::hlog::HlogWriter;
use crate::artifact::samples::SampleWriter;
use crate::artifact::timeline::TimelineWriter;
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
}

impl<W: Write + Send> Sink for SecondFiles<W> {
    fn second(&mut self, second: &Interval) -> io::Result<()> {
        self.timeline.write(second)?;
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
