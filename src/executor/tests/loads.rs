//! Loads that change over time, and loads as they once were.

use super::*;

fn dues(ran: &Ran) -> Vec<u64> {
    let mut dues: Vec<u64> = ran.samples.iter().map(|one| millis(one.timeline.intended)).collect();
    dues.sort_unstable();
    dues
}

#[test]
fn users_come_and_go_at_their_times_and_what_is_on_its_way_is_waited_for() {
    // Up to 4 users in 4 s, and down again in 4 s: they come at 0.5, 1.5, 2.5 and 3.5 s and go at
    // 4.5, 5.5, 6.5 and 7.5 s. A session takes 10 s, so each asks once.
    let ran = run(
        "sessions: [{ name: a, messages: [one, two] }]
load: { closed: { stages: [{ for: 4s, to: 4 }, { for: 4s, to: 0 }] } }",
        &[],
        |_, _| Script::answer(10 * SECOND),
    );
    for (due, expected) in dues(&ran).into_iter().zip([500, 1_500, 2_500, 3_500]) {
        assert!(near(due, expected), "{:?}", dues(&ran));
    }
    assert_eq!(ran.samples.len(), 4, "a second turn would be due after its user has gone");
    assert!(ran.samples.iter().all(|one| one.outcome == Outcome::Completed));
    let users: Vec<&str> = ran.samples.iter().map(|one| &*one.user_id).collect();
    assert_eq!(users, ["user-0", "user-1", "user-2", "user-3"]);
}

#[test]
fn a_user_who_comes_again_goes_on_asking() {
    let ran = run(
        "sessions: [{ name: a, messages: [one] }]
load:
  closed:
    stages: [{ for: 0s, to: 1 }, { for: 2s, to: 1 }, { for: 0s, to: 0 }, { for: 3s, to: 0 },
             { for: 0s, to: 1 }, { for: 2s, to: 1 }]",
        &[],
        |_, _| Script::answer(SECOND),
    );
    let expected = [0, 1_000, 5_000, 6_000];
    assert_eq!(ran.samples.len(), expected.len(), "{:?}", dues(&ran));
    assert!(dues(&ran).into_iter().zip(expected).all(|(due, at)| near(due, at)));
}

#[test]
fn a_rate_that_rises_lets_sessions_arrive_closer_and_closer() {
    let ran = run(
        "sessions: [{ name: a, messages: [one] }]
load: { open: { stages: [{ for: 10s, to: 2/s }] } }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    // The area under the line is t²/10.
    let expected: Vec<u64> = (0..10).map(|n| ((f64::from(n) * 10.0).sqrt() * 1e3) as u64).collect();
    assert_eq!(dues(&ran), expected);
}

const TRACE: &str = "{\"timestamp\": 7000}\n{\"timestamp\": 7000}\n{\"timestamp\": 11000}\n\
                     {\"timestamp\": 9000}\n";

const REPLAY: &str = "sessions: [{ name: a, messages: [one, two] }]
load: { replay: { from: trace.jsonl, speed: 2 } }";

#[test]
fn a_replay_is_due_when_the_trace_was_and_asks_every_turn() {
    let world = Imagined::new().with_file("trace.jsonl", TRACE);
    let ran = run_in(&world, REPLAY, &[], |_, _| Script::answer(SECOND));
    let first: Vec<u64> = ran
        .samples
        .iter()
        .filter(|one| one.turn == 1)
        .map(|one| millis(one.timeline.intended))
        .collect();
    assert_eq!(first, [0, 0, 1_000, 2_000]);
    assert_eq!(ran.totals.tally().counts.completed, 8, "the last session's second turn as well");
}

#[test]
fn a_replay_that_is_stopped_tells_what_it_did_not_ask() {
    let world = Imagined::new().with_file("trace.jsonl", TRACE);
    let ran = run_in(&world, REPLAY, &[1], |_, _| Script::answer(3 * SECOND));
    let counts = &ran.totals.tally().counts;
    // At 1 s the third is due as well; whether it is sent is a matter of who wakes first.
    assert!((2..=3).contains(&counts.completed), "{counts:?}");
    assert_eq!(counts.planned(), 8);
}

#[test]
fn a_warm_up_of_turns_is_over_when_so_many_have_ended() {
    let ran = run(
        "users: { count: 8 }
sessions: [{ name: a, messages: [one] }]
load: { once: { concurrency: 2 } }
warmup: { turns: 3 }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    // Two by two: the third ends at 2 s, when the fourth was under way.
    let warm = ran.samples.iter().filter(|one| one.phase == Phase::Warmup).count();
    assert!((3..=4).contains(&warm), "{warm}");
    assert_eq!(ran.totals.all().counts.completed as usize, 8 - warm);
}
