//! A run in the form in which runs are compared.

use super::{Ending, ReadError, StoredRun, in_samples};
use crate::artifact::manifest::Manifest;
use crate::compare::{Evidence, Figure, Gathering, Run, Settings, Source};
use crate::metric::Metric;

impl StoredRun {
    /// What a comparison under `settings` needs of this run. Reads `samples.csv`, or, where that is
    /// not there, `histograms.hlog`.
    ///
    /// # Errors
    /// Neither is there, or it cannot be read.
    pub fn evidence(&self, settings: &Settings) -> Result<Run, ReadError> {
        let manifest = &self.manifest;
        Ok(Run {
            id: manifest.id.clone(),
            started_at: manifest.started_at.clone(),
            commit: manifest.git.as_ref().map(|git| git.commit.clone()),
            target: match manifest.target.embedded {
                true => "embedded".to_owned(),
                false => manifest.target.url.clone(),
            },
            version: manifest.version.clone(),
            machine: machine(manifest),
            fingerprint: manifest.fingerprint.clone(),
            scenario: manifest.scenario.clone(),
            incomplete: self.incomplete(),
            validity: self.summary.validity.clone(),
            summary: self.summary.clone(),
            kinds: self.kinds(),
            evidence: self.gathered(&settings.figures(), &settings.primary)?,
        })
    }

    /// Why the run is not a whole one, in words that go after its id.
    fn incomplete(&self) -> Option<String> {
        if let Some(stopped) = &self.summary.run.stopped {
            return Some(format!(
                "was ended before its time by `{} {}`",
                stopped.metric, stopped.expression
            ));
        }
        Some(match self.ending() {
            Ending::Finished => return None,
            Ending::Interrupted => "was interrupted".into(),
            Ending::Failed => "could not go on to its end".into(),
            Ending::Killed => "was killed, or is still running".into(),
        })
    }

    fn gathered(&self, figures: &[Figure], of_kinds: &[Figure]) -> Result<Evidence, ReadError> {
        let mut gathering = Gathering::new(figures, of_kinds);
        let samples = self.samples()?;
        let source = if samples.is_some() { Source::Samples } else { Source::Histograms };
        for row in samples.into_iter().flatten() {
            gathering.sample(&row.map_err(|error| in_samples(self.path(), &error))?.sample);
        }
        let lacking: Vec<Metric> =
            Metric::ALL.into_iter().filter(|&metric| gathering.lacks(metric)).collect();
        if source == Source::Histograms || !lacking.is_empty() {
            let lines = self.histograms()?;
            if lines.is_none() && source == Source::Histograms {
                return Err(ReadError::NoFigures { path: self.path().to_owned() });
            }
            for line in lines.into_iter().flatten() {
                let line = line
                    .map_err(|error| ReadError::damaged(self.path(), "histograms.hlog", &error))?;
                if !lacking.contains(&line.metric) {
                    continue;
                }
                let second = line.start.as_secs();
                let histogram = &line.histogram;
                for step in histogram.iter_recorded() {
                    let micros = histogram.median_equivalent(step.value_iterated_to());
                    gathering.second(second, line.metric, micros, step.count_at_value());
                }
            }
        }
        // Of a run without samples: turns due after the warm-up, by what its summary says.
        let judged = self.summary.groups.iter().fold((0, 0), |(failed, all), group| {
            let judged = group.counts.planned - group.counts.cancelled;
            (failed + judged - group.counts.completed, all + judged)
        });
        Ok(gathering.finish(source, [(None, judged.0, judged.1)]))
    }
}

fn machine(manifest: &Manifest) -> String {
    let machine = &manifest.machine;
    let cpu = machine.cpu.as_deref().unwrap_or(&machine.arch);
    format!("{}, {} × {cpu}", machine.os, machine.cpus)
}
