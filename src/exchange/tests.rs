//! Attempts over a scripted transport, on a clock that the test turns.

use super::*;
use bytes::Bytes;

use crate::client::scripted::{Script, ScriptedTransport};
use crate::scenario::Framing;

const SECOND: Duration = Duration::from_secs(1);

async fn attempt(script: Script) -> (Attempt, Reply) {
    attempt_in(Dialect::LyzrV2(Framing::Auto), script).await
}

async fn attempt_in(dialect: Dialect, script: Script) -> (Attempt, Reply) {
    let clock = Clock::following_tokio();
    let timeouts =
        Timeouts { connect: SECOND, first_chunk: 5 * SECOND, idle: 2 * SECOND, total: 9 * SECOND };
    let transport = ScriptedTransport::new(clock, move |_, _| script.clone());
    let exchange = Exchange::new(transport, dialect, timeouts, clock, vec![Secret::new("k-1")]);
    let mut reply = Reply::default();
    reply.clear(true, false);
    let attempt = tokio::select! {
        attempt = exchange.attempt(Bytes::from_static(b"{}"), &mut reply, || false) => attempt,
        () = exchange.vigil().keep() => unreachable!("it goes on for ever"),
    };
    (attempt, reply)
}

fn at(seconds: u32) -> Offset {
    Offset::ZERO + seconds * SECOND
}

fn pieces(waits: &[(u32, &'static str)]) -> Script {
    let pieces = waits.iter().map(|&(wait, text)| (wait * SECOND, text)).collect();
    Script { head: SECOND, pieces, ..Script::answer(SECOND) }
}

#[tokio::test(start_paused = true)]
async fn a_whole_reply_has_every_time_point() {
    let (attempt, reply) = attempt(pieces(&[(1, "a"), (1, "b"), (1, "c")])).await;
    assert_eq!(attempt.outcome, Outcome::Completed);
    assert_eq!((attempt.headers, attempt.ended), (Some(at(1)), at(4)));
    assert_eq!((reply.first_chunk(), reply.last_chunk()), (Some(at(2)), Some(at(4))));
    assert_eq!((reply.chunks(), reply.reads(), attempt.bytes), (3, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn each_time_out_is_told_apart() {
    for (script, limit, ended) in [
        (Script { head: 60 * SECOND, ..pieces(&[]) }, Limit::FirstChunk, 5),
        (pieces(&[(60, "a")]), Limit::FirstChunk, 5),
        (pieces(&[(1, "a"), (60, "b")]), Limit::Idle, 4),
        (
            pieces(&[
                (1, "a"),
                (1, "b"),
                (1, "c"),
                (1, "d"),
                (1, "e"),
                (1, "f"),
                (1, "g"),
                (1, "h"),
                (1, "i"),
            ]),
            Limit::Total,
            9,
        ),
    ] {
        let (attempt, _) = attempt(script).await;
        assert_eq!(attempt.outcome, Outcome::TimedOut(limit));
        // Tokio's timer may round up by a millisecond.
        assert_eq!(attempt.ended.since(Offset::ZERO).as_secs(), ended, "{limit:?}");
        assert_eq!(attempt.again, None, "what has been sent is never sent again silently");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_thinks_out_loud_is_not_given_up() {
    let thought = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n";
    let call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n";
    let done = "data: [DONE]\n\n";
    // The first chunk would be due at 5 s, and a further sign of life every 2 s.
    let script = pieces(&[(4, thought), (1, thought), (1, call), (1, done)]);
    let (answered, reply) = attempt_in(Dialect::OpenAi, script).await;
    assert_eq!((answered.outcome, reply.chunks()), (Outcome::Completed, 0));
    assert_eq!(reply.first_reasoning(), Some(at(5)));
    let script = pieces(&[(1, thought), (3, thought)]);
    let (silent, _) = attempt_in(Dialect::OpenAi, script).await;
    assert_eq!(silent.outcome, Outcome::TimedOut(Limit::Idle));
}

#[tokio::test(start_paused = true)]
async fn an_error_status_says_why_and_whether_it_may_be_asked_again() {
    let (failed, _) = attempt(Script::status(500)).await;
    assert_eq!(failed.outcome, Outcome::Failed(Failure::Status));
    assert_eq!((failed.status, failed.message.as_deref()), (Some(500), Some("no")));
    assert_eq!(failed.again, None);
    let (limited, _) = attempt(Script { retry_after: Some("7"), ..Script::status(429) }).await;
    assert_eq!(limited.again, Some(Again { after: Some(7 * SECOND) }));
    let broke = vec![(Duration::ZERO, "{\"detail\": \"Insufficient credits\"}")];
    let (broke, _) = attempt(Script { pieces: broke, ..Script::status(429) }).await;
    assert_eq!(broke.again, None, "waiting brings no credits");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stalls_is_still_that_error_and_says_no_secret() {
    let pieces = vec![(Duration::ZERO, "{\"detail\": \"no"), (60 * SECOND, " more\"}")];
    let (stalled, _) = attempt(Script { pieces, ..Script::status(429) }).await;
    assert_eq!(stalled.outcome, Outcome::Failed(Failure::Status));
    assert_eq!(stalled.again, Some(Again { after: None }));
    let pieces = vec![(Duration::ZERO, "{\"detail\": \"bad key k-1\"}")];
    let (refused, _) = attempt(Script { pieces, ..Script::status(403) }).await;
    assert_eq!(refused.message.as_deref(), Some("bad key ***"));
}

#[tokio::test(start_paused = true)]
async fn a_cut_reply_keeps_what_came_before() {
    let cut = TransportFailure::new(Outcome::Failed(Failure::Truncated), "cut");
    let script = Script { cut: Some(cut), ..pieces(&[(1, "a"), (1, "b")]) };
    let (attempt, reply) = attempt(script).await;
    assert_eq!(attempt.outcome, Outcome::Failed(Failure::Truncated));
    assert_eq!((reply.text(), reply.chunks()), ("ab", 2));
}
