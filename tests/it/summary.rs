//! What a summary says of a run whose samples are known.
#![expect(clippy::unwrap_used, reason = "support code of tests")]

use std::sync::Arc;
use std::time::Duration;

use streamgauge::artifact::samples::{SampleReader, SampleWriter};
use streamgauge::measure::{EndedSession, Goal, Layout, Recorder, Replay, Totals, Within};
use streamgauge::metric::Metric;
use streamgauge::sample::{Failure, Limit, Outcome, Part, Phase, Reason, Sample, Timeline, Tokens};
use streamgauge::scenario::Failures;
use streamgauge::summary::{
    LoadFacts, LoadModel, Offered, RunFacts, ScenarioFacts, Summary, ValidityVerdict, summarize,
};
use streamgauge::threshold::Threshold;
use streamgauge::units::Offset;

pub(crate) const KINDS: [&str; 2] = ["refund", "questions"];

pub(crate) fn at(millis: f64) -> Offset {
    Offset::from_nanos((millis * 1e6) as u64)
}

/// A turn due at `due` ms, sent at once, that took `took` ms; its first chunk came half way.
pub(crate) fn turn(number: u64, due: f64, took: f64) -> Sample {
    Sample {
        session_number: number,
        kind: (number % 2) as u16,
        session_id: format!("run-{number}").into(),
        user_id: "user-1".into(),
        turn: 1,
        part: Part::Main,
        attempt: 1,
        retried: false,
        phase: Phase::Steady,
        timeline: Timeline {
            intended: at(due),
            started: Some(at(due)),
            headers: Some(at(due + took / 4.0)),
            first_chunk: Some(at(due + took / 2.0)),
            last_chunk: Some(at(due + took)),
            first_reasoning: None,
            ended: at(due + took),
        },
        queue: Duration::ZERO,
        connect: None,
        connection: None,
        client_lag: None,
        chunks: 4,
        reads: 4,
        bytes: 100,
        tool_calls: 0,
        session_turns: 1,
        tokens: Tokens::default(),
        status: Some(200),
        outcome: Outcome::Completed,
        message: None,
    }
}

pub(crate) fn ended(mut sample: Sample, outcome: Outcome) -> Sample {
    sample.outcome = outcome;
    sample.timeline.first_chunk = None;
    sample.timeline.last_chunk = None;
    if matches!(outcome, Outcome::Dropped(_)) {
        sample.timeline.started = None;
        sample.timeline.headers = None;
        sample.status = None;
    }
    sample
}

pub(crate) fn facts(thresholds: &[(&str, &str)]) -> RunFacts {
    let parse = |(key, expression): &(&str, &str)| Threshold::parse(key, expression, &KINDS);
    RunFacts {
        id: "2026-11-22T21-30-00Z_desk_7f3a".into(),
        name: "desk".into(),
        started_at: "2026-11-22T21:30:00Z".into(),
        duration: Duration::from_secs(12),
        seed: 0,
        version: "0.1.0".into(),
        fingerprint: "abc".into(),
        kinds: KINDS.map(String::from).to_vec(),
        load: LoadFacts {
            model: LoadModel::Open,
            description: "10/s for 10s".into(),
            warmup: Duration::ZERO,
            ended: Some(at(10_000.0)),
            offered: None,
            max_in_flight: None,
            limited: false,
        },
        thresholds: thresholds.iter().map(parse).collect::<Result<_, _>>().unwrap(),
        failures: Failures::Count(0),
        stopped: None,
        collector_lag: Duration::ZERO,
        observed: None,
        scenarios: Vec::new(),
    }
}

pub(crate) fn layout(facts: &RunFacts, goal: Goal) -> Arc<Layout> {
    let selections = facts.thresholds.iter().map(|threshold| threshold.selection);
    Arc::new(Layout::new(KINDS.len(), selections, goal))
}

/// Tells a recorder what a worker would tell it of a session of one turn.
pub(crate) fn record(recorder: &mut Recorder, sample: &Sample, gaps: &Within) {
    if let Some(started) = sample.timeline.started {
        recorder.started(started);
    }
    recorder.sample(sample, gaps);
    if !sample.retried {
        recorder.session_ended(&EndedSession {
            kind: sample.kind,
            phase: sample.phase,
            due: sample.timeline.intended,
            ended: sample.timeline.ended,
            completed: sample.outcome.is_completed(),
        });
    }
}

/// Within of a reply whose chunks were evenly spread.
pub(crate) fn gaps_of(sample: &Sample) -> Within {
    let mut gaps = Within::new();
    if let (Some(first), Some(last)) = (sample.timeline.first_chunk, sample.timeline.last_chunk) {
        let step = last.since(first) / 3;
        (0..4).for_each(|chunk| gaps.chunk(first + step * chunk));
    }
    gaps
}

pub(crate) fn live(layout: &Arc<Layout>, samples: &[Sample]) -> Totals {
    let mut recorder = Recorder::new(Arc::clone(layout));
    let mut totals = Totals::new(Arc::clone(layout));
    for sample in samples {
        while let Some(interval) = recorder.roll(sample.timeline.ended) {
            totals.add(&interval);
            recorder.recycle(interval);
        }
        record(&mut recorder, sample, &Within::new());
    }
    while let Some(interval) = recorder.finish() {
        totals.add(&interval);
    }
    totals
}

pub(crate) fn summary_of(facts: &RunFacts, samples: &[Sample]) -> Summary {
    summarize(facts, &live(&layout(facts, Goal::default()), samples))
}

/// 100 turns of 10, 20, … 1000 ms in an order without a trend, ten a second.
pub(crate) fn hundred() -> Vec<Sample> {
    (0..100).map(|n| turn(n, n as f64 * 100.0, (n * 37 % 100 + 1) as f64 * 10.0)).collect()
}

/// Everything that can happen to a turn, in 13 s.
pub(crate) fn mixed() -> Vec<Sample> {
    let mut samples = Vec::new();
    for n in 0..1_200u64 {
        let due = n as f64 * 10.0 + 0.000_4 * n as f64;
        let mut sample = turn(n, due, 3.0 + (n * 7_919 % 977) as f64 + 0.123_456);
        sample.timeline.started = Some(at(due + 0.3));
        sample.phase = if due < 2_000.0 { Phase::Warmup } else { Phase::Steady };
        let sample = match n % 50 {
            7 => ended(sample, Outcome::Failed(Failure::Status)),
            17 => ended(sample, Outcome::TimedOut(Limit::Idle)),
            27 => ended(sample, Outcome::Dropped(Reason::Overload)),
            37 => ended(sample, Outcome::Cancelled),
            47 => {
                let mut first = ended(sample.clone(), Outcome::Failed(Failure::Closed));
                first.retried = true;
                first.message = Some("reset by peer, \"early\"".into());
                samples.push(first);
                sample.attempt = 2;
                sample
            }
            _ => sample,
        };
        samples.push(sample);
    }
    samples.sort_by_key(|sample| sample.timeline.ended);
    samples
}

#[test]
fn figures_are_those_of_the_samples_in_milliseconds() {
    let summary = summary_of(&facts(&[]), &hundred());
    let total = summary.metrics.get(Metric::Total);
    assert_eq!((total.count, total.unit.as_str()), (100, "ms"));
    assert_eq!((total.min, total.max), (Some(10.0), Some(1_000.0)));
    let near = |shown: Option<f64>, exact: f64| (shown.unwrap() - exact).abs() <= exact / 1_000.0;
    assert!(near(total.percentiles.p50, 500.0) && near(total.percentiles.p95, 950.0));
    assert!(near(total.mean, 505.0) && near(total.stddev, 290.115));
    let ttfc = summary.metrics.get(Metric::Ttfc);
    assert!(near(ttfc.percentiles.p99, 495.0));
    // 100 values: a 95 % interval of the p95, none of the p99.
    let [low, high] = total.ci95.p95.unwrap();
    assert!(low < 950.0 && high > 950.0);
    assert_eq!(total.ci95.p99, None);
    assert_eq!(summary.rates.throughput_per_s, Some(10.0));
    assert_eq!(summary.rates.chunks_per_s, Some(40.0));
    assert_eq!((summary.rates.error_rate, summary.rates.goodput_per_s), (Some(0.0), None));
}

#[test]
fn slow_turns_that_come_together_leave_less_certainty() {
    let spread: Vec<_> = (0..1_000)
        .map(|n| turn(n, n as f64 * 10.0, if n % 20 == 0 { 90.0 } else { 20.0 + (n % 7) as f64 }))
        .collect();
    let together: Vec<_> = (0..1_000)
        .map(|n| turn(n, n as f64 * 10.0, if n < 50 { 90.0 } else { 20.0 + (n % 7) as f64 }))
        .collect();
    let of =
        |samples: &[Sample]| summary_of(&facts(&[]), samples).metrics.get(Metric::Total).clone();
    let (spread, together) = (of(&spread), of(&together));
    assert_eq!(spread.percentiles, together.percentiles);
    assert!(spread.ci95.p95.is_some() && spread.ci95.p50.is_some());
    assert_eq!(together.ci95.p95, None, "one bad second is one observation, not fifty");
}

#[test]
fn a_summary_from_samples_csv_is_the_live_summary() {
    let facts = facts(&[("ttfc{session=refund,turn=1}", "p(95)<1s"), ("in_flight", "max<500")]);
    let goal = Goal { ttfc: Some(Duration::from_millis(300)), total: None };
    let layout = layout(&facts, goal);
    let samples = mixed();
    let live = live(&layout, &samples);

    let mut writer = SampleWriter::new(Vec::new(), &KINDS, "desk").unwrap();
    samples.iter().for_each(|sample| writer.write(sample).unwrap());
    let file = writer.into_inner();
    let mut replay = Replay::new(Arc::clone(&layout));
    for row in SampleReader::new(file.as_slice(), KINDS).unwrap() {
        replay.sample(&row.unwrap().sample);
    }
    assert_eq!(summarize(&facts, &replay.finish()), summarize(&facts, &live));
}

#[test]
fn every_turn_is_counted_once_and_by_its_last_attempt() {
    let summary = summary_of(&facts(&[]), &mixed());
    let counts = summary.counts;
    assert_eq!(counts.planned, 1_200);
    assert_eq!(
        counts.planned,
        counts.completed + counts.failed + counts.timed_out + counts.cancelled + counts.dropped
    );
    assert_eq!(
        (counts.failed, counts.timed_out, counts.cancelled, counts.dropped),
        (24, 24, 24, 24)
    );
    assert_eq!(counts.in_warmup, 200);
    let groups: u64 = summary.groups.iter().map(|group| group.counts.planned).sum();
    assert_eq!(groups, counts.planned - counts.in_warmup);
    // After the warm-up: 20 of each kind of trouble among 1000 turns, 20 of them cancelled.
    assert_eq!(summary.rates.error_rate, Some(0.061_224));
    let listed: u64 = summary.errors.iter().map(|error| error.count).sum();
    assert_eq!(listed, counts.planned - counts.completed);
    assert!(summary.caveats.iter().any(|caveat| caveat.caveat == "retried"));
}

#[test]
fn turns_without_an_answer_count_as_infinitely_slow_beside_the_others() {
    let mut samples = hundred();
    for sample in samples.iter_mut() {
        if sample.timeline.total() <= Some(Duration::from_millis(900)) {
            continue;
        }
        *sample = ended(sample.clone(), Outcome::TimedOut(Limit::Total));
    }
    let summary = summary_of(&facts(&[]), &samples);
    let total = summary.metrics.get(Metric::Total);
    assert_eq!(total.count, 90);
    let all = total.all.unwrap();
    assert!((all.p50.unwrap() - 500.0).abs() < 1.0);
    assert_eq!((all.p95, all.p99), (None, None), "they fall among the unanswered");
    assert!(summary.metrics.get(Metric::Gap).all.is_none());
    assert!(summary.caveats.iter().any(|caveat| caveat.caveat == "unanswered_turns"));
}

#[test]
fn goodput_counts_turns_that_meet_every_slo() {
    let facts = facts(&[("goodput", "rate>4/s"), ("goodput", "count<50")]);
    let goal =
        Goal { ttfc: Some(Duration::from_millis(400)), total: Some(Duration::from_millis(500)) };
    let summary = summarize(&facts, &live(&layout(&facts, goal), &hundred()));
    assert_eq!(summary.rates.goodput_per_s, Some(5.0));
    assert_eq!((summary.thresholds[0].ok, summary.thresholds[1].ok), (true, false));
}

#[test]
fn thresholds_are_judged_on_their_own_turns_and_fail_without_data() {
    let facts = facts(&[
        ("total", "p(95)<1s"),
        ("total", "p(95)<900"),
        ("total{session=refund}", "max<=990ms"),
        ("total{session=refund,turn=1}", "count==50"),
        ("total{turn=2}", "p(95)<1s"),
        ("connect", "p(95)<1s"),
        ("goodput", "rate>1/s"),
        ("errors", "rate<1%"),
        ("errors{scenario=desk}", "rate<1%"),
        ("throughput", "rate>=10/s"),
        ("in_flight", "max<20"),
    ]);
    let summary = summary_of(&facts, &hundred());
    let seen: Vec<_> = summary.thresholds.iter().map(|one| (one.ok, one.observed)).collect();
    assert!(seen[0].0);
    assert!(!seen[1].0);
    assert_eq!(seen[2], (true, Some(990.0)));
    assert_eq!(seen[3], (true, Some(50.0)));
    for without_data in [4, 5, 6] {
        assert_eq!(seen[without_data], (false, None), "{:?}", summary.thresholds[without_data]);
    }
    assert_eq!((seen[7], seen[9]), ((true, Some(0.0)), (true, Some(10.0))));
    assert_eq!(seen[8], seen[7], "the one scenario there is");
    assert!(seen[10].0 && seen[10].1.unwrap() >= 5.0);
    assert_eq!(summary.verdict(Failures::Count(0)).thresholds_failed, 4);
}

#[test]
fn too_many_turns_without_an_answer_are_told_unless_a_threshold_on_errors_judges_them() {
    let mut samples = hundred();
    samples[3] = ended(samples[3].clone(), Outcome::Failed(Failure::Agent));
    let summary = summary_of(&facts(&[]), &samples);
    assert!(summary.verdict(Failures::Count(0)).too_many_failures);
    assert!(summary.verdict(Failures::Count(1)).is_good());
    assert!(summary.verdict(Failures::Share("1%".parse().unwrap())).is_good());
    assert!(summary.verdict(Failures::Share("0.5%".parse().unwrap())).too_many_failures);

    let judged = summary_of(&facts(&[("errors", "rate<5%")]), &samples);
    assert!(judged.verdict(Failures::Count(0)).is_good());
}

#[test]
fn a_run_is_valid_only_as_far_as_the_tool_kept_up() {
    let late = |millis: f64| {
        let mut samples = hundred();
        for sample in &mut samples {
            let started = sample.timeline.started.unwrap();
            sample.timeline.started = Some(started + Duration::from_secs_f64(millis / 1e3));
        }
        summary_of(&facts(&[]), &samples).validity
    };
    // The p50 of ttfc is 250 ms: 2.5 ms is still good, 12.5 ms is the limit.
    assert_eq!(late(2.0).verdict, ValidityVerdict::Valid);
    assert_eq!(late(4.0).verdict, ValidityVerdict::Degraded);
    let invalid = late(20.0);
    assert_eq!(invalid.verdict, ValidityVerdict::Invalid);
    assert!(invalid.reasons[0].contains("lower the load"), "{:?}", invalid.reasons);

    let mut short = facts(&[]);
    short.load.offered = Some(Offered { due: 1_000, sent: 900, held_by_target: 95 });
    assert_eq!(summary_of(&short, &hundred()).validity.verdict, ValidityVerdict::Valid);
    short.load.offered = Some(Offered { due: 1_000, sent: 900, held_by_target: 80 });
    let validity = summary_of(&short, &hundred()).validity;
    assert_eq!(validity.verdict, ValidityVerdict::Invalid);
    assert!(validity.reasons[0].contains("980 of 1000"), "{:?}", validity.reasons);
    assert!(summary_of(&short, &hundred()).verdict(Failures::Count(0)).invalid);

    // Each of several scenarios is held to its own schedule, not to the sum.
    let apart = |name: &str, due, sent| ScenarioFacts {
        name: name.into(),
        start: Offset::ZERO,
        load: LoadFacts {
            offered: Some(Offered { due, sent, held_by_target: 0 }),
            ..facts(&[]).load
        },
    };
    let mut several = facts(&[]);
    several.scenarios = vec![apart("steady", 100_000, 100_000), apart("burst", 50, 40)];
    several.load = LoadFacts::together(&several.scenarios);
    let validity = summary_of(&several, &hundred()).validity;
    assert_eq!(validity.verdict, ValidityVerdict::Invalid);
    assert!(validity.reasons[0].contains("40 of 50 sessions of `burst`"), "{:?}", validity.reasons);

    let nothing = summary_of(&facts(&[]), &[]);
    assert_eq!(nothing.validity.verdict, ValidityVerdict::Invalid);
}

fn caveats(facts: &RunFacts, samples: &[Sample]) -> Vec<String> {
    summary_of(facts, samples).caveats.into_iter().map(|one| one.caveat).collect()
}

#[test]
fn caveats_are_raised_by_what_they_are_about_and_by_nothing_else() {
    let steady: Vec<_> = (0..1_000).map(|n| turn(n, n as f64 * 10.0, 20.0)).collect();
    assert!(caveats(&facts(&[]), &steady).is_empty());
    assert_eq!(caveats(&facts(&[]), &hundred()), ["few_turns"]);

    let mut coalesced = steady.clone();
    coalesced.iter_mut().for_each(|sample| sample.reads = 2);
    assert_eq!(caveats(&facts(&[]), &coalesced), ["coalesced_chunks"]);

    let mut queued = steady.clone();
    for sample in &mut queued {
        sample.timeline.intended = sample.timeline.intended - Duration::from_millis(8);
        sample.queue = Duration::from_millis(8);
    }
    assert!(caveats(&facts(&[]), &queued).is_empty(), "only retries have waited");
    let mut limited = facts(&[]);
    limited.load.limited = true;
    assert_eq!(caveats(&limited, &queued), ["queued"]);

    let mut long = steady.clone();
    long[0].timeline.ended = at(4_000_000.0);
    assert!(caveats(&facts(&[]), &long).contains(&"overflow".to_owned()));

    let mut slow_disk = facts(&[]);
    slow_disk.collector_lag = Duration::from_secs(2);
    assert_eq!(caveats(&slow_disk, &steady), ["collector_lag"]);
}

#[test]
fn a_closed_load_whose_target_stalled_is_told_that_it_saw_little_of_it() {
    // One user, turns of 20 ms, and for four seconds nothing.
    let mut stalled: Vec<_> = (0..100).map(|n| turn(n, n as f64 * 20.0, 20.0)).collect();
    stalled.push(turn(100, 2_000.0, 4_000.0));
    stalled.extend((101..400).map(|n| turn(n, 6_000.0 + (n - 101) as f64 * 20.0, 20.0)));
    let mut closed = facts(&[]);
    closed.load.model = LoadModel::Closed;
    assert!(caveats(&closed, &stalled).contains(&"closed_load_stalled".to_owned()));
    assert!(!caveats(&facts(&[]), &stalled).contains(&"closed_load_stalled".to_owned()));

    let steady: Vec<_> = (0..400).map(|n| turn(n, n as f64 * 20.0, 20.0)).collect();
    assert!(caveats(&closed, &steady).is_empty());
    let slow: Vec<_> = (0..400).map(|n| turn(n, n as f64 * 3_000.0, 2_900.0)).collect();
    assert!(caveats(&closed, &slow).is_empty(), "a slow target is not a stalled one");
}

#[test]
fn summary_json_has_every_key_of_the_contract_and_is_read_again() {
    let summary = summary_of(&facts(&[("ttfc", "p(95)<1s")]), &mixed());
    let json = serde_json::to_string_pretty(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);

    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let has = |pointer: &str, keys: &str| {
        let object = value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        for key in keys.split(',') {
            assert!(object.get(key).is_some(), "no {key} in {pointer}");
        }
    };
    has("", "format,run,counts,rates,metrics,groups,errors,thresholds,validity,caveats");
    has("/run", "id,name,started_at,duration_s,seed,version,fingerprint");
    has("/counts", "planned,completed,failed,timed_out,cancelled,dropped,in_warmup");
    has("/rates", "throughput_per_s,chunks_per_s,goodput_per_s,error_rate");
    has(
        "/metrics",
        "ttfc,ttfc_service,total,total_service,gap,lateness,queue,headers,connect,session_total",
    );
    has("/metrics/ttfc", "unit,count,mean,stddev,min,p50,p75,p90,p95,p99,p99_9,max,ci95,all");
    has("/metrics/ttfc/ci95", "p50,p75,p90,p95,p99,p99_9");
    has("/metrics/ttfc/all", "p50,p95,p99");
    has("/metrics/connect", "unit,count,mean,p50,max,ci95,all");
    has("/groups/0", "session,metrics,counts");
    has("/errors/0", "error,status,count,example");
    has("/thresholds/0", "metric,expression,observed,ok");
    has("/validity", "verdict,reasons");
}
