//! The executor on virtual time with a scripted agent: minutes pass in a millisecond, and every
//! figure is exact (but for tokio's timer, which may round up by a millisecond).

mod loads;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};

use super::worker::{Shared, Worker};
use super::{Gauges, Job, Record, Stop};
use crate::client::TransportFailure;
use crate::client::scripted::{Script, ScriptedTransport, Seen};
use crate::clock::{Alarm, Clock};
use crate::event::Event;
use crate::exchange::Exchange;
use crate::measure::{Goal, Layout, Totals};
use crate::plan::Plan;
use crate::protocol::Dialect;
use crate::sample::{Failure, Outcome, Phase, Reason, Sample};
use crate::scenario::{self, Framing, Imagined, Overrides};
use crate::units::Offset;

mod sessions;

/// How runs and sessions end.
mod endings;
mod together;

struct Ran {
    samples: Vec<Sample>,
    totals: Totals,
    seen: Vec<Seen>,
}

const SECOND: Duration = Duration::from_secs(1);

/// Runs `scenario` on one worker; `answer` says what becomes of the n-th request. `stop_at` are the
/// seconds at which it is stopped, once and twice.
fn run(
    scenario: &str,
    stop_at: &[u64],
    answer: impl Fn(usize, &serde_json::Value) -> Script + 'static,
) -> Ran {
    run_in(&Imagined::new(), scenario, stop_at, answer)
}

fn run_in(
    world: &Imagined,
    scenario: &str,
    stop_at: &[u64],
    answer: impl Fn(usize, &serde_json::Value) -> Script + 'static,
) -> Ran {
    let text = format!("target: {{ url: 'http://127.0.0.1:1' , agent_id: a }}\n{scenario}");
    let scenarios =
        scenario::read("test.yaml", &text, Path::new(""), &Overrides::default(), world).unwrap();
    let plans = Plan::together(scenarios, 0);
    let kinds = plans.iter().map(|plan| (plan.kinds().len(), Goal::default()));
    let layout = Arc::new(Layout::together(kinds, []));
    let job = Job {
        plans,
        run_id: "run".into(),
        workers: 1,
        layout: Arc::clone(&layout),
        record: Record::Nothing,
        secrets: Vec::new(),
        errands: None,
    };
    let mut builder = Builder::new_current_thread();
    let runtime =
        builder.enable_all().start_paused(true).build_local(LocalOptions::default()).unwrap();
    let (events, received) = sync_channel(1 << 20);
    let stop_at = stop_at.to_vec();
    let seen = runtime.block_on(async move {
        let clock = Clock::following_tokio();
        let stop = Stop::new();
        let stopping = stop.clone();
        tokio::task::spawn_local(async move {
            for (already, at) in stop_at.into_iter().enumerate() {
                tokio::time::sleep_until(clock.on_tokio(Offset::ZERO + at as u32 * SECOND)).await;
                if already == 0 { stopping.drain() } else { stopping.cut() }
            }
        });
        let timeouts = job.shared().target.timeouts;
        let shared = Arc::new(Shared::new(job, stop, clock));
        for strand in &shared.strands {
            let (shared, strand) = (Arc::clone(&shared), Arc::clone(strand));
            tokio::task::spawn_local(super::run::cut_in_time(shared, strand, clock));
        }
        let transport = ScriptedTransport::new(clock, answer);
        let seen = Rc::clone(&transport.seen);
        let exchange =
            Exchange::new(transport, Dialect::LyzrV2(Framing::Auto), timeouts, clock, Vec::new());
        let alarm = Alarm::new(clock, Duration::ZERO).unwrap();
        Worker::new(0, shared, exchange, alarm, Arc::new(Gauges::default()), events)
            .run(None)
            .await;
        seen.take()
    });
    // With it go the tasks that still hold a sender.
    drop(runtime);
    let mut samples = Vec::new();
    let mut totals = Totals::new(layout);
    let mut ended = false;
    for event in received {
        match event {
            Event::Samples { samples: batch, .. } => samples.extend(batch),
            Event::Second(second) => totals.add(&second),
            Event::Ended { .. } => ended = true,
            Event::Said(_) | Event::Control(_) | Event::Reached { .. } => {}
        }
    }
    assert!(ended, "the worker says when it has told everything");
    Ran { samples, totals, seen }
}

fn millis(at: Offset) -> u64 {
    at.nanos() / 1_000_000
}

/// Equal but for what tokio's timer may round up, a few times over.
fn near(found: u64, expected: u64) -> bool {
    (expected..=expected + 10).contains(&found)
}

#[test]
fn once_asks_everything_once_and_keeps_to_its_concurrency() {
    let ran = run(
        "users: { count: 6 }
sessions: [{ name: a, messages: [one, two] }]
load: { once: { concurrency: 2 } }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    assert_eq!(ran.samples.len(), 12);
    assert!(ran.samples.iter().all(|one| one.outcome == Outcome::Completed));
    // Six sessions of two seconds, two at a time.
    assert!(near(millis(ran.samples[11].timeline.ended), 6_000));
    let mut sessions: Vec<_> =
        ran.samples.iter().map(|one| (one.session_number, one.turn)).collect();
    sessions.sort_unstable();
    let expected: Vec<_> = (0..6).flat_map(|session| [(session, 1), (session, 2)]).collect();
    assert_eq!(sessions, expected);
    assert_eq!(ran.totals.tally().counts.completed, 12);
    assert_eq!(ran.totals.all().sessions_completed, 6);
}

#[test]
fn a_slow_session_does_not_hold_up_those_behind_it() {
    let ran = run(
        "users: { count: 20 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 2 } }",
        &[],
        |n, _| Script::answer(if n == 0 { 25 * SECOND } else { SECOND }),
    );
    assert!(near(millis(ran.samples[18].timeline.ended), 19_000));
    assert!(near(millis(ran.samples[19].timeline.ended), 25_000));
}

#[test]
fn in_a_session_a_turn_is_due_when_the_reply_before_it_has_ended_and_been_thought_about() {
    let ran = run(
        "sessions:
  - name: a
    messages: [one, { text: two, think: 3s }]
users: { count: 1 }
load: { once: { concurrency: 1 } }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    let second = &ran.samples[1].timeline;
    assert!(near(millis(second.intended), 4_000));
    assert!(second.ttfc().unwrap() >= SECOND && second.ttfc().unwrap() < SECOND + SECOND / 50);
    let ids: Vec<_> = ran.seen.iter().map(|(_, body)| body["session_id"].clone()).collect();
    assert_eq!(ids, ["run-0", "run-0"]);
}

#[test]
fn open_arrivals_keep_their_due_times_and_a_stall_shows_in_the_response_time() {
    // Ten a second for ten seconds; replies take 50 ms, but from 3 s to 5 s nothing is answered.
    let ran = run(
        "sessions: [{ name: a, messages: [hello] }]
load: { open: { rate: 10/s, duration: 10s, max_in_flight: 2 } }",
        &[],
        |n, _| Script::answer(Duration::from_millis(if n == 30 || n == 31 { 2_000 } else { 50 })),
    );
    assert_eq!(ran.samples.len(), 100);
    let mut due: Vec<_> = ran.samples.iter().map(|one| millis(one.timeline.intended)).collect();
    due.sort_unstable();
    assert_eq!(due, (0..100).map(|n| n * 100).collect::<Vec<_>>(), "as planned, stall or not");
    let waited: Vec<_> = ran.samples.iter().filter(|one| one.queue > SECOND).collect();
    assert!(waited.len() >= 8, "the wait for a slot counts: {}", waited.len());
    for one in waited {
        let response = one.timeline.total().unwrap();
        let service = one.timeline.total_service().unwrap();
        assert!(response > SECOND && service < SECOND / 10);
        assert!(one.timeline.lateness(one.queue).unwrap() < SECOND / 100, "it is not our own");
    }
}

#[test]
fn an_overloaded_open_load_drops_only_where_it_was_told_to() {
    let ran = run(
        "sessions: [{ name: a, messages: [one, two] }]
load: { open: { rate: 1/s, duration: 4s, max_in_flight: 1, on_overload: drop } }",
        &[],
        |_, _| Script::answer(SECOND + SECOND / 2),
    );
    // Sessions at 0, 1, 2 and 3 s; the slot is held to 3 s by the first one's two turns.
    let dropped: Vec<_> = ran
        .samples
        .iter()
        .filter(|one| one.outcome == Outcome::Dropped(Reason::Overload))
        .map(|one| one.session_number)
        .collect();
    assert_eq!(dropped, [1, 2]);
    let rest = Outcome::Dropped(Reason::SessionEnded);
    assert_eq!(ran.samples.iter().filter(|one| one.outcome == rest).count(), 2);
}

#[test]
fn at_the_end_of_the_time_what_is_due_is_served_and_what_is_not_is_not_planned() {
    let ran = run(
        "sessions: [{ name: a, messages: [one, { text: two, think: 5s }] }]
load: { closed: { users: 3, duration: 4s } }
drain: 30s",
        &[],
        |_, _| Script::answer(3 * SECOND),
    );
    // The second turns would be due at 8 s: they are not issued, and not counted.
    assert_eq!(ran.samples.len(), 3);
    assert!(ran.samples.iter().all(|one| one.outcome == Outcome::Completed));
    assert_eq!(ran.totals.tally().counts.planned(), 3);
}

#[test]
fn what_outlasts_the_drain_is_cut_and_counted() {
    let ran = run(
        "sessions: [{ name: a, messages: [one] }]
load: { closed: { users: 1, duration: 4s } }
drain: 2s",
        &[],
        |n, _| Script::answer(if n == 1 { 20 * SECOND } else { 3 * SECOND }),
    );
    assert_eq!(ran.samples.len(), 2);
    let cut = &ran.samples[1];
    assert_eq!((cut.outcome, cut.phase), (Outcome::Cancelled, Phase::Drain));
    assert!(near(millis(cut.timeline.ended), 6_000), "{}", cut.timeline.ended);
}

#[test]
fn a_stop_drains_what_is_on_its_way_and_tells_what_was_never_sent() {
    let ran = run(
        "users: { count: 10 }
sessions: [{ name: a, messages: [one, two] }]
load: { once: { concurrency: 2 } }",
        &[3],
        |_, _| Script::answer(2 * SECOND),
    );
    let counts = &ran.totals.tally().counts;
    // At 3 s the second turns of two sessions are on their way; they end at 4 s.
    assert_eq!((counts.completed, counts.dropped, counts.planned()), (4, 16, 20));
    assert_eq!((counts.unopened, ran.samples.len()), (16, 4), "no rows for what was not begun");
    assert_eq!(ran.seen.len(), 4);
}

#[test]
fn a_second_stop_cuts() {
    let ran = run(
        "users: { count: 2 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 1 } }",
        &[1, 2],
        |_, _| Script::answer(20 * SECOND),
    );
    let outcomes: Vec<_> = ran.samples.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Cancelled]);
    assert_eq!(ran.totals.tally().counts.unopened, 1);
    assert!(near(millis(ran.samples[0].timeline.ended), 2_000));
}

#[test]
fn a_failed_turn_ends_its_session_or_not_as_told() {
    let scenario = |on_error: &str| {
        format!(
            "users: {{ count: 1 }}
sessions: [{{ name: a, messages: [one, two, three] }}]
load: {{ once: {{ concurrency: 1 }} }}
on_error: {on_error}"
        )
    };
    let fails_first = |n: usize, _: &serde_json::Value| {
        if n == 0 { Script::status(500) } else { Script::answer(SECOND) }
    };
    let ended = run(&scenario("end_session"), &[], fails_first);
    let outcomes: Vec<_> = ended.samples.iter().map(|one| one.outcome.error()).collect();
    assert_eq!(outcomes, ["status", "session_ended", "session_ended"]);
    let went_on = run(&scenario("continue"), &[], fails_first);
    let outcomes: Vec<_> = went_on.samples.iter().map(|one| one.outcome.error()).collect();
    assert_eq!(outcomes, ["status", "", ""]);
    assert_eq!(went_on.totals.all().sessions_completed, 0);
}

#[test]
fn only_what_is_safe_to_repeat_is_repeated_and_every_attempt_is_a_sample() {
    let refused = TransportFailure::new(Outcome::Failed(Failure::Connect), "refused");
    let ran = run(
        "users: { count: 1 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 1 } }
limits: { retries: 3 }",
        &[],
        move |n, _| match n {
            0 => Script { refuse: Some(refused.clone()), ..Script::answer(SECOND) },
            1 => Script { retry_after: Some("7"), ..Script::status(503) },
            _ => Script::answer(SECOND),
        },
    );
    let attempts: Vec<_> =
        ran.samples.iter().map(|one| (one.attempt, one.retried, one.outcome.error())).collect();
    assert_eq!(attempts, [(1, true, "connect"), (2, true, "status"), (3, false, "")]);
    let last = &ran.samples[2];
    assert!(last.queue >= 7 * SECOND, "the server's word is obeyed");
    assert!(last.timeline.lateness(last.queue).unwrap() < SECOND / 50, "and is not our lateness");
    assert!(
        last.timeline.ttfc().unwrap() > 8 * SECOND,
        "response time counts from the first due time"
    );
    assert_eq!(ran.totals.tally().counts.planned(), 1, "one turn, by its last attempt");

    let ran = run(
        "users: { count: 1 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 1 } }
limits: { retries: 3 }",
        &[],
        |_, _| Script::status(500),
    );
    assert_eq!(ran.samples.len(), 1, "a 500 may have been billed: it is not asked again");
}

#[test]
fn a_request_limit_spaces_requests_and_the_wait_is_queue() {
    let ran = run(
        "users: { count: 5 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 5 } }
limits: { requests: 30/m }",
        &[],
        |_, _| Script::answer(SECOND / 10),
    );
    let sent: Vec<_> = ran.seen.iter().map(|(at, _)| millis(*at)).collect();
    for (n, at) in sent.iter().enumerate() {
        assert!(near(*at, n as u64 * 2_000), "{sent:?}");
    }
    let queued = ran.samples.iter().map(|one| one.queue.as_secs()).max();
    assert_eq!(queued, Some(8));
}

#[test]
fn turns_due_in_the_warm_up_are_kept_and_left_out_of_the_figures() {
    let ran = run(
        "sessions: [{ name: a, messages: [one] }]
load: { open: { rate: 1/s, duration: 10s } }
warmup: 3s",
        &[],
        |_, _| Script::answer(SECOND / 2),
    );
    let warm = ran.samples.iter().filter(|one| one.phase == Phase::Warmup).count();
    assert_eq!((ran.samples.len(), warm), (10, 3));
    assert_eq!(ran.totals.tally().counts.planned(), 10);
    assert_eq!(ran.totals.tally().counts.in_warmup, 3);
    assert_eq!(ran.totals.all().counts.completed, 7);
}
