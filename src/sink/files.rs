//! The files of a run directory that grow while the run goes.

use std::io::{self, Write};

use super::Sink;
use crate::artifact::samples::SampleWriter;
use crate::sample::Sample;

/// `samples.csv`.
pub struct SampleFile<W>(pub SampleWriter<W>);

impl<W: Write + Send> Sink for SampleFile<W> {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        samples.iter().try_for_each(|sample| self.0.write(sample))
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
