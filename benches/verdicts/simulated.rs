//! Runs of an agent whose times are drawn: recorded, written, read and summarised by the same code
//! as real ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution as _, StandardNormal};
use serde_json::json;
use streamgauge::artifact::RunDirectory;
use streamgauge::artifact::samples::SampleWriter;
use streamgauge::measure::{EndedSession, Goal, Layout, Recorder, Totals, Within};
use streamgauge::sample::{Failure, Outcome, Part, Phase, Sample, Timeline, Tokens};
use streamgauge::scenario::Failures;
use streamgauge::summary::{LoadFacts, LoadModel, RunFacts, Summary, summarize};
use streamgauge::units::Offset;

/// Sessions open at so many a second.
const RATE: f64 = 4.0;
const MEDIAN_S: f64 = 0.4;

/// What makes times differ, as standard deviations on the log scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// Turns in a run.
    pub(crate) turns: usize,
    /// From turn to turn.
    pub(crate) turn: f64,
    /// From session to session, which have 1 to 3 turns.
    pub(crate) session: f64,
    /// From one time to another, alike over about five seconds.
    pub(crate) time: f64,
    /// From run to run.
    pub(crate) run: f64,
    /// How much slower the agent is.
    pub(crate) factor: f64,
    /// Share of turns that fail.
    pub(crate) errors: f64,
}

impl Model {
    /// Turns that have nothing to do with one another.
    pub(crate) fn independent(turns: usize) -> Self {
        let alone = (0.35f64.powi(2) + 0.15f64.powi(2) + 0.1f64.powi(2)).sqrt();
        let none =
            Self { turn: alone, session: 0.0, time: 0.0, run: 0.0, ..Self::correlated(turns) };
        Self { turns, ..none }
    }

    /// Turns that are alike within a session and within some seconds: the same spread in all.
    pub(crate) fn correlated(turns: usize) -> Self {
        Self { turns, turn: 0.35, session: 0.15, time: 0.1, run: 0.0, factor: 1.0, errors: 0.005 }
    }

    /// The same, with an effect from run to run.
    pub(crate) fn noisy(self, run: f64) -> Self {
        Self { run, ..self }
    }

    /// The same agent, slower.
    pub(crate) fn slower(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// The true percentile of the time to first chunk in ms, `z` normal deviations off the middle.
    pub(crate) fn truth_ms(&self, z: f64) -> f64 {
        let spread = (self.turn.powi(2) + self.session.powi(2) + self.time.powi(2)).sqrt();
        MEDIAN_S * 1e3 * self.factor * (z * spread).exp()
    }

    fn samples(&self, seed: u64) -> Vec<Sample> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut normal = {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x9e37_79b9);
            move || -> f64 { StandardNormal.sample(&mut random) }
        };
        let of_run = self.run * normal() + self.factor.ln();
        let mut mood = normal();
        let (mut due, mut samples, mut session) = (0.0f64, Vec::new(), 0u64);
        while samples.len() < self.turns {
            let step = -(1.0 - random.random::<f64>()).ln() / RATE;
            due += step;
            // An Ornstein–Uhlenbeck process with a memory of five seconds.
            let memory = (-step / 5.0f64).exp();
            mood = memory * mood + (1.0 - memory * memory).sqrt() * normal();
            let of_session = self.session * normal();
            let turns = 1 + (random.random::<f64>() * 3.0) as u32;
            let mut at = due;
            for turn in 1..=turns {
                let log = of_run + of_session + self.time * mood + self.turn * normal();
                let first = MEDIAN_S * log.exp();
                let rest = 0.6 * (of_run + 0.5 * of_session + 0.15 * normal()).exp();
                let failed = random.random::<f64>() < self.errors;
                samples.push(sample(session, turn, turns, at, first, rest, failed));
                at += first + rest + 0.5;
            }
            session += 1;
        }
        samples.sort_by_key(|sample| sample.timeline.ended);
        samples
    }
}

fn sample(
    session: u64,
    turn: u32,
    turns: u32,
    due: f64,
    first: f64,
    rest: f64,
    failed: bool,
) -> Sample {
    let at = |seconds: f64| Offset::from_nanos((seconds * 1e9) as u64);
    Sample {
        session_number: session,
        kind: (session % 2) as u16,
        session_id: format!("simulated-{session}").into(),
        user_id: "user-0".into(),
        turn,
        part: Part::Main,
        session_turns: turns,
        attempt: 1,
        retried: false,
        phase: Phase::Steady,
        timeline: Timeline {
            intended: at(due),
            started: Some(at(due + 0.000_05)),
            headers: Some(at(due + first * 0.5)),
            first_chunk: (!failed).then(|| at(due + first)),
            last_chunk: (!failed).then(|| at(due + first + rest)),
            first_reasoning: None,
            ended: at(due + first + rest),
        },
        queue: Duration::ZERO,
        connect: None,
        connection: None,
        client_lag: None,
        chunks: 20,
        reads: 20,
        bytes: 400,
        tool_calls: 0,
        tokens: Tokens::default(),
        status: Some(200),
        outcome: if failed { Outcome::Failed(Failure::Agent) } else { Outcome::Completed },
        message: None,
    }
}

const KINDS: [&str; 2] = ["even", "odd"];

/// A run of `model` in a directory of its own below `parent`; `number` is its place in time.
pub(crate) fn run(parent: &Path, model: &Model, number: usize, seed: u64) -> PathBuf {
    let samples = model.samples(seed);
    let layout = Arc::new(Layout::new(KINDS.len(), [], Goal::default()));
    let id = format!("{number:05}_simulated");
    let started_at =
        format!("2026-01-01T{:02}:{:02}:{:02}.000Z", number / 3600, number / 60 % 60, number % 60);
    let directory = RunDirectory::create(parent, &id).expect("a folder");
    let file = directory.growing("samples.csv").expect("a file");
    let mut writer = SampleWriter::new(file, &KINDS, "simulated").expect("a header");
    samples.iter().for_each(|one| writer.write(one).expect("a row"));
    writer.flush().expect("rows");
    let facts = facts(&id, &started_at, seed, samples.last().expect("turns").timeline.ended);
    let summary = summarize(&facts, &recorded(&layout, &samples));
    write(&directory, &facts, &summary);
    directory.path().to_owned()
}

/// The summary alone, as it was at the end of the run.
pub(crate) fn summary(model: &Model, seed: u64) -> Summary {
    let samples = model.samples(seed);
    let layout = Arc::new(Layout::new(KINDS.len(), [], Goal::default()));
    let end = samples.last().expect("turns").timeline.ended;
    summarize(&facts("x", "2026-01-01T00:00:00Z", seed, end), &recorded(&layout, &samples))
}

/// What a worker's recorder makes of them.
fn recorded(layout: &Arc<Layout>, samples: &[Sample]) -> Totals {
    let mut recorder = Recorder::new(Arc::clone(layout));
    let mut totals = Totals::new(Arc::clone(layout));
    for sample in samples {
        while let Some(interval) = recorder.roll(sample.timeline.ended) {
            totals.add(&interval);
            recorder.recycle(interval);
        }
        if let Some(started) = sample.timeline.started {
            recorder.started(started);
        }
        recorder.sample(sample, &Within::new());
        if sample.turn == sample.session_turns {
            recorder.session_ended(&EndedSession {
                kind: sample.kind,
                phase: sample.phase,
                due: sample.timeline.intended,
                ended: sample.timeline.ended,
                completed: sample.outcome.is_completed(),
            });
        }
    }
    while let Some(interval) = recorder.finish() {
        totals.add(&interval);
    }
    totals
}

fn facts(id: &str, started_at: &str, seed: u64, end: Offset) -> RunFacts {
    RunFacts {
        id: id.into(),
        name: "simulated".into(),
        started_at: started_at.into(),
        duration: end.since(Offset::ZERO),
        seed,
        version: env!("CARGO_PKG_VERSION").into(),
        fingerprint: "simulated".into(),
        kinds: KINDS.map(String::from).to_vec(),
        load: LoadFacts {
            model: LoadModel::Open,
            description: "4/s poisson".into(),
            warmup: Duration::ZERO,
            ended: Some(end),
            offered: None,
            max_in_flight: None,
            limited: false,
        },
        thresholds: Vec::new(),
        failures: Failures::Count(0),
        stopped: None,
        collector_lag: Duration::ZERO,
        observed: None,
        scenarios: Vec::new(),
    }
}

fn write(directory: &RunDirectory, facts: &RunFacts, summary: &Summary) {
    let manifest = json!({
        "format": 1, "version": facts.version, "id": facts.id, "name": facts.name,
        "state": "finished", "seed": facts.seed, "fingerprint": facts.fingerprint,
        "scenario": {
            "name": facts.name, "sessions": KINDS.map(|name| json!({ "name": name })),
            "load": { "open": { "rate": "4/s" } }, "warmup": "0s", "target": { "url": "embedded" },
        },
        "target": {
            "url": "embedded", "embedded": true, "protocol": "lyzr-v2", "agent_id": "simulated",
            "with_key": false,
        },
        "transport": "none", "workers": 1, "started_at": facts.started_at,
        "machine": { "os": "none", "arch": "none", "cpu": null, "cpus": 1, "memory_mib": null },
    });
    // Thousands of directories: written as they are, without waiting for the disk.
    let put = |name: &str, text: Vec<u8>| {
        std::fs::write(directory.path().join(name), text).expect("a file");
    };
    put("run.json", serde_json::to_vec(&manifest).expect("JSON"));
    put("summary.json", serde_json::to_vec(summary).expect("JSON"));
}
