//! What is told of turns that a stop, a failure or the end of the load left unsent.

use super::*;

#[test]
fn what_is_stopped_while_its_user_thinks_did_not_end_in_the_future() {
    let ran = run(
        "users: { count: 1 }
sessions: [{ name: a, messages: [one, { text: two, think: 1h }] }]
load: { once: { concurrency: 1 } }",
        &[5],
        |_, _| Script::answer(SECOND),
    );
    let stopped = &ran.samples[1];
    assert_eq!(stopped.outcome, Outcome::Dropped(Reason::Stopped));
    assert!(near(millis(stopped.timeline.ended), 5_000), "{}", stopped.timeline.ended);
}

#[test]
fn a_failure_drops_only_turns_that_would_have_been_due_in_the_load() {
    let ran = run(
        "sessions: [{ name: a, messages: [one, { text: two, think: 2s }, { text: three, think: 60s }] }]
load: { closed: { users: 1, duration: 5s } }",
        &[],
        |_, _| Script { head: SECOND, ..Script::status(500) },
    );
    let dropped = |turn| ran.samples.iter().filter(|one| one.turn == turn).count();
    assert!(dropped(2) > 0 && dropped(3) == 0, "the third was never due");
}

#[test]
fn a_session_cut_short_by_the_end_of_the_load_is_neither_complete_nor_incomplete() {
    let ran = run(
        "sessions: [{ name: a, messages: [one, { text: two, think: 10s }] }]
load: { closed: { users: 2, duration: 5s } }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    let all = ran.totals.all();
    assert_eq!((all.counts.completed, all.sessions_completed, all.sessions_incomplete), (2, 0, 0));
}

#[test]
fn after_the_cut_nothing_more_is_sent() {
    let ran = run(
        "sessions: [{ name: a, messages: [one] }]
load: { open: { rate: 10/s, duration: 1s, max_in_flight: 2 } }
drain: 1s",
        &[],
        |_, _| Script::answer(20 * SECOND),
    );
    let count = |outcome| ran.samples.iter().filter(|one| one.outcome == outcome).count();
    assert_eq!(ran.seen.len(), 2);
    assert_eq!((count(Outcome::Cancelled), count(Outcome::Dropped(Reason::Stopped))), (2, 8));
}

#[test]
fn a_server_that_asks_for_too_much_patience_is_not_waited_for() {
    let ran = run(
        "users: { count: 1 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 1 } }
limits: { retries: 3 }",
        &[],
        |_, _| Script { retry_after: Some("86400"), ..Script::status(429) },
    );
    assert_eq!(ran.samples.len(), 1);
    assert!(millis(ran.samples[0].timeline.ended) < 1_000);
}
