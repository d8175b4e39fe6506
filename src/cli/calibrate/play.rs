//! Playing one schedule: the tool as it is, with everything a run does, against the agent process.

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Refused;
use super::agent_process::AgentProcess;
use crate::artifact::samples::SampleWriter;
use crate::calibration::{Cell, Errors, LatenessFigures, OurTurn, Place, Setting};
use crate::cli::signals::Interrupts;
use crate::client::{HttpSetup, HttpSetupError, Names, source_addresses, transport_of};
use crate::clock::{Clock, cpu_time};
use crate::event::Said;
use crate::executor::{self, Equipment, Gauges, Job, Record, Stop};
use crate::machine;
use crate::measure::{Goal, Layout};
use crate::plan::Plan;
use crate::protocol::Endpoint;
use crate::sample::{Phase, Sample};
use crate::scenario::{self, Connections, Imagined, Overrides};
use crate::secret::Secret;
use crate::sink::{Collector, SampleFile, Sink};
use crate::units::Offset;
use crate::vitals::{self, Watch};

/// The transport that is calibrated: the one that a run takes by default.
pub(super) fn transport() -> String {
    transport_of(&Connections::default()).to_string()
}

/// An error below this is good enough for a rate to count as kept, in milliseconds.
pub(super) const BOUND_MS: f64 = 1.0;
/// A rate is kept if so much of it was reached.
const REACHED: f64 = 0.98;
/// Turns that are kept for comparing: as many as the agent's log holds.
const KEPT: usize = 20_000;
/// Turns of which every chunk is kept.
const KEPT_WHOLE: usize = 4_000;
/// Events under way between the workers and the collector.
const CHANNEL: usize = 4096;

/// Plays it; `None` where somebody wants to stop.
pub(super) fn play(
    setting: &Setting,
    place: &Place,
    interrupts: &Interrupts,
) -> Result<Option<Cell>, Refused> {
    let broken = |error: &dyn std::fmt::Display| {
        Refused::broken(&format!("the calibration cannot go on: {error}"))
    };
    if interrupts.came() {
        return Ok(None);
    }
    let agent = AgentProcess::start(setting, place.agent_cpu).map_err(|error| broken(&error))?;
    let stop = Stop::new();
    interrupts.attend(stop.clone(), "Stopping.".into());
    let played = carry_out(setting, place, &agent, &stop);
    interrupts.leave();
    if interrupts.came() {
        return Ok(None);
    }
    let played = played.map_err(|why| broken(&why))?;
    let truth = agent.truth().map_err(|error| broken(&error))?;
    let errors = Errors::of(&played.kept.turns, &truth);
    Ok(Some(played.cell(setting, &errors)))
}

/// What came of a schedule.
struct Played {
    kept: Kept,
    lateness: Option<LatenessFigures>,
    cpu: Duration,
    /// Attempts in all, the warm-up included, and their chunks.
    attempts: u64,
    chunks: u64,
    most_open: u64,
    worker_busy: Option<f64>,
    agent_busy: Option<f64>,
}

fn carry_out(
    setting: &Setting,
    place: &Place,
    agent: &AgentProcess,
    stop: &Stop,
) -> Result<Played, String> {
    let millis = |time: Duration| format!("{}ms", time.as_millis());
    let overrides = Overrides {
        target: Some(agent.url.clone()),
        concurrency: setting.streams.map(|streams| streams.to_string()),
        rate: setting.rate.map(|rate| format!("{rate}/s")),
        duration: Some(millis(setting.play)),
        set: vec![format!("warmup={}", millis(setting.warmup)), "drain=0s".into()],
        ..Overrides::default()
    };
    let scenario = scenario::from_message("calibrate", &overrides, &Imagined::new())
        .map_err(|problems| problems.to_string())?;
    let timeouts = scenario.target.timeouts;
    let endpoint = Endpoint::new(&agent.url, &scenario.target, Some(Secret::new("calibrate")))
        .map_err(|error| error.to_string())?;
    let plan = Plan::new(scenario, 0);
    let layout = Arc::new(Layout::new(plan.kinds().len(), [], Goal::default()));
    let job = Job {
        run_id: "calibrate".into(),
        workers: place.workers,
        layout: Arc::clone(&layout),
        record: if setting.every_chunk { Record::Chunks } else { Record::Nothing },
        secrets: Vec::new(),
        errands: None,
        plans: vec![plan],
    };
    let gauges: Vec<Arc<Gauges>> = (0..job.workers).map(|_| Arc::default()).collect();
    let names = Names::default();
    let prepare = || {
        let setup = HttpSetup::new(&endpoint, &timeouts, names.clone(), Arc::default())?;
        Ok::<_, HttpSetupError>(move |clock| Equipment::of(setup.on(clock)))
    };
    let kept = Arc::new(Mutex::new(Kept::of(setting)));
    // Rows are made and thrown away: what a run does besides writing to a disk, this does as well.
    let rows = SampleWriter::new(io::sink(), &["calibrate".to_owned()], "calibrate")
        .map_err(|error| error.to_string())?;
    let sinks: Vec<Box<dyn Sink>> =
        vec![Box::new(SampleFile(rows)), Box::new(Keeper(kept.clone()))];
    let (events, received) = sync_channel(CHANNEL);
    let (origin, begun) = sync_channel::<Clock>(1);
    let before = (Clock::start(), cpu_time(), vitals::process_time(agent.pid()));
    let mut watch = None;
    let (collected, end) = std::thread::scope(|scope| {
        let workers = job.workers;
        let cutting = stop.clone();
        let collecting = scope.spawn(move || {
            machine::let_others_first();
            let clock = begun.recv().ok();
            Collector::new(workers, layout, sinks, clock).run(&received, || cutting.cut())
        });
        let end = executor::run(job.clone(), stop.clone(), &gauges, &events, prepare, |clock| {
            let _ = origin.send(clock);
            watch = Watch::start(clock, gauges.clone(), source_addresses(&endpoint)).ok();
        });
        drop((events, origin));
        (collecting.join(), end)
    });
    let (clock, cpu_before, agent_before) = before;
    let lasted = clock.now().since(Offset::ZERO).as_secs_f64();
    let agent_after = vitals::process_time(agent.pid());
    let cpu = cpu_time().saturating_sub(cpu_before);
    let seen = watch.map(Watch::end).unwrap_or_default();
    end.map_err(|error| error.to_string())?;
    let totals = collected.map_err(|_| "the collector died".to_owned())?.totals;
    let observed = seen.between(Offset::ZERO + setting.warmup, Offset::ZERO + setting.play);
    let late = &totals.tally().sent_lateness;
    let late_at = |percent| Some(late.percentile(percent)? as f64 / 1e3);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Played {
        attempts: totals.seconds().map(|(_, flow, _)| flow.completed).sum(),
        chunks: kept.all_chunks,
        kept: std::mem::take(&mut *kept),
        lateness: late_at(50.0).zip(late_at(99.0)).map(|(p50_ms, p99_ms)| LatenessFigures {
            p50_ms,
            p99_ms,
            max_ms: late.max().unwrap_or(0) as f64 / 1e3,
        }),
        cpu,
        most_open: totals.seconds().map(|(_, _, open)| open).max().unwrap_or(0),
        worker_busy: observed.busiest().map(|(_, busy)| busy.running + busy.waiting),
        agent_busy: agent_after
            .zip(agent_before)
            .map(|(after, before)| after.saturating_sub(before).as_secs_f64() / lasted),
    })
}

/// Turns that are compared later, and how many there were.
#[derive(Default)]
struct Kept {
    from: Offset,
    until: Offset,
    turns: Vec<OurTurn>,
    /// Completed between `from` and `until`, and their chunks.
    completed: u64,
    chunks: u64,
    all_chunks: u64,
    failed: u64,
    whole: bool,
}

impl Kept {
    fn of(setting: &Setting) -> Self {
        Self {
            from: Offset::ZERO + setting.warmup,
            until: Offset::ZERO + setting.play,
            whole: setting.every_chunk,
            ..Self::default()
        }
    }

    fn note(&mut self, sample: &Sample) {
        self.failed += u64::from(matches!(
            sample.outcome,
            crate::sample::Outcome::Failed(_) | crate::sample::Outcome::TimedOut(_)
        ));
        if !sample.outcome.is_completed() {
            return;
        }
        self.all_chunks += sample.chunks;
        let ended = sample.timeline.ended;
        if ended >= self.from && ended <= self.until {
            self.completed += 1;
            self.chunks += sample.chunks;
        }
    }

    /// Keeps a turn that was due after the warm-up and opened no connection; the newest, as the
    /// agent's log does.
    fn keep(&mut self, sample: &Sample, chunks: Vec<Offset>) {
        let steady = sample.phase != Phase::Warmup && sample.connect.is_none();
        let line = &sample.timeline;
        let times = line.ttfc_service().zip(line.total_service());
        if let Some((ttfc, total)) = times.filter(|_| steady && sample.outcome.is_completed()) {
            if self.turns.len() >= 2 * KEPT {
                self.turns.drain(..KEPT);
            }
            self.turns.push(OurTurn { session: (&*sample.session_id).into(), ttfc, total, chunks });
        }
    }
}

/// Keeps while the collector goes.
struct Keeper(Arc<Mutex<Kept>>);

impl Sink for Keeper {
    fn samples(&mut self, samples: &[Sample]) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for sample in samples {
            kept.note(sample);
            if !kept.whole {
                kept.keep(sample, Vec::new());
            }
        }
        Ok(())
    }

    fn said(&mut self, said: &Said) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = kept.turns.len() < KEPT_WHOLE;
        let chunks = said.pieces.iter().filter(|_| whole).map(|piece| piece.at).collect();
        kept.keep(&said.sample, chunks);
        Ok(())
    }
}

impl Played {
    fn cell(self, setting: &Setting, errors: &Errors) -> Cell {
        let measured = (setting.play - setting.warmup).as_secs_f64();
        let cpu = self.cpu.as_secs_f64() * 1e6;
        let tenth = |value: f64| (value * 10.0).round() / 10.0;
        let mut cell = Cell {
            by: match (setting.rate, setting.every_chunk) {
                (Some(_), _) => "requests",
                (None, true) => "streams",
                (None, false) => "chunks",
            }
            .into(),
            streams: setting.streams.map_or(self.most_open, u64::from),
            chunks: setting.chunks,
            offered_per_s: setting.rate.map(f64::from),
            requests_per_s: tenth(self.kept.completed as f64 / measured),
            chunks_per_s: tenth(self.kept.chunks as f64 / measured),
            compared: errors.turns() as u64,
            failed: self.kept.failed,
            ttfc: errors.ttfc(),
            gap: errors.gap(),
            total: errors.total(),
            lateness: self.lateness,
            cpu_us_per_request: tenth(cpu / self.attempts.max(1) as f64),
            cpu_us_per_chunk: tenth(cpu / self.chunks.max(1) as f64),
            worker_busy: self.worker_busy.map(|busy| (busy * 1e3).round() / 1e3),
            agent_busy: self.agent_busy.map(|busy| (busy * 1e3).round() / 1e3),
            sustained: false,
        };
        let late = cell.lateness.filter(|_| setting.rate.is_some());
        let reached = setting.rate.is_none_or(|rate| {
            // Arrivals are random: so few may well be some fewer.
            let due = f64::from(rate) * measured;
            cell.requests_per_s * measured >= REACHED * due - 3.0 * due.sqrt()
        });
        cell.sustained = cell.failed == 0
            && reached
            && cell.error_ms().is_some_and(|error| error < BOUND_MS)
            && late.is_none_or(|late| late.p99_ms < BOUND_MS);
        cell
    }
}
