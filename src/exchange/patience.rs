//! How long to wait for what comes next.

use crate::client::TransportFailure;
use crate::protocol::{Decoder, Reply};
use crate::sample::{Limit, Outcome};
use crate::scenario::Timeouts;
use crate::units::Offset;

/// The time-outs of one attempt, as far as it has come.
pub(super) struct Patience<'a> {
    pub(super) timeouts: &'a Timeouts,
    pub(super) started: Offset,
    /// When the last sign of life came: a chunk, reasoning, a part of a tool call, or bytes that may
    /// prove to be one.
    pub(super) last: Option<Offset>,
}

impl Patience<'_> {
    /// Something came, in the read stamped `at`.
    pub(super) fn note(&mut self, reply: &Reply, decoder: &Decoder, at: Offset) {
        self.last = if decoder.holds_back() { Some(at) } else { reply.last_sign().or(self.last) };
    }

    /// When what comes next is no longer waited for, and what was waited for then.
    pub(super) fn next(&self) -> (Offset, Limit) {
        let total = self.started + self.timeouts.total;
        let (next, limit) = match self.last {
            None => (self.started + self.timeouts.first_chunk, Limit::FirstChunk),
            Some(last) => (last + self.timeouts.idle, Limit::Idle),
        };
        if next < total { (next, limit) } else { (total, Limit::Total) }
    }

    pub(super) fn expired(&self) -> TransportFailure {
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
