//! Sessions: set-up and closing, answers that are named and expected, and how many there are.

use super::{Ran, SECOND, millis, near, run};
use crate::client::scripted::Script;
use crate::metric::Metric;
use crate::sample::{Failure, Outcome, Part};

/// A reply of this text, one second after the request.
fn says(text: &'static str) -> Script {
    Script { pieces: vec![(SECOND, text)], ..Script::answer(SECOND) }
}

fn messages(ran: &Ran) -> Vec<&str> {
    ran.seen.iter().map(|(_, body)| body["message"].as_str().unwrap()).collect()
}

#[test]
fn an_answer_can_be_named_in_the_next_message() {
    let ran = run(
        "sessions:
  - name: a
    messages: [one, 'You said {{ previous.text[:3] }}', three, \"{{ previous['text'] }}\"]
users: { count: 1 }",
        &[],
        |n, _| says(if n == 0 { "cod fish" } else { "eel" }),
    );
    assert_eq!(messages(&ran), ["one", "You said cod", "three", "eel"]);
}

#[test]
fn without_an_answer_before_it_a_message_that_names_it_fails() {
    let ran = run(
        "sessions:
  - name: a
    messages: [one, 'You said {{ previous.text }}', \"{{ previous.text | default('none') }}\"]
users: { count: 1 }
on_error: continue",
        &[],
        |n, _| if n == 0 { Script::status(500) } else { says("eel") },
    );
    assert_eq!(messages(&ran), ["one", "none"]);
    assert_eq!(ran.samples[1].outcome, Outcome::Failed(Failure::Local));
}

#[test]
fn setup_and_closing_are_said_and_marked_and_in_no_figure() {
    let ran = run(
        "sessions:
  - name: a
    setup: [hello]
    messages: [one, two]
    closing: [{ text: bye, think: 2s }]
users: { count: 1 }",
        &[],
        |n, _| Script::answer(if n == 0 { 10 * SECOND } else { SECOND }),
    );
    assert_eq!(messages(&ran), ["hello", "one", "two", "bye"]);
    let parts: Vec<_> = ran.samples.iter().map(|one| (one.turn, one.part.word())).collect();
    assert_eq!(parts, [(1, "setup"), (2, "main"), (3, "main"), (4, "closing")]);
    let tally = ran.totals.tally();
    assert_eq!((tally.counts.completed, tally.aside.completed, tally.sent), (2, 2, 4));
    let slowest = |metric| ran.totals.all().distribution(metric).unwrap().max().unwrap() / 1_000;
    assert!(near(slowest(Metric::Ttfc), 1_000), "the slow answer was one of set-up");
    assert!(near(slowest(Metric::SessionTotal), 2_000), "from the first main turn to the last");
}

#[test]
fn a_session_is_closed_after_a_failure_but_not_where_it_never_opened() {
    let scenario = "sessions:
  - name: a
    setup: [hello]
    messages: [one, two]
    closing: [bye]
users: { count: 1 }";
    let failing_at = |at: usize| {
        let answer = move |n, _: &_| match n == at {
            true => Script::status(500),
            false => Script::answer(SECOND),
        };
        let ran = run(scenario, &[], answer);
        ran.samples.iter().map(|one| one.outcome.error()).collect::<Vec<_>>()
    };
    assert_eq!(failing_at(0), ["status", "session_ended", "session_ended", "session_ended"]);
    assert_eq!(failing_at(1), ["", "status", "session_ended", ""]);
    assert_eq!(failing_at(3), ["", "", "", "status"]);
    // Errors beside the figures are told with their part, and do not touch the rate.
    let ran = run(scenario, &[], |n, _| match n {
        3 => Script::status(500),
        _ => Script::answer(SECOND),
    });
    assert_eq!(ran.totals.tally().counts.error_rate(), Some(0.0));
    assert_eq!(ran.totals.tally().errors()[0].part, Part::Closing);
    assert_eq!(ran.totals.all().sessions_completed, 1);
}

#[test]
fn a_session_may_go_on_after_a_failure_where_the_others_end() {
    let ran = run(
        "sessions:
  - { name: a, messages: [one, two], on_error: continue }
  - { name: b, messages: [one, two] }
users: { count: 1 }
load: { once: { concurrency: 1 } }",
        &[],
        |_, _| Script::status(500),
    );
    let errors: Vec<_> = ran.samples.iter().map(|one| one.outcome.error()).collect();
    assert_eq!(errors, ["status", "status", "status", "session_ended"]);
}

#[test]
fn an_answer_that_is_not_what_is_expected_is_a_failed_turn() {
    let ran = run(
        "expect: { max_total: 5s }
on_error: continue
sessions:
  - name: a
    expect: { matches: '^[a-z ]+$' }
    setup: [{ text: zero, expect: { contains: 'no answer has this' } }]
    messages:
      - one
      - { text: two, expect: { contains: refund } }
      - { text: three, expect: { min_chunks: 2 } }
      - four
      - five
users: { count: 1 }",
        &[],
        |n, _| match n {
            0 => says("SECRET 1"),
            2 => says("no such thing"),
            4 => says("SECRET 2"),
            5 => Script::answer(6 * SECOND),
            _ => says("a refund"),
        },
    );
    let told: Vec<_> =
        ran.samples.iter().map(|one| (one.outcome.error(), one.message.as_deref())).collect();
    let expectation = |why| ("expectation", Some(why));
    assert_eq!(
        told,
        [
            expectation("expect.contains: the answer does not contain `no answer has this`"),
            ("", None),
            expectation("expect.contains: the answer does not contain `refund`"),
            expectation("expect.min_chunks: fewer chunks than 2"),
            expectation("expect.matches: the answer has no match of `^[a-z ]+$`"),
            expectation("expect.max_total: the answer took more than 5s"),
        ]
    );
    assert_eq!(ran.totals.tally().counts.failed, 4);
    assert_eq!(ran.totals.all().distribution(Metric::Total).unwrap().count(), 1);
}

#[test]
fn each_user_opens_so_many_sessions_and_the_load_ends() {
    for (users, loops) in [(3, 2), (2, 5), (4, 4), (1, 3)] {
        let ran = run(
            &format!(
                "sessions: [{{ name: a, messages: ['{{{{ user.id }}}}'] }}]
users: {{ count: {users}, sessions_per_user: 3 }}
load: {{ closed: {{ users: {loops}, duration: 1h }} }}"
            ),
            &[],
            |_, _| Script::answer(SECOND),
        );
        for user in 0..users {
            let id = format!("user-{user}");
            let opened = ran.samples.iter().filter(|one| *one.user_id == *id).count();
            assert_eq!(opened, 3, "{id} of {users} in {loops} loops");
        }
        assert_eq!(ran.samples.len(), users * 3);
        assert!(millis(ran.samples.last().unwrap().timeline.ended) < 10_000);
    }
    let ran = run(
        "sessions: [{ name: a, messages: [x] }]
users: { count: 2, sessions_per_user: 3 }
load: { open: { rate: 10/s, duration: 1h } }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    let of = |id: &str| ran.samples.iter().filter(|one| &*one.user_id == id).count();
    assert_eq!((of("user-0"), of("user-1")), (3, 3));
}

#[test]
fn a_fixed_user_asks_in_its_own_name() {
    let ran = run(
        "sessions: [{ name: a, user_id: vip, messages: ['{{ user.id }} {{ user.index }}'] }]
users: { count: 1 }",
        &[],
        |_, _| Script::answer(SECOND),
    );
    assert_eq!(ran.seen[0].1["user_id"], "vip");
    assert_eq!(messages(&ran), ["vip 0"]);
}
