//! What makes two runs comparable: the same things asked, in the same way, at the same load.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::loads::Load;
use super::model::{Content, Message, OnEnd, Scenario, Session, TargetUrl};
use super::resolved;
use super::together::{Scenarios, Together};
use crate::expect::Expectations;

/// Changes when a fingerprint begins to mean something else.
const FORMAT: u32 = 1;

impl Scenario {
    /// 16 hex digits over the content of sessions, data and users, the load, warm-up, limits,
    /// time-outs, protocol, and embedded or remote. Not over names of files and of the scenario,
    /// URL, agent id, headers, slo, thresholds and seed.
    pub fn fingerprint(&self) -> String {
        let mut hash = Hash(Sha256::new());
        hash.add("format", &json!(FORMAT));
        for session in &self.sessions {
            let head = json!([session.name, session.weight, session.session_id]);
            hash.add("session", &head);
            hash.session_extras(session);
            match &session.content {
                Content::Inline(messages) => {
                    messages.iter().for_each(|message| hash.message("message", message));
                }
                Content::Rows { rows, think, .. } => {
                    hash.add("rows", &json!(think));
                    for row in rows {
                        let texts = |texts: &[Arc<str>]| {
                            json!(texts.iter().map(|text| &**text).collect::<Vec<&str>>())
                        };
                        hash.add("row", &texts(&row.turns));
                        if !row.answers.is_empty() {
                            hash.add("answers", &texts(&row.answers));
                        }
                    }
                }
            }
        }
        for (name, feeder) in &self.data {
            hash.add("data", &json!([name, feeder.pick.to_string()]));
            for row in feeder.rows.iter() {
                hash.add("row", row);
            }
        }
        for (name, feeder) in self.data.iter().filter(|(_, one)| one.on_end != OnEnd::default()) {
            hash.add("on_end", &json!([name, feeder.on_end.to_string()]));
        }
        if !self.env.is_empty() {
            hash.add("env", &self.env);
        }
        hash.expect(&self.expect);
        if let Some(each) = self.users.sessions_per_user {
            hash.add("sessions_per_user", &each);
        }
        hash.add("users", &json!([self.users.ids.len(), self.users.id]));
        for row in &self.users.rows {
            hash.add("user", row);
        }
        let mut load = resolved::load(&self.load);
        if let Load::Replay { trace, .. } = &self.load {
            // Not what the file is called, but what of it is taken.
            load["replay"]["from"] = serde_json::Value::Null;
            load["replay"]["window"] = serde_json::Value::Null;
            for arrival in &trace.arrivals {
                hash.add("arrival", &arrival.as_nanos());
            }
        }
        hash.add("load", &load);
        hash.add("warmup", &resolved::warmup(self.warmup));
        let limits = &self.limits;
        let failures = limits.failures.to_string();
        hash.add("limits", &json!([limits.requests, limits.retries, failures]));
        hash.add("timeouts", &resolved::timeouts(&self.target.timeouts));
        let embedded = self.target.url == TargetUrl::Embedded;
        hash.add("target", &json!([self.target.protocol.to_string(), embedded]));
        // What is as it has always been is not hashed, so that older runs stay comparable.
        let how = &self.target.connections;
        let reached = json!([how.keep.to_string(), how.http2, self.target.history.to_string()]);
        if reached != json!(["shared", false, "live"]) {
            hash.add("reached", &reached);
        }
        hash.finished()
    }
}

impl Scenarios {
    /// The same for all that a file says: that of its one scenario, or one over those of the several
    /// it lists, their names and when they start.
    pub fn fingerprint(&self) -> String {
        if !self.listed {
            return self.shared().fingerprint();
        }
        let mut hash = Hash(Sha256::new());
        hash.add("format", &json!(FORMAT));
        for Together { start_after, scenario } in &self.all {
            let after = start_after.as_nanos() as u64;
            hash.add("scenario", &json!([scenario.name, after, scenario.fingerprint()]));
        }
        hash.finished()
    }
}

struct Hash(Sha256);

impl Hash {
    /// What a session need not have; left out where it has not, so that the fingerprints of older
    /// scenarios stay what they are.
    fn session_extras(&mut self, session: &Session) {
        if let Some(user) = &session.user_id {
            self.add("user_id", user);
        }
        if let Some(on_error) = session.on_error {
            self.add("on_error", &on_error.to_string());
        }
        self.expect(&session.expect);
        session.setup.iter().for_each(|message| self.message("setup", message));
        session.closing.iter().for_each(|message| self.message("closing", message));
    }

    fn message(&mut self, label: &str, message: &Message) {
        self.add(label, &json!([message.text, message.think]));
        self.expect(&message.expect);
    }

    fn expect(&mut self, all: &Expectations) {
        if !all.is_empty() {
            self.add("expect", &resolved::expect(all));
        }
    }

    /// JSON of a map is in the order of its keys, so that the order of fields in a file is nothing.
    fn add(&mut self, label: &str, value: &impl serde::Serialize) {
        // Writing into a hash cannot fail, and these values have only text as keys.
        let _ = serde_json::to_writer(&mut *self, &(label, value));
        self.0.update(b"\n");
    }

    fn finished(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
