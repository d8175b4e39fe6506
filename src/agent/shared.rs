//! What the threads of an agent share, and what each has for itself.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use tokio::sync::watch;

use super::capacity::Gate;
use super::options::Options;
use super::sessions::Sessions;
use super::truth::{Ledger, Truth};
use super::upstream::{self, Client};
use crate::clock::{Alarm, Clock};
use crate::units::Offset;

/// What all threads of an agent share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) sessions: Sessions,
    pub(super) gate: Gate,
    /// One for each thread.
    pub(super) ledgers: Box<[Ledger]>,
    /// Requests so far.
    pub(super) requests: AtomicU64,
    /// Requests for a reply so far.
    pub(super) numbers: AtomicU64,
    /// Connections so far.
    pub(super) connections: AtomicU64,
    /// Requests that are under way.
    pub(super) open: AtomicUsize,
    /// Bytes of bodies that are being read.
    pub(super) buffered: AtomicUsize,
    /// When the first request was complete: freezes count from there.
    pub(super) first_request: watch::Sender<Option<Offset>>,
}

impl Shared {
    pub(super) fn new(options: Options, clock: Clock) -> Self {
        let ledgers =
            std::iter::repeat_with(|| Ledger::new(options.limits.truth.div_ceil(options.threads)));
        Self {
            sessions: Sessions::new(options.limits.sessions, options.threads),
            gate: Gate::new(options.capacity.clone()),
            ledgers: ledgers.take(options.threads).collect(),
            requests: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            buffered: AtomicUsize::new(0),
            first_request: watch::Sender::new(None),
            options,
            clock,
        }
    }

    /// Notes that a request is complete; the first starts the count for freezes.
    pub(super) fn request_complete(&self, at: Offset) -> u64 {
        let seq = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if seq == 1 {
            self.first_request.send_replace(Some(at));
        }
        seq
    }

    /// The number of the next request for a reply.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Two dice for the `number`-th request for a reply, the same for the same seed: one for what
    /// happens to it, one for how it is answered, so that another fault does not change the timing.
    pub(super) fn dice(&self, number: u64) -> (Xoshiro256PlusPlus, Xoshiro256PlusPlus) {
        // The odd constant keeps seed and number apart; seeding mixes well.
        let seed = self.options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
        (Xoshiro256PlusPlus::seed_from_u64(!seed), Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(super) fn truth(&self, since: u64) -> Truth {
        Truth::gather(self.ledgers.iter(), since)
    }

    pub(super) fn reset_truth(&self) {
        Truth::reset(self.ledgers.iter());
    }

    /// Wall time at an offset, since the Unix epoch.
    pub(super) fn wall(&self, at: Offset) -> Duration {
        self.clock.wall_origin() + Duration::from_nanos(at.nanos())
    }
}

/// What one thread has for itself.
pub(super) struct Worker {
    pub(super) shared: std::sync::Arc<Shared>,
    pub(super) index: usize,
    pub(super) alarm: Alarm,
    /// For the upstream server, where there is one; its connections belong to this thread.
    client: OnceCell<Option<Client>>,
    /// The second it holds for, and the `date` header of that second.
    date: RefCell<(u64, Rc<str>)>,
}

impl Worker {
    pub(super) fn new(shared: std::sync::Arc<Shared>, index: usize, alarm: Alarm) -> Self {
        let date = RefCell::new((0, "".into()));
        Self { shared, index, alarm, client: OnceCell::new(), date }
    }

    pub(super) fn now(&self) -> Offset {
        self.shared.clock.now()
    }

    pub(super) fn client(&self) -> Option<&Client> {
        self.client.get_or_init(upstream::client).as_ref()
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.shared.ledgers[self.index]
    }

    /// The value of a `date` header at `at`.
    pub(super) fn date(&self, at: Offset) -> Rc<str> {
        let second = self.shared.wall(at).as_secs();
        let mut held = self.date.borrow_mut();
        if held.0 != second {
            *held = (second, http_date(second).into());
        }
        Rc::clone(&held.1)
    }
}

/// A moment in the form HTTP's headers want, from seconds since the Unix epoch.
pub(super) fn http_date(second: u64) -> String {
    let second = i64::try_from(second).unwrap_or(0);
    jiff::Timestamp::from_second(second)
        .unwrap_or_default()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_in_http_s_form() {
        assert_eq!(super::http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
