//! Recorders, totals and replays agree, whatever the order and the division.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::metric::Metric;
use crate::sample::{ALL_OUTCOMES, Outcome, Part, Phase, Sample, Timeline, Tokens};
use crate::threshold::Selection;
use crate::units::Offset;

fn at(micros: u64) -> Offset {
    Offset::from_nanos(micros * 1_000)
}

fn layout() -> Arc<Layout> {
    let goal = Goal { ttfc: Some(Duration::from_millis(500)), total: None };
    Arc::new(Layout::new(2, [Selection { kind: Some(1), turn: Some(1), scenario: None }], goal))
}

/// Single-turn sessions, each with one sample; the n-th has the number n.
fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (0u64..8_000_000, 0u64..900_000, 0u64..3_000_000, 0usize..40, 0u16..2, 0u64..3);
    proptest::collection::vec(one, 1..300).prop_map(|rows| {
        let sample = |(number, (due, wait, reply, ending, kind, other)): (usize, _)| {
            let outcome = ALL_OUTCOMES.get(ending).copied().unwrap_or(Outcome::Completed);
            let sent = !matches!(outcome, Outcome::Dropped(_));
            let first = due + wait + reply / 2;
            Sample {
                session_number: number as u64,
                kind,
                session_id: format!("s{number}").into(),
                user_id: "u".into(),
                turn: 1,
                part: Part::Main,
                session_turns: 1,
                attempt: 1,
                retried: false,
                phase: if due < 1_000_000 { Phase::Warmup } else { Phase::Steady },
                timeline: Timeline {
                    intended: at(due),
                    started: sent.then(|| at(due + wait)),
                    headers: sent.then_some(at(first)),
                    first_chunk: sent.then_some(at(first)),
                    last_chunk: sent.then_some(at(due + wait + reply)),
                    first_reasoning: (other == 2).then_some(at(due + wait)),
                    ended: at(due + wait + reply),
                },
                queue: Duration::from_micros(wait / 2),
                connect: None,
                connection: None,
                client_lag: None,
                chunks: 3,
                reads: 2,
                bytes: 100,
                tool_calls: u64::from(other == 1),
                tokens: Tokens { output: (other > 0).then_some(other * 7), ..Tokens::default() },
                status: sent.then_some(200),
                outcome,
                message: (other > 0).then(|| format!("why {other}").into()),
            }
        };
        rows.into_iter().enumerate().map(sample).collect()
    })
}

fn session(sample: &Sample) -> EndedSession {
    EndedSession {
        kind: sample.kind,
        phase: sample.phase,
        due: sample.timeline.intended,
        ended: sample.timeline.ended,
        completed: sample.outcome.is_completed(),
    }
}

fn record(recorder: &mut Recorder, sample: &Sample) {
    if let Some(started) = sample.timeline.started {
        recorder.started(started);
    }
    recorder.sample(sample, &Within::new());
    recorder.session_ended(&session(sample));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn workers_merged_in_any_order_are_one_worker_and_the_file_read_again(
        samples in samples(),
        workers in 1usize..5,
        order in any::<u64>(),
    ) {
        let layout = layout();
        let mut replay = Replay::new(Arc::clone(&layout));
        samples.iter().for_each(|sample| replay.sample(sample));
        let whole = replay.finish();

        let mut intervals = Vec::new();
        for worker in 0..workers {
            let mut recorder = Recorder::new(Arc::clone(&layout));
            let mut mine: Vec<_> = samples.iter().skip(worker).step_by(workers).collect();
            mine.sort_by_key(|sample| sample.timeline.ended);
            for sample in mine {
                record(&mut recorder, sample);
            }
            while let Some(interval) = recorder.finish() {
                intervals.push(interval);
            }
        }
        let mut totals = Totals::new(Arc::clone(&layout));
        let mut other = Totals::new(layout);
        intervals.sort_by_key(|one| (one.second.wrapping_mul(order | 1), one.flow.ended));
        for (n, interval) in intervals.iter().enumerate() {
            if n % 2 == 0 { totals.add(interval) } else { other.add(interval) }
        }
        other.merge(&totals);
        prop_assert_eq!(&other, &whole);

        let counts = whole.tally().counts;
        prop_assert_eq!(counts.planned(), samples.len() as u64);
        let listed: u64 = whole.tally().errors().iter().map(|group| group.count).sum();
        prop_assert_eq!(listed, counts.unanswered());
        prop_assert_eq!(whole.all().counts.planned(), counts.planned() - counts.in_warmup);
        let last = whole.seconds().last().unwrap();
        prop_assert_eq!(last.2, 0, "all that was sent has ended");
    }

    #[test]
    fn a_recycled_second_is_as_good_as_a_new_one(first in samples(), then in samples()) {
        let layout = layout();
        let mut fresh = Interval::new(&layout, 3);
        let mut reused = Interval::new(&layout, 1);
        for sample in &first {
            reused.tally.sample(&layout, sample, &Within::new());
        }
        reused.reuse(3);
        for sample in &then {
            fresh.tally.sample(&layout, sample, &Within::new());
            reused.tally.sample(&layout, sample, &Within::new());
        }
        prop_assert_eq!(fresh, reused);
    }
}

fn completed(due: u64, ended: u64) -> Sample {
    Sample {
        session_number: 0,
        kind: 0,
        session_id: "s".into(),
        user_id: "u".into(),
        turn: 1,
        part: Part::Main,
        attempt: 1,
        retried: false,
        phase: Phase::Steady,
        timeline: Timeline {
            intended: at(due),
            started: Some(at(due)),
            headers: Some(at(due)),
            first_chunk: Some(at(ended)),
            last_chunk: Some(at(ended)),
            first_reasoning: None,
            ended: at(ended),
        },
        queue: Duration::ZERO,
        connect: None,
        connection: None,
        client_lag: None,
        chunks: 1,
        reads: 1,
        bytes: 1,
        tool_calls: 0,
        session_turns: 1,
        tokens: Tokens::default(),
        status: Some(200),
        outcome: Outcome::Completed,
        message: None,
    }
}

#[test]
fn a_second_is_handed_out_once_it_is_over_and_late_records_still_reach_it() {
    let mut recorder = Recorder::new(layout());
    recorder.started(at(1_900_000));
    record(&mut recorder, &completed(1949950, 1_950_000));
    assert!(recorder.roll(at(2_500_000)).is_none(), "something of second 1 may still come");
    record(&mut recorder, &completed(2499950, 2_500_000));
    record(&mut recorder, &completed(1998950, 1_999_000));

    let second = recorder.roll(at(3_000_000)).unwrap();
    assert_eq!((second.second, second.flow.completed), (1, 2));
    assert!(recorder.roll(at(3_000_000)).is_none());
    assert_eq!(recorder.reached(), 2);

    // Too late for second 1: not lost, but counted in the earliest that is open.
    record(&mut recorder, &completed(1999450, 1_999_500));
    let second = recorder.roll(at(9_000_000)).unwrap();
    assert_eq!((second.second, second.flow.completed), (2, 2));
}

#[test]
fn only_the_last_attempt_decides_a_turn_and_every_sent_one_shows_our_lateness() {
    let layout = layout();
    let mut tally = Tally::new(&layout);
    let mut first = completed(0, 1_000);
    first.outcome = Outcome::Failed(crate::sample::Failure::Closed);
    first.retried = true;
    tally.sample(&layout, &first, &Within::new());
    tally.sample(&layout, &completed(0, 5_000), &Within::new());
    let all = tally.series(0).unwrap();
    assert_eq!((tally.counts.planned(), tally.counts.completed), (1, 1));
    assert_eq!((tally.sent, tally.retried, tally.sent_lateness.count()), (2, 1, 2));
    assert_eq!(all.distribution(Metric::Lateness).unwrap().count(), 1);
    assert!(tally.errors().is_empty());
}

#[test]
fn gaps_count_only_with_a_completed_turn() {
    let layout = layout();
    let mut gaps = Within::new();
    gaps.chunk(at(10));
    gaps.chunk(at(30));
    let mut tally = Tally::new(&layout);
    let mut failed = completed(0, 1_000);
    failed.outcome = Outcome::Failed(crate::sample::Failure::Truncated);
    tally.sample(&layout, &failed, &gaps);
    assert!(tally.series(0).unwrap().distribution(Metric::Gap).is_none());
    tally.sample(&layout, &completed(0, 1_000), &gaps);
    assert_eq!(tally.series(0).unwrap().distribution(Metric::Gap).unwrap().max(), Some(20));
}

#[test]
fn seconds_of_several_workers_come_out_once_each_and_in_order() {
    let layout = layout();
    let mut seconds = Seconds::new();
    for (second, has_spare) in [(2, false), (1, false), (2, true), (5, false)] {
        let mut interval = Box::new(Interval::new(&layout, second));
        interval.flow.started = 1;
        assert_eq!(seconds.add(interval).is_some(), has_spare);
    }
    let taken: Vec<_> = std::iter::from_fn(|| seconds.take_before(4))
        .map(|one| (one.second, one.flow.started))
        .collect();
    assert_eq!(taken, [(1, 1), (2, 2)]);
    // A worker that was held up for seconds loses nothing.
    seconds.add(Box::new(Interval::new(&layout, 1)));
    assert_eq!(seconds.take_before(5).unwrap().second, 4);
    assert_eq!(seconds.take_before(6).unwrap().second, 5);
}

#[test]
fn time_per_token_is_told_only_where_the_tokens_lie_in_the_time() {
    let tpot = |change: fn(&mut Sample)| {
        let mut sample = completed(1_000, 9_000);
        sample.timeline.first_chunk = Some(at(3_000));
        sample.tokens.output = Some(4);
        change(&mut sample);
        values(&sample)[Metric::Tpot as usize]
    };
    assert_eq!(tpot(|_| ()), Some(2_000));
    // Reasoning that is streamed begins the time; reasoning that is hidden leaves the count.
    assert_eq!(tpot(|sample| sample.timeline.first_reasoning = Some(at(1_500))), Some(2_500));
    assert_eq!(tpot(|sample| sample.tokens.reasoning = Some(1)), Some(3_000));
    assert_eq!(tpot(|sample| sample.tokens.reasoning = Some(3)), None);
    assert_eq!(tpot(|sample| sample.tokens.output = Some(1)), None);
    assert_eq!(tpot(|sample| sample.tokens.output = None), None);
    assert_eq!(tpot(|sample| sample.tool_calls = 1), None);
}

#[test]
fn a_turn_of_setup_is_counted_apart_and_in_no_figure() {
    let layout = layout();
    let setup = Sample { part: Part::Setup, ..completed(0, 900_000) };
    let failed =
        Sample { outcome: Outcome::Failed(crate::sample::Failure::Agent), ..setup.clone() };
    let mut recorder = Recorder::new(Arc::clone(&layout));
    let mut replay = Replay::new(Arc::clone(&layout));
    for sample in [&setup, &failed] {
        recorder.sample(sample, &Within::new());
        replay.sample(sample);
    }
    let mut live = Totals::new(layout);
    while let Some(second) = recorder.finish() {
        live.add(&second);
    }
    for totals in [live, replay.finish()] {
        assert_eq!(totals.tally().counts, Counts::default());
        assert_eq!((totals.tally().aside.completed, totals.tally().aside.failed), (1, 1));
        assert_eq!(totals.all(), &Series::default());
        assert_eq!(totals.tally().errors()[0].part, Part::Setup, "why it failed is still told");
        assert_eq!(totals.tally().sent, 2);
    }
}
