//! What a scenario says for itself: all but the target and what a run holds as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::checker::Fields;
use super::super::fields::{OWN, names};
use super::super::loads::{Load, Warmup};
use super::super::model::{Feeder, OnError, Scenario, Slo, Users};
use super::super::overrides::DEFAULT_CONCURRENCY;
use super::Reading;
use super::sessions::ReadSession;
use crate::expect::Expectations;
use crate::units::Span;

/// The fields it says it with.
pub(super) const OWN_FIELDS: [&str; OWN.len()] = names(OWN);

/// A scenario's own part, as far as it could be read.
pub(super) struct ReadOwn<'n> {
    /// Names of its sessions, where those could be read.
    pub(super) kinds: Option<Vec<String>>,
    /// All of it, where all could be read.
    pub(super) own: Option<Own<'n>>,
}

pub(super) struct Own<'n> {
    pub(super) users: Users,
    pub(super) sessions: Vec<ReadSession<'n>>,
    pub(super) data: BTreeMap<String, Feeder>,
    env: BTreeMap<String, String>,
    load: Load,
    warmup: Warmup,
    drain: Duration,
    on_error: OnError,
    expect: Expectations,
    slo: Slo,
}

impl Reading<'_> {
    /// Reads what is there; that `sessions` is missing is told by whoever knows where it could be.
    pub(super) fn own<'n>(&mut self, fields: Fields<'n>) -> ReadOwn<'n> {
        let load = match fields.get("load") {
            Some(node) => self.load(node),
            None => Some(Load::Once { concurrency: DEFAULT_CONCURRENCY }),
        };
        let users = self.users(fields.get("users"), load.as_ref());
        let data = match fields.get("data") {
            Some(node) => self.data(node),
            None => Some(BTreeMap::new()),
        };
        let env = match fields.get("env") {
            Some(node) => self.env(node),
            None => Some(BTreeMap::new()),
        };
        let expect = match fields.get("expect") {
            Some(node) => self.expect(node, "expect"),
            None => Some(Expectations::default()),
        };
        let sessions = fields.get("sessions").and_then(|node| self.sessions(node));
        let warmup = match fields.get("warmup") {
            Some(node) => self.warmup(node, load.as_ref()),
            None => Some(Warmup::default()),
        };
        let drain = match fields.get("drain") {
            Some(node) => self.checker.parsed::<Span>(node, "drain").map(|span| span.0),
            None => Some(Duration::from_secs(30)),
        };
        let on_error = match fields.get("on_error") {
            Some(node) => self.checker.choice(node, "on_error"),
            None => Some(OnError::default()),
        };
        let slo = match fields.get("slo") {
            Some(node) => self.slo(node),
            None => Some(Slo::default()),
        };
        if let (Some(users), Some(data), Some(env), Some(sessions)) =
            (&users, &data, &env, &sessions)
        {
            self.check_messages(sessions, users, data, env);
        }
        let kinds = sessions
            .as_ref()
            .map(|sessions| sessions.iter().map(|one| one.session.name.clone()).collect());
        let own = (|| {
            Some(Own {
                users: users?,
                sessions: sessions?,
                data: data?,
                env: env?,
                load: load?,
                warmup: warmup?,
                drain: drain?,
                on_error: on_error?,
                expect: expect?,
                slo: slo?,
            })
        })();
        ReadOwn { kinds, own }
    }
}

impl Own<'_> {
    /// The whole scenario `name`, with what it has in common with others.
    pub(super) fn into_scenario(self, name: String, shared: super::entry::Shared) -> Scenario {
        Scenario {
            name,
            target: shared.target,
            users: self.users,
            sessions: self.sessions.into_iter().map(|one| one.session).collect(),
            data: self.data,
            env: self.env,
            load: self.load,
            warmup: self.warmup,
            drain: self.drain,
            on_error: self.on_error,
            expect: self.expect,
            limits: shared.limits,
            slo: self.slo,
            thresholds: shared.thresholds,
            stop_when: shared.stop_when,
        }
    }
}
