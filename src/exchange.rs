//! One attempt at one turn, from handing the request over to the end of the reply. It never fails:
//! whatever happens is an outcome.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::Sleep;

use crate::client::{Answered, Connect, Read, ReplyReader, Request, Transport, TransportFailure};
use crate::clock::Clock;
use crate::protocol::{Breach, Decoder, Dialect, ErrorBody, Reply, retry_after};
use crate::sample::{Failure, Limit, Outcome};
use crate::scenario::Timeouts;
use crate::secret::Secret;
use crate::units::Offset;

/// Most that is read of the body of an error reply.
const ERROR_BODY_LIMIT: usize = 64 << 10;

/// Sends turns to one target.
#[derive(Debug)]
pub struct Exchange<T> {
    transport: T,
    dialect: Dialect,
    timeouts: Timeouts,
    clock: Clock,
    /// What may stand in no message.
    secrets: Vec<Secret>,
}

/// What one attempt came to. Chunks and their times are in the [`Reply`] beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Handed to the transport.
    pub started: Offset,
    /// The response head was read.
    pub headers: Option<Offset>,
    /// The reply ended, or the attempt was given up.
    pub ended: Offset,
    /// The opening of a connection, where one was opened for it.
    pub connect: Option<Connect>,
    /// Which connection carried it, where that is known.
    pub connection: Option<u64>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Bytes of body.
    pub bytes: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// More about a failure.
    pub message: Option<Box<str>>,
    /// Whether the turn may safely be asked again, because the agent has not taken it.
    pub again: Option<Again>,
}

/// A turn that may be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// The server asked to wait so long.
    pub after: Option<Duration>,
}

impl<T: Transport> Exchange<T> {
    /// An exchange over `transport`, whose stamps are on `clock`. `secrets` are taken out of
    /// everything that a target says of an error: some say the key they refuse.
    pub fn new(
        transport: T,
        dialect: Dialect,
        timeouts: Timeouts,
        clock: Clock,
        secrets: Vec<Secret>,
    ) -> Self {
        Self { transport, dialect, timeouts, clock, secrets }
    }

    fn redact(&self, message: String) -> String {
        self.secrets.iter().fold(message, |message, secret| secret.redact(&message))
    }

    /// As [`Transport::lets_go_late`].
    pub fn lets_go_late(&self) -> bool {
        self.transport.lets_go_late()
    }

    /// How requests are built.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends a request and reads the whole reply into `reply`, or gives up when a time-out expires
    /// or `cut` is ready.
    pub async fn attempt(
        &self,
        request: impl Into<Request>,
        reply: &mut Reply,
        cut: impl Future<Output = ()>,
    ) -> Attempt {
        let request = request.into();
        self.transport.make_ready(&request);
        let started = self.clock.now();
        let mut attempt = Attempt {
            started,
            headers: None,
            ended: started,
            connect: None,
            connection: None,
            status: None,
            bytes: 0,
            outcome: Outcome::Completed,
            message: None,
            again: None,
        };
        let mut body_ended = None;
        let end = self.run(&mut attempt, &mut body_ended, request, reply, pin!(cut)).await;
        // Whatever was decoded after the last read is not the agent's time.
        attempt.ended = body_ended.unwrap_or_else(|| self.clock.now());
        if let Err(end) = end {
            attempt.outcome = end.outcome;
            attempt.message = (!end.message.is_empty()).then(|| self.redact(end.message).into());
            attempt.connect = attempt.connect.or(end.connect);
        }
        if never_sent(attempt.outcome) {
            attempt.again = Some(Again { after: None });
        }
        attempt
    }

    async fn run(
        &self,
        attempt: &mut Attempt,
        body_ended: &mut Option<Offset>,
        request: Request,
        reply: &mut Reply,
        mut cut: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), TransportFailure> {
        let mut patience = Patience {
            timeouts: &self.timeouts,
            clock: self.clock,
            started: attempt.started,
            last: None,
        };
        let mut alarm = pin!(patience.alarm());
        let answered = tokio::select! {
            biased;
            answered = self.transport.send(request) => answered?,
            () = alarm.as_mut() => return Err(patience.expired()),
            () = cut.as_mut() => return Err(cancelled()),
        };
        attempt.headers = Some(answered.headers_at);
        if let Some(lag) = answered.lag {
            reply.lag(lag);
        }
        attempt.connect = answered.connect;
        attempt.connection = answered.connection;
        attempt.status = Some(answered.status);
        if !(200..300).contains(&answered.status) {
            return Err(self.error_reply(attempt, answered, alarm, cut).await);
        }
        let mut decoder = self.dialect.decoder();
        let mut source = answered.reply;
        loop {
            let read = tokio::select! {
                biased;
                read = source.read() => read?,
                () = alarm.as_mut() => {
                    if patience.over() {
                        return Err(patience.expired());
                    }
                    alarm.as_mut().reset(patience.until());
                    continue;
                }
                () = cut.as_mut() => return Err(cancelled()),
            };
            let mut piece = read;
            let at = loop {
                if let Some(lag) = piece.lag {
                    reply.lag(lag);
                }
                let at = piece.at;
                if piece.bytes.is_empty() {
                    *body_ended = Some(at);
                    return decoder.end(at, reply).map_err(breach);
                }
                attempt.bytes += piece.bytes.len() as u64;
                decoder.feed(piece.bytes, at, reply).map_err(breach)?;
                match source.ready() {
                    Some(next) => piece = next?,
                    None => break at,
                }
            };
            if patience.note(reply, &decoder, at) {
                alarm.as_mut().reset(patience.until());
            }
        }
    }

    /// Reads what an error reply says, within the same time-outs.
    async fn error_reply(
        &self,
        attempt: &mut Attempt,
        answered: Answered<T::Reply>,
        mut alarm: Pin<&mut Sleep>,
        mut cut: Pin<&mut impl Future<Output = ()>>,
    ) -> TransportFailure {
        let status = answered.status;
        let mut source = answered.reply;
        let mut body = Vec::new();
        loop {
            let read = tokio::select! {
                biased;
                read = source.read() => read,
                // A body that stalls or breaks off does not change what the status has said.
                () = alarm.as_mut() => break,
                () = cut.as_mut() => return cancelled(),
            };
            let Ok(Read { bytes, .. }) = read else { break };
            if bytes.is_empty() {
                break;
            }
            attempt.bytes += bytes.len() as u64;
            let room = ERROR_BODY_LIMIT - body.len();
            body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if body.len() == ERROR_BODY_LIMIT {
                break;
            }
        }
        let said = ErrorBody::read(&body);
        if matches!(status, 429 | 503) && !said.says_no_credits() {
            attempt.again = Some(Again { after: retry_after(|name| source.header(name)) });
        }
        TransportFailure::new(Outcome::Failed(Failure::Status), said.0)
    }
}

/// Nothing of the request can have reached the agent.
fn never_sent(outcome: Outcome) -> bool {
    use Failure::{Connect, Dns, Tls};
    matches!(outcome, Outcome::Failed(Dns | Connect | Tls) | Outcome::TimedOut(Limit::Connect))
}

fn cancelled() -> TransportFailure {
    TransportFailure::new(Outcome::Cancelled, "cut when the run was stopped")
}

fn breach(breach: Breach) -> TransportFailure {
    TransportFailure::new(Outcome::Failed(breach.failure), breach.message)
}

/// How long to wait for what comes next. Reads only note that something came; the timer is moved
/// when it fires, so that a read costs no timer.
struct Patience<'a> {
    timeouts: &'a Timeouts,
    clock: Clock,
    started: Offset,
    /// When the last sign of life came: a chunk, reasoning, a part of a tool call, or bytes that may
    /// prove to be one.
    last: Option<Offset>,
}

impl Patience<'_> {
    /// Something came. Whether that made the next time-out earlier than it was, so that the timer
    /// has to be moved now: only where `idle` is shorter than what is left of `first_chunk`.
    fn note(&mut self, reply: &Reply, decoder: &Decoder, at: Offset) -> bool {
        let before = self.next().0;
        self.last = if decoder.holds_back() { Some(at) } else { reply.last_sign().or(self.last) };
        self.next().0 < before
    }

    fn next(&self) -> (Offset, Limit) {
        let total = self.started + self.timeouts.total;
        let (next, limit) = match self.last {
            None => (self.started + self.timeouts.first_chunk, Limit::FirstChunk),
            Some(last) => (last + self.timeouts.idle, Limit::Idle),
        };
        if next < total { (next, limit) } else { (total, Limit::Total) }
    }

    fn over(&self) -> bool {
        self.clock.now() >= self.next().0
    }

    fn until(&self) -> tokio::time::Instant {
        self.clock.on_tokio(self.next().0)
    }

    fn alarm(&self) -> Sleep {
        tokio::time::sleep_until(self.until())
    }

    fn expired(&self) -> TransportFailure {
        let (_, limit) = self.next();
        let message = match limit {
            Limit::Connect => "no connection within the time-out",
            Limit::FirstChunk => "no chunk came within the time-out",
            Limit::Idle => "no further chunk came within the time-out",
            Limit::Total => "the reply did not end within the time-out",
        };
        TransportFailure::new(Outcome::TimedOut(limit), message)
    }
}

#[cfg(test)]
mod tests {
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
        let timeouts = Timeouts {
            connect: SECOND,
            first_chunk: 5 * SECOND,
            idle: 2 * SECOND,
            total: 9 * SECOND,
        };
        let transport = ScriptedTransport::new(clock, move |_, _| script.clone());
        let exchange = Exchange::new(transport, dialect, timeouts, clock, vec![Secret::new("k-1")]);
        let mut reply = Reply::default();
        reply.clear(true, false);
        let attempt =
            exchange.attempt(Bytes::from_static(b"{}"), &mut reply, std::future::pending()).await;
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
}
