//! The run itself: workers, the collector, and the ear for signals.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::facts::describe;
use super::prepare::Prepared;
use super::{Args, Refused, control};
use crate::artifact::hlog::HlogWriter;
use crate::artifact::manifest::{Manifest, rfc3339};
use crate::artifact::samples::SampleWriter;
use crate::artifact::timeline::TimelineWriter;
use crate::artifact::{RunDirectory, StoreError};
use crate::calibration::Calibration;
use crate::cli::onlookers::{Onlookers, Watching};
use crate::cli::signals::Interrupts;
use crate::client::wire::{ConnectionCounts, WireCounts};
use crate::client::{HttpSetup, Names, source_addresses};
use crate::clock::{Clock, cpu_time};
use crate::event::Event;
use crate::executor::{self, Equipment, ExecutorError, Gauges, Job, Record, Stop};
use crate::machine;
use crate::measure::ControlSeconds;
use crate::sink::live;
use crate::sink::{
    Collected, Collector, ControlBook, KeyGuard, KeyRefused, Progress, SaidFile, SampleFile,
    SecondFiles, Sink, StopGuard, Stopped, StoppedBy,
};
use crate::units::{Offset, Span};
use crate::vitals::{Seen, Watch};

/// Events under way between the workers and the collector.
const CHANNEL: usize = 4096;

/// A run that has ended.
pub(super) struct Conducted {
    pub(super) job: Job,
    /// Whether its scenarios are listed, and reported apart.
    pub(super) listed: bool,
    pub(super) directory: RunDirectory,
    pub(super) manifest: Manifest,
    pub(super) collected: Collected,
    /// Processor time of this process from the origin to then (the embedded agent included).
    pub(super) cpu: Duration,
    /// From the origin to the last word of the last worker.
    pub(super) duration: Duration,
    /// What became of its connections, where the transport counts them.
    pub(super) connections: ConnectionCounts,
    pub(super) interrupted: bool,
    pub(super) key_refused: bool,
    pub(super) failure: Option<ExecutorError>,
    /// When the run was first asked to stop, if it was.
    pub(super) stopped_at: Option<Offset>,
    /// The rule that ended the run before its time.
    pub(super) stopped: Option<StoppedBy>,
    /// What the run may cite of its own error.
    pub(super) calibration: Option<Calibration>,
    /// What the run saw of itself.
    pub(super) seen: Seen,
    /// The control turns.
    pub(super) control: ControlSeconds,
    /// When the warm-up of each plan was over; with the run where it never was.
    pub(super) warm_at: Vec<Offset>,
}

/// Carries the run out.
pub(super) fn conduct(
    args: &Args,
    prepared: Prepared,
    interrupts: &Interrupts,
) -> Result<Conducted, Refused> {
    let Prepared {
        job,
        listed,
        endpoint,
        directory,
        mut manifest,
        embedded,
        onlookers,
        calibration,
    } = prepared;
    let broken = |error: &dyn std::fmt::Display| Refused::broken(error);
    let stop = Stop::new();
    let drain = format!(
        "Stopping: no new turns; waiting up to {} for those on their way. Again to stop at once.",
        Span(job.drain()),
    );
    interrupts.attend(stop.clone(), drain);
    let gauges: Vec<Arc<Gauges>> = (0..job.workers).map(|_| Arc::default()).collect();
    let control = if control::is_worth_it(args, &job) { control::start(&job) } else { None };
    let mut files = Files::create(&directory, &job).map_err(|error| broken(&error))?;
    files.control = control.as_ref().map(|control| control.book.clone());
    let refused = KeyRefused::default();
    let stopped = Stopped::default();
    let guard = KeyGuard::new(stop.clone(), refused.clone());
    let shown = Shown {
        onlookers: &onlookers,
        run: manifest.id.clone(),
        gauges: gauges.clone(),
        planned: job.turn_count(),
    };
    let names = Names::default();
    let counts = Arc::<WireCounts>::default();
    let timeouts = job.shared().target.timeouts;
    let prepare = || {
        let setup = HttpSetup::new(&endpoint, &timeouts, names.clone(), Arc::clone(&counts))?;
        let control = control.as_ref().map(|control| &control.endpoint);
        let control =
            control.map(|there| HttpSetup::new(there, &timeouts, Names::default(), Arc::default()));
        let control = control.transpose()?;
        Ok::<_, crate::client::HttpSetupError>(move |clock| Equipment {
            target: setup.on(clock),
            control: control.map(|setup| setup.on(clock)),
        })
    };
    let (events, received) = sync_channel(CHANNEL);
    let (origin, begun) = sync_channel(1);
    let mut watch = None;
    let (collected, end) = std::thread::scope(|scope| {
        let collecting = scope.spawn({
            let (stop, stopped, job) = (stop.clone(), stopped.clone(), &job);
            move || {
                machine::let_others_first();
                collect(&received, &begun, files, shown, (guard, stopped), job, &stop)
            }
        });
        let end = executor::run(job.clone(), stop, &gauges, &events, prepare, |clock| {
            let _ = origin.send((clock, cpu_time()));
            // A run that nobody watches is none the worse: it only knows less of itself.
            watch = Watch::start(clock, gauges.clone(), source_addresses(&endpoint)).ok();
        });
        // The collector goes on until everybody who could tell it something is gone.
        drop((events, origin));
        (collecting.join(), end)
    });
    let seen = watch.map(Watch::end).unwrap_or_default();
    let control = control.map(|control| control.book.seconds()).unwrap_or_default();
    interrupts.leave();
    drop(embedded);
    let (collected, clock) = collected.map_err(|_| broken(&ExecutorError::Died))?;
    // A run that was never begun has no figures.
    let Some((clock, cpu_before)) = clock else {
        let error = end.err().unwrap_or(ExecutorError::Died);
        let _ = std::fs::remove_dir_all(directory.path());
        return Err(broken(&error));
    };
    manifest.started_at = rfc3339(clock.wall_origin());
    let duration = clock.now().since(Offset::ZERO);
    manifest.ended_at = Some(rfc3339(clock.wall_origin() + duration));
    let last = Offset::ZERO + duration;
    let warm_at = end.as_ref().map_or(&[][..], |ended| &ended.warm_at);
    Ok(Conducted {
        seen,
        calibration,
        control,
        warm_at: warm_at.iter().map(|&at| at.min(last)).collect(),
        job,
        listed,
        directory,
        manifest,
        collected,
        cpu: cpu_time().saturating_sub(cpu_before),
        duration,
        connections: counts.read(),
        interrupted: interrupts.came(),
        key_refused: refused.is_set(),
        stopped_at: end.as_ref().ok().and_then(|ended| ended.stopped_at),
        failure: end.err(),
        stopped: stopped.by().cloned(),
    })
}

/// What is shown while the run goes, and to whom.
struct Shown<'a> {
    onlookers: &'a Onlookers,
    /// The run's id.
    run: String,
    gauges: Vec<Arc<Gauges>>,
    planned: Option<u64>,
}

/// What those who watch have to know.
fn live_facts(job: &Job, run: String, gauges: &[Arc<Gauges>], planned: Option<u64>) -> live::Facts {
    let loads = job.plans.iter().map(|plan| describe(&plan.scenario().load).1);
    let names: Vec<_> = job.plans.iter().map(|plan| plan.scenario().name.as_str()).collect();
    live::Facts {
        name: names.join(", "),
        run,
        load: loads.collect::<Vec<_>>().join("; "),
        planned,
        lasts_s: job.load_end().map(Offset::as_secs_f64),
        thresholds: job.shared().thresholds.clone(),
        layout: Arc::clone(&job.layout),
        gauges: gauges.to_vec(),
    }
}

/// The files that grow while the run goes.
struct Files {
    sinks: Vec<Box<dyn Sink>>,
    timeline: TimelineWriter<Growing>,
    histograms: Growing,
    control: Option<ControlBook>,
}

type Growing = std::io::BufWriter<std::fs::File>;

impl Files {
    fn create(directory: &RunDirectory, job: &Job) -> Result<Self, StoreError> {
        let kinds = job.kind_names();
        let head = |name| move |source| StoreError::writing(directory, name, source);
        let samples = directory.growing("samples.csv")?;
        let scenarios = job.plans.iter().flat_map(|plan| {
            std::iter::repeat_n(plan.scenario().name.as_str(), plan.kinds().len())
        });
        let kinds_of = kinds.iter().map(String::as_str).zip(scenarios);
        let samples = SampleWriter::together(samples, kinds_of).map_err(head("samples.csv"))?;
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(SampleFile(samples))];
        match job.record {
            Record::Nothing => {}
            Record::Answers => {
                let answers = directory.growing("answers.jsonl")?;
                sinks.push(Box::new(SaidFile::answers(answers, kinds)));
            }
            Record::Chunks => {
                let chunks = directory.growing("chunks.jsonl")?;
                sinks.push(Box::new(SaidFile::chunks(chunks, kinds)));
            }
        }
        let timeline = TimelineWriter::new(directory.growing("timeline.csv")?)
            .map_err(head("timeline.csv"))?;
        Ok(Self {
            sinks,
            timeline,
            histograms: directory.growing("histograms.hlog")?,
            control: None,
        })
    }
}

/// The collector's thread: waits for the origin, then takes events to the end.
fn collect(
    events: &Receiver<Event>,
    begun: &Receiver<(Clock, Duration)>,
    files: Files,
    shown: Shown<'_>,
    (key_guard, stopped): (KeyGuard, Stopped),
    job: &Job,
    stop: &Stop,
) -> (Collected, Option<(Clock, Duration)>) {
    let begun = begun.recv().ok();
    let clock = begun.map(|(clock, _)| clock);
    let Files { mut sinks, timeline, histograms, control } = files;
    let mut early = None;
    let mut watching = Watching::default();
    if let Some(clock) = clock {
        match HlogWriter::new(histograms, clock.wall_origin()) {
            Ok(histograms) => sinks.push(Box::new(SecondFiles { timeline, histograms, control })),
            Err(error) => {
                stop.cut();
                early = Some(error);
            }
        }
        let Shown { onlookers, run, gauges, planned } = shown;
        watching = onlookers.watch(live_facts(job, run, &gauges, planned), clock, None, &mut sinks);
        if let Some(style) = onlookers.lines() {
            let out: Box<dyn Write + Send> = Box::new(std::io::stderr());
            sinks.push(Box::new(Progress::new(out, style, clock, gauges, planned)));
        }
        let (scenario, stop) = (job.shared(), stop.clone());
        sinks.push(Box::new(StopGuard::new(scenario, &job.layout, stop, stopped, clock)));
    }
    sinks.push(Box::new(key_guard));
    let collector = Collector::new(job.workers, Arc::clone(&job.layout), sinks, clock);
    let mut collected = collector.run(events, || stop.cut());
    drop(watching);
    collected.failure = collected.failure.or(early);
    (collected, begun)
}
