//! Writing a request, and reading heads until the final one.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::head::{HEAD_LIMIT, Parsed, ResponseHead, parse};
use super::pool::{Connection, Pool};
use super::reply::{Held, WireReply};
use crate::client::Answered;
use crate::client::failure::TransportFailure;
use crate::sample::{Failure, Outcome};

/// How the writing of a request went.
pub(super) enum Written {
    /// The kernel has all of it.
    All,
    /// The server answered before it had all of it: these bytes are the beginning of the answer.
    Answered(Held),
}

/// Writes a whole request: one call where the kernel takes it at once.
pub(super) async fn write(
    pool: &Rc<Pool>,
    connection: &mut Connection,
    bytes: &[u8],
) -> io::Result<Written> {
    let mut done = connection.stream.try_write(bytes)?;
    if done == bytes.len() {
        return Ok(Written::All);
    }
    poll_fn(|context| poll_rest(pool, connection, bytes, &mut done, context)).await
}

fn poll_rest(
    pool: &Rc<Pool>,
    connection: &mut Connection,
    bytes: &[u8],
    done: &mut usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<Written>> {
    while *done < bytes.len() {
        match connection.stream.poll_write(context, &bytes[*done..]) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(count)) => *done += count,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return poll_early_answer(pool, connection, context),
        }
    }
    match connection.stream.poll_flush(context) {
        Poll::Ready(flushed) => Poll::Ready(flushed.map(|()| Written::All)),
        Poll::Pending => poll_early_answer(pool, connection, context),
    }
}

/// A server that refuses a long request says so without reading it to its end.
fn poll_early_answer(
    pool: &Rc<Pool>,
    connection: &mut Connection,
    context: &mut Context<'_>,
) -> Poll<io::Result<Written>> {
    let mut buffer = pool.buffers().take();
    match connection.stream.poll_read(context, &mut buffer) {
        Poll::Ready(Ok(end @ 1..)) => {
            Poll::Ready(Ok(Written::Answered(Held { buffer, next: 0, end })))
        }
        Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

/// Waits for the final response head.
pub(super) async fn answer(
    pool: &Rc<Pool>,
    mut connection: Box<Connection>,
    written: io::Result<Written>,
) -> Result<Answered<WireReply>, TransportFailure> {
    let (mut held, whole, broken) = match written {
        Ok(Written::All) => (None, true, None),
        Ok(Written::Answered(held)) => (Some(held), false, None),
        // It may have answered all the same before it closed.
        Err(error) => (None, false, Some(error)),
    };
    // Of a head that came in several reads, what came before.
    let mut earlier: Vec<u8> = Vec::new();
    let closed = |carried: u32| {
        let message = match (&broken, carried) {
            (Some(error), _) => {
                format!("the connection broke while the request was written: {error}")
            }
            (None, 0) => "the connection was closed before any response".to_owned(),
            (None, _) => {
                "the connection, which had carried earlier requests, was closed before any \
                          response; what has been sent is not sent again"
                    .to_owned()
            }
        };
        TransportFailure::new(Outcome::Failed(Failure::Closed), message)
    };
    loop {
        let Held { buffer, mut next, end } = match held.take() {
            Some(held) => held,
            None => {
                let read = poll_fn(|context| {
                    let mut buffer = pool.buffers().take();
                    match connection.stream.poll_read(context, &mut buffer) {
                        Poll::Ready(read) => Poll::Ready((read, buffer)),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await;
                match read {
                    (Ok(0), _) => return Err(closed(connection.carried)),
                    (Ok(end), buffer) => Held { buffer, next: 0, end },
                    (Err(error), _) => {
                        return Err(match broken {
                            Some(_) => closed(connection.carried),
                            None => TransportFailure::of_io(Failure::Closed, &error),
                        });
                    }
                }
            }
        };
        let stamp = connection.stream.stamp();
        let refused = |why: String| TransportFailure::new(Outcome::Failed(Failure::Protocol), why);
        loop {
            // A head in one read, as nearly all are, is taken apart where it lies.
            let before = earlier.len();
            let parsed = if before == 0 {
                parse(&buffer[next..end])
            } else {
                earlier.extend_from_slice(&buffer[next..end]);
                parse(&earlier)
            };
            match parsed.map_err(refused)? {
                Parsed::Partial => {
                    if before == 0 {
                        earlier.extend_from_slice(&buffer[next..end]);
                    }
                    break;
                }
                Parsed::Interim(length) => {
                    next += length - before;
                    earlier.clear();
                    if next == end {
                        break;
                    }
                }
                Parsed::Head(head) => {
                    let bytes: &[u8] = if before == 0 { &buffer[next..end] } else { &earlier };
                    // Kept only where it will be asked for: by whoever reads what an error says.
                    let kept = match head.status {
                        200..300 => Box::default(),
                        _ => bytes[..head.length].into(),
                    };
                    next += head.length - before;
                    let held = (next < end).then_some(Held { buffer, next, end });
                    let ResponseHead { status, framing, keep_alive, .. } = head;
                    return Ok(Answered {
                        status,
                        headers_at: stamp.at,
                        lag: stamp.lag,
                        connect: None,
                        connection: Some(connection.number),
                        reply: WireReply {
                            pool: Rc::clone(pool),
                            connection: Some(connection),
                            keep_alive: keep_alive && whole,
                            framing,
                            head: kept,
                            held,
                            at: stamp.at,
                            lag: None,
                        },
                    });
                }
            }
        }
        if earlier.len() > HEAD_LIMIT {
            return Err(refused(format!(
                "the response head is longer than {} KiB",
                HEAD_LIMIT >> 10
            )));
        }
    }
}
