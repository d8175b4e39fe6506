//! Connections between two requests, and the rules of using them again.
//! `docs/decisions/wire.md` says why they are as they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::buffers::Buffers;
use super::counts::WireCounts;
use super::dial::Dialer;
use super::openings::Openings;
use super::stream::Stream;
use crate::client::failure::TransportFailure;
use crate::client::{Connect, tls};
use crate::clock::Clock;
use crate::scenario::Keep;
use crate::units::Offset;

/// One that has been idle so long is not used again: whatever stands between may have forgotten it.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// The kernel is asked whether a connection has ended where it has been idle so long; before that the
/// reply that ended on it has just said that it goes on.
const DOUBTED_AFTER: Duration = Duration::from_millis(1);

/// A connection with an identity.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Stream,
    /// From 1, in the order they were opened by the run's workers together.
    pub(super) number: u64,
    /// Requests it has carried before this one.
    pub(super) carried: u32,
    user: Option<Arc<str>>,
    idle_since: Offset,
}

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Pool {
    keep: Keep,
    dialer: Dialer,
    clock: Clock,
    counts: Arc<WireCounts>,
    buffers: Buffers,
    openings: Openings,
    /// Idle ones; the one used last is used first.
    #[expect(clippy::vec_box, reason = "boxes go out and come back as they are")]
    shared: RefCell<Vec<Box<Connection>>>,
    users: RefCell<HashMap<Arc<str>, User>>,
}

/// What a user has to itself.
#[derive(Debug, Default)]
struct User {
    #[expect(clippy::vec_box, reason = "as above")]
    idle: Vec<Box<Connection>>,
    /// A new user resumes nobody's TLS session.
    tls: Option<Arc<ClientConfig>>,
}

impl Pool {
    pub(super) fn new(keep: Keep, dialer: Dialer, clock: Clock, counts: Arc<WireCounts>) -> Self {
        Self {
            keep,
            dialer,
            clock,
            counts,
            buffers: Buffers::default(),
            openings: Openings::default(),
            shared: RefCell::default(),
            users: RefCell::default(),
        }
    }

    /// An idle connection that may be used for `user`, if there is one.
    pub(super) fn take(&self, user: Option<&Arc<str>>) -> Option<Box<Connection>> {
        loop {
            let mut connection = match self.keep {
                Keep::PerRequest => return None,
                Keep::Shared => self.shared.borrow_mut().pop()?,
                Keep::PerUser => self.users.borrow_mut().get_mut(user?)?.idle.pop()?,
            };
            let idle = self.clock.now().since(connection.idle_since);
            if idle < DOUBTED_AFTER || (idle < IDLE_LIMIT && !connection.stream.is_stale()) {
                connection.carried = connection.carried.saturating_add(1);
                return Some(connection);
            }
            // Nothing of a request has gone over it, so nothing is asked twice.
            self.counts.replaced_idle();
        }
    }

    /// When a request of `user` may be sent: later than `now` where it has to open a connection and
    /// others are opened before it. With a connection for every request, opening them is the load.
    pub(super) fn ready_at(&self, user: Option<&Arc<str>>, now: Offset) -> Offset {
        let finds_one = match (self.keep, user) {
            (Keep::PerRequest, _) => true,
            (Keep::Shared, _) => !self.shared.borrow().is_empty(),
            (Keep::PerUser, None) => false,
            (Keep::PerUser, Some(user)) => {
                self.users.borrow().get(user).is_some_and(|user| !user.idle.is_empty())
            }
        };
        if finds_one { now } else { self.openings.reserve(now) }
    }

    /// Opens a connection for `user`.
    pub(super) async fn open(
        &self,
        user: Option<&Arc<str>>,
    ) -> Result<(Box<Connection>, Connect), TransportFailure> {
        let tls = self.tls_of(user);
        let (stream, took) = self.dialer.dial(self.clock, tls.as_ref()).await?;
        let connection = Box::new(Connection {
            stream,
            number: self.counts.opened(),
            carried: 0,
            user: user.filter(|_| self.keep == Keep::PerUser).cloned(),
            idle_since: self.clock.now(),
        });
        Ok((connection, took))
    }

    /// What is negotiated for a user that shares with nobody.
    fn tls_of(&self, user: Option<&Arc<str>>) -> Option<Arc<ClientConfig>> {
        let (config, _) = self.dialer.tls.as_ref().filter(|_| self.keep == Keep::PerUser)?;
        let Some(user) = user else { return Some(Arc::new(tls::afresh(config))) };
        let mut users = self.users.borrow_mut();
        let known = users.entry(Arc::clone(user)).or_default();
        let own = known.tls.get_or_insert_with(|| Arc::new(tls::afresh(config)));
        Some(Arc::clone(own))
    }

    /// Takes back a connection whose last response has been read to its end.
    /// `at`: when that was.
    pub(super) fn give_back(&self, mut connection: Box<Connection>, at: Offset) {
        connection.idle_since = at;
        match (self.keep, connection.user.clone()) {
            (Keep::PerRequest, _) | (Keep::PerUser, None) => {}
            (Keep::Shared, _) => self.shared.borrow_mut().push(connection),
            (Keep::PerUser, Some(user)) => {
                self.users.borrow_mut().entry(user).or_default().idle.push(connection);
            }
        }
    }

    /// Where reads put what they bring.
    pub(super) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Notes that a used connection turned out to have ended before any byte was taken from us.
    pub(super) fn replaced_unsent(&self) {
        self.counts.replaced_unsent();
    }
}
