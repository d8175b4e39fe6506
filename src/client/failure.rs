//! Why a transport brought no (whole) reply, told apart as far as its errors allow.

use std::error::Error;
use std::io;

use super::names::NameError;
use crate::sample::{Connect, Failure, Limit, Outcome};

/// A request without a whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportFailure {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// One sentence, without the URL, the key or reply text.
    pub message: String,
    /// The opening of a connection, where one was tried.
    pub connect: Option<Box<Connect>>,
}

impl TransportFailure {
    /// A failure with a sentence.
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), connect: None }
    }

    /// The socket failed, which means `failure` unless our own side ran out of something.
    pub(super) fn of_io(failure: Failure, error: &io::Error) -> Self {
        let failure = if local(error) { Failure::Local } else { failure };
        Self::new(Outcome::Failed(failure), root(error))
    }

    /// No TLS came about: refused by either side, or the connection broke.
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        let refused = cause::<rustls::Error>(error).is_some();
        Self::of_io(if refused { Failure::Tls } else { Failure::Connect }, error)
    }

    /// The name could not be resolved.
    pub(super) fn of_name(error: &NameError) -> Self {
        Self::new(Outcome::Failed(Failure::Dns), root(error))
    }

    /// No response head came.
    pub(super) fn before_head(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::connecting(error);
        }
        let outcome = match cause::<hyper::Error>(error) {
            Some(hyper) if hyper.is_parse() || breaks_http2(error) => Failure::Protocol,
            _ if local(error) => Failure::Local,
            _ => Failure::Closed,
        };
        let mut message = root(error);
        if breaks_http2(error) {
            message = format!("no HTTP/2 came back ({message}); `http2: false` asks over HTTP/1.1");
        }
        Self::new(Outcome::Failed(outcome), message)
    }

    fn connecting(error: &reqwest::Error) -> Self {
        let outcome = if error.is_timeout() {
            Outcome::TimedOut(Limit::Connect)
        } else if cause::<NameError>(error).is_some() {
            Outcome::Failed(Failure::Dns)
        } else if cause::<rustls::Error>(error).is_some() {
            Outcome::Failed(Failure::Tls)
        } else if local(error) {
            Outcome::Failed(Failure::Local)
        } else {
            Outcome::Failed(Failure::Connect)
        };
        let message = match outcome {
            Outcome::TimedOut(_) => "no connection within the time-out".to_owned(),
            _ => root(error),
        };
        Self::new(outcome, message)
    }

    /// The body broke off.
    pub(super) fn in_body(error: &reqwest::Error) -> Self {
        // hyper reports a chunk size that is no number as an `io::Error` of its decoder.
        let malformed = cause::<io::Error>(error).is_some_and(|io| {
            matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
        });
        let malformed = malformed || breaks_http2(error);
        let failure = if malformed { Failure::Protocol } else { Failure::Truncated };
        Self::new(Outcome::Failed(failure), root(error))
    }
}

/// Our own side ran out of something.
fn local(error: &(dyn Error + 'static)) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error())
        .any(|code| ours.iter().any(|errno| errno.raw_os_error() == code))
}

/// The error, its cause, and so on. An `io::Error` does not show what it wraps as its source (only
/// the source of that), and TLS wraps it twice.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// We found that the other side does not keep to HTTP/2.
fn breaks_http2(error: &reqwest::Error) -> bool {
    cause::<h2::Error>(error).is_some_and(|error| error.is_library() && error.reason().is_some())
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost sentence: the outer ones only say that sending failed, and name the URL.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut sentence = String::new();
    for cause in causes(error) {
        sentence = cause.to_string();
    }
    sentence
}
