//! One attempt at one turn, from handing the request over to the end of the reply. It never fails:
//! whatever happens is an outcome.

mod patience;
mod vigil;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::client::{Answered, Connect, Read, ReplyReader, Request, Transport, TransportFailure};
use crate::clock::Clock;
use crate::protocol::{Breach, Dialect, ErrorBody, Reply, retry_after};
use crate::sample::{Failure, Limit, Outcome};
use crate::scenario::Timeouts;
use crate::secret::Secret;
use crate::units::Offset;
use patience::Patience;
use vigil::{Look, Waiting};

pub use vigil::Vigil;

/// Most that is read of the body of an error reply.
const ERROR_BODY_LIMIT: usize = 64 << 10;

/// Sends turns to one target.
#[derive(Debug)]
pub struct Exchange<T> {
    transport: T,
    dialect: Dialect,
    timeouts: Timeouts,
    clock: Clock,
    vigil: Vigil,
    /// What may stand in no message.
    secrets: Vec<Secret>,
}

/// What one attempt came to. Chunks and their times are in the [`Reply`] beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Handed to the transport.
    pub started: Offset,
    /// How long it was held before that, so that connections are not opened all at once.
    pub held: Duration,
    /// The response head was read.
    pub headers: Option<Offset>,
    /// The reply ended, or the attempt was given up.
    pub ended: Offset,
    /// The opening of a connection, where one was opened for it.
    pub connect: Option<Box<Connect>>,
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
        let shortest = timeouts.first_chunk.min(timeouts.idle).min(timeouts.total);
        let vigil = Vigil::new(clock, shortest);
        Self { transport, dialect, timeouts, clock, vigil, secrets }
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

    /// Keeps the time-outs of the attempts; see [`Vigil::keep`].
    pub fn vigil(&self) -> Vigil {
        self.vigil.clone()
    }

    /// Sends a request and reads the whole reply into `reply`, or gives up when a time-out expires
    /// or `is_cut` says so. That is asked when the attempt first waits, and whenever the vigil looks
    /// up.
    pub async fn attempt(
        &self,
        request: impl Into<Request>,
        reply: &mut Reply,
        is_cut: impl Fn() -> bool,
    ) -> Attempt {
        let request = request.into();
        self.transport.make_ready(&request);
        let mut started = self.clock.now();
        let ready_at = self.transport.ready_at(&request, started);
        let mut held = Duration::ZERO;
        if ready_at > started {
            tokio::time::sleep_until(self.clock.on_tokio(ready_at)).await;
            held = self.clock.now().since(started);
            started = started + held;
        }
        let mut attempt = Attempt {
            started,
            held,
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
        let end = self.run(&mut attempt, &mut body_ended, request, reply, is_cut).await;
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
        is_cut: impl Fn() -> bool,
    ) -> Result<(), TransportFailure> {
        let mut patience =
            Patience { timeouts: &self.timeouts, started: attempt.started, last: None };
        let waiting = self.vigil.wait_until(patience.next().0);
        let mut answered = {
            let sent = pin!(self.transport.send(request));
            self.within(sent, &waiting, &patience, &is_cut).await??
        };
        attempt.headers = Some(answered.headers_at);
        if let Some(lag) = answered.lag {
            reply.lag(lag);
        }
        attempt.connect = answered.connect.take();
        attempt.connection = answered.connection;
        attempt.status = Some(answered.status);
        if !(200..300).contains(&answered.status) {
            let said = self.error_reply(attempt, answered, &waiting, &patience, &is_cut);
            return Err(Box::pin(said).await);
        }
        let mut decoder = self.dialect.decoder();
        let mut source = answered.reply;
        loop {
            let mut piece = {
                let read = pin!(source.read());
                self.within(read, &waiting, &patience, &is_cut).await??
            };
            // All that one read brought, before anything is waited for again.
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
            patience.note(reply, &decoder, at);
            waiting.until(patience.next().0);
        }
    }

    /// Waits for `what` as long as patience lasts and nobody cuts. It is lent: a future that is handed
    /// over is held twice, and every open stream holds this one.
    async fn within<F: Future>(
        &self,
        mut what: Pin<&mut F>,
        waiting: &Waiting<'_>,
        patience: &Patience<'_>,
        is_cut: &impl Fn() -> bool,
    ) -> Result<F::Output, TransportFailure> {
        poll_fn(|context| {
            // What has come counts, also where it came at the last moment.
            if let Poll::Ready(output) = what.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            let look = waiting.note(context);
            if look != Look::No && is_cut() {
                return Poll::Ready(Err(cancelled()));
            }
            if look == Look::ForAll && self.clock.now() >= patience.next().0 {
                return Poll::Ready(Err(patience.expired()));
            }
            Poll::Pending
        })
        .await
    }

    /// Reads what an error reply says, within the same time-outs.
    async fn error_reply(
        &self,
        attempt: &mut Attempt,
        answered: Answered<T::Reply>,
        waiting: &Waiting<'_>,
        patience: &Patience<'_>,
        is_cut: &impl Fn() -> bool,
    ) -> TransportFailure {
        let status = answered.status;
        let mut source = answered.reply;
        let mut body = Vec::new();
        loop {
            let read = pin!(source.read());
            let read = match self.within(read, waiting, patience, is_cut).await {
                Ok(read) => read,
                Err(end) if end.outcome == Outcome::Cancelled => return end,
                // A body that stalls or breaks off does not change what the status has said.
                Err(_) => break,
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

#[cfg(test)]
mod tests;
