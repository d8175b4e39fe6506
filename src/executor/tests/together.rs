//! Several scenarios of one run.

use super::*;

/// Turns of the two kinds, by when they were due and how they ended.
fn of_kind(ran: &Ran, kind: u16) -> Vec<(u64, Outcome)> {
    let samples = ran.samples.iter().filter(|one| one.kind == kind);
    samples.map(|one| (millis(one.timeline.intended), one.outcome)).collect()
}

#[test]
fn each_starts_at_its_time_and_ends_by_its_own_drain() {
    let ran = run(
        "sessions: [{ messages: [b] }]
drain: 1s
scenarios:
  - { name: short, sessions: [{ messages: [a] }], load: { closed: { users: 1, duration: 3s } } }
  - { name: late, start_after: 2s, load: { open: { rate: 1/s, duration: 4s } }, warmup: 1s }",
        &[],
        // The third turn of the short one is in the air when its drain is over.
        |number, asked| {
            let third = asked["message"] == "a" && number >= 2;
            Script::answer(if third { 9 * SECOND } else { SECOND })
        },
    );
    let short = of_kind(&ran, 0);
    assert_eq!(short.len(), 3);
    assert_eq!(short[2].1, Outcome::Cancelled, "its own drain is over at 4 s");
    let late = of_kind(&ran, 1);
    assert_eq!(late.len(), 4);
    for (at, (due, outcome)) in late.iter().enumerate() {
        assert!(near(*due, 2_000 + 1_000 * at as u64), "{due}");
        assert_eq!(*outcome, Outcome::Completed, "the others' end is not its own");
    }
    let phases: Vec<Phase> =
        ran.samples.iter().filter(|one| one.kind == 1).map(|one| one.phase).collect();
    assert_eq!(phases[0], Phase::Warmup, "its warm-up begins with it");
    assert!(phases[1..3].iter().all(|phase| *phase == Phase::Steady));
    let mut sessions: Vec<u64> = ran.samples.iter().map(|one| one.session_number).collect();
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), 7, "no two sessions share a number");
}

#[test]
fn a_run_that_is_stopped_stops_all_of_them_and_counts_what_was_planned_in_each() {
    let ran = run(
        "scenarios:
  - { sessions: [{ messages: [a] }], load: { closed: { users: 1, iterations: 5 } } }
  - { sessions: [{ messages: [b, c] }], start_after: 1h, load: { closed: { users: 1, iterations: 3 } } }",
        &[2],
        |_, _| Script::answer(SECOND),
    );
    let tally = ran.totals.tally();
    let (first, second) = (tally.scenario(0).counts, tally.scenario(1).counts);
    assert_eq!((first.planned(), first.completed + first.dropped), (5, 5));
    assert!(first.completed >= 2);
    assert_eq!((second.planned(), second.unopened), (6, 6), "it had not begun");
    assert_eq!(tally.counts.planned(), 11);
}
