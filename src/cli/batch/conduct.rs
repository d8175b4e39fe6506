//! One leg of a batch: the journal, the desk, workers, and the collector.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::options::Concurrency;
use super::prepare::Prepared;
use super::progress::{self, BatchProgress};
use super::{Args, Refused};
use crate::artifact::RunDirectory;
use crate::artifact::StoreError;
use crate::artifact::hlog::HlogWriter;
use crate::artifact::manifest::{Manifest, rfc3339};
use crate::artifact::samples::SampleWriter;
use crate::artifact::timeline::TimelineWriter;
use crate::batch::{
    Begin, Desk, Events, EventsWriter, Halt, Orders, Policy, Standing, View, rebuild_samples,
    shift, view_rows,
};
use crate::cli::onlookers::{Line, Watching};
use crate::cli::run::prepare::{layout, secrets};
use crate::cli::signals::Interrupts;
use crate::client::wire::{ConnectionCounts, WireCounts};
use crate::client::{HttpSetup, HttpSetupError, Names, source_addresses};
use crate::clock::{Clock, cpu_time};
use crate::executor::{self, Equipment, ExecutorError, Gauges, Job, Record, Stop};
use crate::journal::Journal;
use crate::machine;
use crate::plan::Plan;
use crate::sample::Sample;
use crate::sink::live;
use crate::sink::{Collected, Collector, SampleFile, SecondFiles, Sink};
use crate::units::{Offset, Span};
use crate::vitals::{Seen, Watch};

/// Events under way between the workers and the collector.
const CHANNEL: usize = 4096;

/// A leg that has ended.
pub(super) struct Conducted {
    pub(super) job: Job,
    pub(super) directory: RunDirectory,
    pub(super) manifest: Manifest,
    pub(super) collected: Collected,
    /// From this leg's origin to the last word of its last worker.
    pub(super) duration: Duration,
    /// From the origin of the first leg to that of this one.
    pub(super) base: Duration,
    pub(super) interrupted: bool,
    pub(super) halt: Option<Halt>,
    pub(super) standing: Standing,
    /// The limit was found out.
    pub(super) searched: bool,
    pub(super) results: PathBuf,
    /// What kept the leg from going on.
    pub(super) failure: Option<String>,
    /// What the leg saw of itself.
    pub(super) seen: Seen,
    /// Processor time of this process in the leg (the embedded agent included).
    pub(super) cpu: Duration,
    /// What became of its connections, where the transport counts them.
    pub(super) connections: ConnectionCounts,
}

/// Carries one leg out.
pub(super) fn conduct(args: &Args, prepared: Prepared) -> Result<Conducted, Refused> {
    let Prepared { directory, mut manifest, embedded, endpoint, scenario, base, .. } = prepared;
    let first = prepared.account.legs().is_empty();
    if !first {
        keep_old(&directory, prepared.account.legs().len());
    }
    manifest.started_at = match prepared.account.legs().first() {
        Some(millis) => rfc3339(Duration::from_millis(*millis)),
        None => manifest.started_at,
    };
    directory.json("run.json", &manifest).map_err(|error| Refused::broken(&error))?;
    let stop = Stop::new();
    let drain = format!(
        "Stopping: no new rows; waiting up to {} for those on their way. Again to stop at once.\n\
         The same command again goes on:\n  {}",
        Span(scenario.drain),
        super::conclude::same_command()
    );
    let interrupts = Interrupts::listen().map_err(|error| Refused::broken(&error))?;
    interrupts.attend(stop.clone(), drain);
    let journal_path = prepared.journal.path().to_owned();
    let rows = view_rows(&prepared.input, prepared.items_again);
    let view = View::begin(&journal_path, &prepared.results, prepared.shape, args.order, rows)
        .map_err(|error| Refused::broken(&error))?;
    let view = Arc::new(Mutex::new(view));
    let adding = Arc::clone(&view);
    let failed = stop.clone();
    let started = prepared.journal.start(
        args.durability,
        move |records| adding.lock().unwrap_or_else(PoisonError::into_inner).add(records),
        move || failed.cut(),
    );
    let (seat, writing) = started.map_err(|error| Refused::broken(&error))?;
    let (events, telling) = events(args, &stop)?;
    let kinds = prepared.begin.kinds.clone();
    let files = Files::create(&directory, &kinds, &scenario.name, base, &journal_path, first)?;
    let plan = Plan::new(scenario, args.target.seed);
    let layout = Arc::new(layout(std::slice::from_ref(&plan)));
    let orders = Orders {
        plan: plan.clone(),
        input: Arc::clone(&prepared.input),
        items: prepared.items,
        policy: Policy {
            max_attempts: args.max_attempts,
            max_elapsed: args.max_elapsed.0,
            max_retry_after: args.max_retry_after.0,
            effects: args.effects,
        },
        concurrency: match args.concurrency {
            Concurrency::Fixed(count) => Ok(count),
            Concurrency::Auto => Err(super::prepare::MOST),
        },
        run_id: prepared.begin.run_id.clone(),
        session_ids: args.session_ids,
        durability: args.durability,
        max_failures: args.max_failures,
        base,
        kinds,
        name: prepared.begin.name.clone(),
        goes_on: prepared.goes_on,
    };
    let desk = Arc::new(Desk::new(orders, prepared.account, seat, events, stop.clone()));
    let mut job = Job {
        run_id: prepared.begin.run_id.as_str().into(),
        workers: prepared.workers,
        layout,
        record: Record::Nothing,
        secrets: secrets(&endpoint),
        errands: Some(Arc::clone(&desk) as Arc<dyn executor::Errands>),
        plans: vec![plan],
    };
    let gauges: Vec<Arc<Gauges>> = (0..job.workers).map(|_| Arc::default()).collect();
    let names = Names::default();
    let counts = Arc::<WireCounts>::default();
    let timeouts = job.shared().target.timeouts;
    let prepare = || {
        let setup = HttpSetup::new(&endpoint, &timeouts, names.clone(), Arc::clone(&counts))?;
        Ok::<_, HttpSetupError>(move |clock| Equipment::of(setup.on(clock)))
    };
    let onlookers = prepared.onlookers;
    let facts = live_facts(&job, &prepared.begin, &gauges);
    let deadline = args.deadline.map(|span| span.0);
    let (happened, received) = sync_channel(CHANNEL);
    let (origin, begun) = sync_channel::<Clock>(1);
    let cpu_before = cpu_time();
    let mut watch = None;
    let (collected, end) = std::thread::scope(|scope| {
        let collecting = scope.spawn({
            let (stop, desk, job) = (stop.clone(), Arc::clone(&desk), &job);
            move || {
                machine::let_others_first();
                let clock = begun.recv().ok();
                let mut sinks = files.sinks(clock)?;
                let mut watching = Watching::default();
                if let Some(clock) = clock {
                    let line = line(Arc::clone(&desk), clock);
                    watching = onlookers.watch(facts, clock, Some(line), &mut sinks);
                    let style = onlookers.lines();
                    sinks.push(Box::new(BatchProgress::new(
                        desk,
                        clock,
                        style,
                        deadline,
                        stop.clone(),
                    )));
                }
                let layout = Arc::clone(&job.layout);
                let collector = Collector::new(job.workers, layout, sinks, clock);
                let collected = collector.run(&received, || stop.cut());
                drop(watching);
                Ok::<_, std::io::Error>((collected, clock))
            }
        });
        let end = executor::run(job.clone(), stop, &gauges, &happened, prepare, |clock| {
            desk.begin(clock);
            let _ = origin.send(clock);
            // A leg that nobody watches is none the worse: it only knows less of itself.
            watch = Watch::start(clock, gauges.clone(), source_addresses(&endpoint)).ok();
        });
        drop((happened, origin));
        (collecting.join(), end)
    });
    let seen = watch.map(Watch::end).unwrap_or_default();
    drop(embedded);
    desk.ended();
    let standing = desk.standing();
    let halt = desk.halted();
    // With the last one who could tell it something, the journal ends.
    job.errands = None;
    drop(desk);
    let written = writing.join().map_err(|_| Refused::broken(&ExecutorError::Died))?;
    let told = match telling.map(JoinHandle::join) {
        None | Some(Ok(Ok(()))) => None,
        Some(Ok(Err(error))) => Some(error.to_string()),
        Some(Err(_)) => Some(ExecutorError::Died.to_string()),
    };
    let shown = view.lock().unwrap_or_else(PoisonError::into_inner).end();
    let (collected, clock) = collected
        .map_err(|_| Refused::broken(&ExecutorError::Died))?
        .map_err(|error| Refused::broken(&error))?;
    let failure = written
        .err()
        .map(|error| error.to_string())
        .or_else(|| end.as_ref().err().map(ToString::to_string))
        .or_else(|| shown.err().map(|error| format!("the results cannot be written: {error}")))
        .or_else(|| told.map(|why| format!("the events cannot be written: {why}")))
        .or_else(|| {
            let failure = collected.failure.as_ref()?;
            Some(format!("the files of the run cannot be written: {failure}"))
        });
    let Some(clock) = clock else {
        return Err(Refused::broken(&failure.unwrap_or_else(|| ExecutorError::Died.to_string())));
    };
    let duration = clock.now().since(Offset::ZERO);
    manifest.ended_at = Some(rfc3339(clock.wall_origin() + duration));
    if first {
        manifest.started_at = rfc3339(clock.wall_origin());
    }
    Ok(Conducted {
        job,
        directory,
        manifest,
        collected,
        duration,
        base,
        interrupted: interrupts.came(),
        halt,
        standing,
        searched: args.concurrency == Concurrency::Auto,
        results: prepared.results,
        failure,
        seen,
        cpu: cpu_time().saturating_sub(cpu_before),
        connections: counts.read(),
    })
}

/// Where events go, and who writes them.
fn events(args: &Args, stop: &Stop) -> Result<(Events, Option<EventsWriter>), Refused> {
    let Some(path) = &args.events else { return Ok((Events::nowhere(), None)) };
    let stop = stop.clone();
    match Events::to(path, move || stop.cut()) {
        Ok((events, writer)) => Ok((events, Some(writer))),
        Err(error) => Err(Refused::broken(&format!(
            "the events cannot be written to {}: {error}",
            path.display()
        ))),
    }
}

/// What those who watch have to know.
fn live_facts(job: &Job, begin: &Begin, gauges: &[Arc<Gauges>]) -> live::Facts {
    live::Facts {
        name: begin.name.clone(),
        run: begin.run_id.clone(),
        load: format!("{} rows, each once", begin.items),
        planned: None,
        lasts_s: None,
        thresholds: job.shared().thresholds.clone(),
        layout: Arc::clone(&job.layout),
        gauges: gauges.to_vec(),
    }
}

/// How the desk stands, for the live view.
fn line(desk: Arc<Desk>, clock: Clock) -> Line {
    Box::new(move || {
        let standing = desk.standing();
        let done = standing.finished() as f64 / standing.items.max(1) as f64;
        (progress::text(&standing, clock.now()), Some(done))
    })
}

/// Second-by-second files are of one leg; those of the legs before keep their number.
fn keep_old(directory: &RunDirectory, leg: usize) {
    for (name, kept) in [
        ("timeline.csv", format!("timeline.leg{leg}.csv")),
        ("histograms.hlog", format!("histograms.leg{leg}.hlog")),
    ] {
        // A leg that ended before its first second may have left none.
        let _ = std::fs::rename(directory.path().join(name), directory.path().join(kept));
    }
}

type Growing = BufWriter<std::fs::File>;

/// The files that grow while the leg goes.
struct Files {
    samples: Shifted,
    timeline: TimelineWriter<Growing>,
    histograms: Growing,
}

/// `samples.csv`, with offsets from the first leg's origin.
struct Shifted {
    file: SampleFile<Growing>,
    base: Duration,
    moved: Vec<Sample>,
}

impl Sink for Shifted {
    fn samples(&mut self, samples: &[Sample]) -> std::io::Result<()> {
        if self.base.is_zero() {
            return self.file.samples(samples);
        }
        self.moved.clear();
        self.moved.extend_from_slice(samples);
        for sample in &mut self.moved {
            shift(sample, self.base);
        }
        self.file.samples(&self.moved)
    }

    fn second(&mut self, second: &crate::measure::Interval) -> std::io::Result<()> {
        self.file.second(second)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.file.end()
    }
}

impl Files {
    /// On a later leg, what the journal knows comes first: the file itself may have lost its end.
    fn create(
        directory: &RunDirectory,
        kinds: &[String],
        name: &str,
        base: Duration,
        journal: &std::path::Path,
        first: bool,
    ) -> Result<Self, Refused> {
        let broken = |error: &dyn std::fmt::Display| Refused::broken(error);
        let head = |file| move |source| broken(&StoreError::writing(directory, file, source));
        let samples = if first {
            let file = directory.growing("samples.csv").map_err(|error| broken(&error))?;
            SampleWriter::new(file, kinds, name).map_err(head("samples.csv"))?
        } else {
            let written = rebuilt_samples(directory, journal)?;
            let path = directory.path().join("samples.csv");
            let file = OpenOptions::new().append(true).open(path).map_err(head("samples.csv"))?;
            SampleWriter::resume(BufWriter::with_capacity(1 << 16, file), kinds, name, written)
        };
        let timeline = directory.growing("timeline.csv").map_err(|error| broken(&error))?;
        let timeline = TimelineWriter::new(timeline).map_err(head("timeline.csv"))?;
        let histograms = directory.growing("histograms.hlog").map_err(|error| broken(&error))?;
        let samples = Shifted { file: SampleFile(samples), base, moved: Vec::new() };
        Ok(Self { samples, timeline, histograms })
    }

    fn sinks(self, clock: Option<Clock>) -> std::io::Result<Vec<Box<dyn Sink>>> {
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(self.samples)];
        if let Some(clock) = clock {
            let histograms = HlogWriter::new(self.histograms, clock.wall_origin())?;
            sinks.push(Box::new(SecondFiles {
                timeline: self.timeline,
                histograms,
                control: None,
            }));
        }
        Ok(sinks)
    }
}

/// Makes `samples.csv` of the journal; how many rows it has.
fn rebuilt_samples(directory: &RunDirectory, journal: &std::path::Path) -> Result<u64, Refused> {
    let mut count = 0;
    directory
        .whole("samples.csv", |mut out| {
            count = rebuild_samples(journal, &mut out).map_err(std::io::Error::other)?;
            Ok(())
        })
        .map_err(|error| Refused::broken(&error))?;
    Ok(count)
}

/// Reads a journal's account without taking it up.
pub(super) fn look(path: &std::path::Path) -> Result<crate::batch::Account, Refused> {
    let mut account = crate::batch::Account::default();
    Journal::look(&path.join(super::place::JOURNAL), |_, payload| {
        account.add(crate::batch::Record::read(payload)?)
    })
    .map_err(|error| Refused::usage(&error))?;
    Ok(account)
}
