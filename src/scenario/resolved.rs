//! The scenario as it is kept beside a run: every default filled in, no secret, no prompt file's
//! text. It has the form of a scenario file.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::loads::{Load, OnOverload, Pace, Stage, Until, Warmup};
use super::model::{Content, Message, OnEnd, Scenario, Session, Target, TargetUrl, Timeouts};
use super::together::{Scenarios, Together};
use crate::expect::{Demand, Expectation, Expectations};
use crate::secret::{MASK, is_key_like};
use crate::units::{Delay, Span};

impl Scenario {
    /// The resolved scenario: `${VAR}` as written, values of key-like headers masked.
    pub fn resolved(&self) -> Value {
        let mut whole = Map::new();
        whole.insert("name".into(), json!(self.name));
        self.resolved_shared(&mut whole);
        self.resolved_own(&mut whole);
        Value::Object(whole)
    }

    /// What it says for itself.
    fn resolved_own(&self, whole: &mut Map<String, Value>) {
        let data = self.data.iter().map(|(name, feeder)| {
            let from = feeder.from.display().to_string();
            let mut whole = json!({ "from": from, "pick": feeder.pick.to_string() });
            if feeder.on_end != OnEnd::default() {
                whole["on_end"] = json!(feeder.on_end.to_string());
            }
            (name.clone(), whole)
        });
        whole.insert("users".into(), self.resolved_users());
        whole.insert("sessions".into(), self.sessions.iter().map(session).collect());
        if !self.data.is_empty() {
            whole.insert("data".into(), Value::Object(data.collect()));
        }
        if !self.env.is_empty() {
            whole.insert("env".into(), self.env.keys().map(|name| json!(name)).collect());
        }
        whole.insert("load".into(), load(&self.load));
        whole.insert("warmup".into(), warmup(self.warmup));
        whole.insert("drain".into(), span(self.drain));
        whole.insert("on_error".into(), json!(self.on_error.to_string()));
        if !self.expect.is_empty() {
            whole.insert("expect".into(), expect(&self.expect));
        }
        let slo = [("ttfc", self.slo.ttfc), ("total", self.slo.total)];
        let slo: Map<String, Value> = slo
            .into_iter()
            .filter_map(|(name, bound)| Some((name.to_owned(), span(bound?))))
            .collect();
        if !slo.is_empty() {
            whole.insert("slo".into(), Value::Object(slo));
        }
    }

    /// What it has in common with those it is run with.
    fn resolved_shared(&self, whole: &mut Map<String, Value>) {
        whole.insert("target".into(), target(&self.target, self.key_variable()));
        let mut limits = Map::new();
        if let Some(requests) = self.limits.requests {
            limits.insert("requests".into(), json!(requests));
        }
        limits.insert("retries".into(), json!(self.limits.retries));
        limits.insert("failures".into(), json!(self.limits.failures.to_string()));
        whole.insert("limits".into(), Value::Object(limits));
        let mut thresholds: Map<String, Value> = Map::new();
        for one in &self.thresholds {
            let expressions = thresholds.entry(one.metric.as_str()).or_insert_with(|| json!([]));
            if let Value::Array(expressions) = expressions {
                expressions.push(json!(one.expression));
            }
        }
        if !thresholds.is_empty() {
            whole.insert("thresholds".into(), Value::Object(thresholds));
        }
        if !self.stop_when.is_empty() {
            let rules = self.stop_when.iter().map(|rule| {
                let condition = &rule.condition;
                json!({ &condition.metric: condition.expression, "for": Span(rule.over) })
            });
            whole.insert("stop_when".into(), rules.collect());
        }
    }

    fn resolved_users(&self) -> Value {
        let mut users = match &self.users.from {
            Some(from) => json!({ "from": from.display().to_string(), "id": self.users.id }),
            None => json!({ "count": self.users.ids.len(), "id": self.users.id }),
        };
        if let Some(each) = self.users.sessions_per_user {
            users["sessions_per_user"] = json!(each);
        }
        users
    }
}

impl Scenarios {
    /// What the file says, every default filled in; as [`Scenario::resolved`] where it is one
    /// scenario.
    pub fn resolved(&self) -> Value {
        if !self.listed {
            return self.shared().resolved();
        }
        let mut whole = Map::new();
        whole.insert("name".into(), json!(self.name));
        self.shared().resolved_shared(&mut whole);
        let entries = self.all.iter().map(|Together { start_after, scenario }| {
            let mut entry = Map::new();
            entry.insert("name".into(), json!(scenario.name));
            entry.insert("start_after".into(), span(*start_after));
            scenario.resolved_own(&mut entry);
            Value::Object(entry)
        });
        whole.insert("scenarios".into(), entries.collect());
        Value::Object(whole)
    }
}

fn span(duration: Duration) -> Value {
    json!(Span(duration))
}

fn target(target: &Target, key_variable: &str) -> Value {
    let mut whole = Map::new();
    let url = match &target.url {
        TargetUrl::Embedded => "embedded".to_owned(),
        TargetUrl::Remote(_) => without_keys(&target.written.url),
    };
    whole.insert("url".into(), json!(url));
    whole.insert("protocol".into(), json!(target.protocol.to_string()));
    whole.insert("framing".into(), json!(target.framing.to_string()));
    whole.insert("agent_id".into(), json!(target.written.agent_id));
    whole.insert("api_key_env".into(), json!(key_variable));
    let headers = target.written.headers.iter().map(|(name, value)| {
        let shown = if is_key_like(name) { MASK } else { value.as_str() };
        (name.clone(), json!(shown))
    });
    let headers: Map<String, Value> = headers.collect();
    if !headers.is_empty() {
        whole.insert("headers".into(), Value::Object(headers));
    }
    whole.insert("timeouts".into(), timeouts(&target.timeouts));
    if !target.protocol.remembers() {
        whole.insert("history".into(), json!(target.history.to_string()));
    }
    connections(target, &mut whole);
    Value::Object(whole)
}

fn connections(target: &Target, whole: &mut Map<String, Value>) {
    let how = &target.connections;
    whole.insert("connections".into(), json!(how.keep.to_string()));
    whole.insert("transport".into(), json!(how.via.to_string()));
    whole.insert("http2".into(), json!(how.http2));
    if !how.sources.is_empty() {
        let sources: Vec<String> = how.sources.iter().map(ToString::to_string).collect();
        whole.insert("source_addresses".into(), json!(sources));
    }
    if how.proxy.is_some() {
        whole.insert("proxy".into(), json!(without_user(&target.written.proxy)));
    }
    let identity = how.identity.as_ref();
    for (name, file) in [
        ("ca_file", how.ca.as_ref().map(|one| &one.path)),
        ("client_cert", identity.map(|one| &one.certificate.path)),
        ("client_key", identity.map(|one| &one.key_path)),
    ] {
        if let Some(file) = file {
            whole.insert(name.into(), json!(file.display().to_string()));
        }
    }
    if !how.resolve.is_empty() {
        whole.insert("resolve".into(), json!(target.written.resolve));
    }
}

/// A proxy's URL whose name and password are masked, unless they are variables.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    match rest.rsplit_once('@') {
        Some((user, host)) if !user.starts_with("${") => format!("{scheme}://{MASK}@{host}"),
        _ => url.to_owned(),
    }
}

/// A URL whose key-like query values are masked.
fn without_keys(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_key_like(name) && !value.starts_with("${") => {
                format!("{name}={MASK}")
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", masked.join("&"))
}

pub(super) fn timeouts(timeouts: &Timeouts) -> Value {
    json!({
        "connect": Span(timeouts.connect),
        "first_chunk": Span(timeouts.first_chunk),
        "idle": Span(timeouts.idle),
        "total": Span(timeouts.total),
    })
}

fn session(session: &Session) -> Value {
    let mut whole = Map::new();
    whole.insert("name".into(), json!(session.name));
    whole.insert("weight".into(), json!(session.weight));
    if let Some(id) = &session.session_id {
        whole.insert("session_id".into(), json!(id));
    }
    if let Some(id) = &session.user_id {
        whole.insert("user_id".into(), json!(id));
    }
    if let Some(on_error) = session.on_error {
        whole.insert("on_error".into(), json!(on_error.to_string()));
    }
    if !session.expect.is_empty() {
        whole.insert("expect".into(), expect(&session.expect));
    }
    for (name, list) in [("setup", &session.setup), ("closing", &session.closing)] {
        if !list.is_empty() {
            whole.insert(name.into(), messages(list));
        }
    }
    match &session.content {
        Content::Inline(list) => {
            whole.insert("messages".into(), messages(list));
        }
        Content::Rows { from, fields, think, .. } => {
            whole.insert("from".into(), json!(from.display().to_string()));
            let fields =
                [("message", &fields.message), ("turns", &fields.turns), ("id", &fields.id)];
            for (name, field) in fields {
                if let Some(field) = field {
                    whole.insert(name.into(), json!(field));
                }
            }
            if *think != Delay::ZERO {
                whole.insert("think".into(), json!(think));
            }
        }
    }
    Value::Object(whole)
}

fn messages(messages: &[Message]) -> Value {
    let message = |one: &Message| {
        if one.think == Delay::ZERO && one.expect.is_empty() {
            return json!(one.text);
        }
        let mut whole = json!({ "text": one.text });
        if one.think != Delay::ZERO {
            whole["think"] = json!(one.think);
        }
        if !one.expect.is_empty() {
            whole["expect"] = expect(&one.expect);
        }
        whole
    };
    messages.iter().map(message).collect()
}

/// Expectations in the form of a scenario file.
pub(super) fn expect(all: &Expectations) -> Value {
    let mut whole = Map::new();
    let mut lists: [(&str, Vec<Value>); 3] =
        [("contains", Vec::new()), ("matches", Vec::new()), ("json", Vec::new())];
    for one in all.iter() {
        let (name, value) = match one {
            Expectation::Contains(text) => {
                lists[0].1.push(json!(text));
                continue;
            }
            Expectation::Matches(pattern) => {
                lists[1].1.push(json!(pattern.as_str()));
                continue;
            }
            Expectation::Json(path, demand) => {
                let (name, value) = match demand {
                    Demand::Exists(exists) => ("exists", json!(exists)),
                    Demand::Equals(value) => ("equals", value.clone()),
                };
                let mut demand = json!({ "path": path.to_string() });
                demand[name] = value;
                lists[2].1.push(demand);
                continue;
            }
            Expectation::MinChunks(count) => ("min_chunks", json!(count)),
            Expectation::MaxChunks(count) => ("max_chunks", json!(count)),
            Expectation::MinBytes(count) => ("min_bytes", json!(count)),
            Expectation::MaxBytes(count) => ("max_bytes", json!(count)),
            Expectation::MaxTtfc(limit) => ("max_ttfc", span(*limit)),
            Expectation::MaxTotal(limit) => ("max_total", span(*limit)),
            Expectation::NotEmpty => ("not_empty", json!(true)),
        };
        whole.insert(name.into(), value);
    }
    for (name, list) in lists {
        if !list.is_empty() {
            whole.insert(name.into(), Value::Array(list));
        }
    }
    Value::Object(whole)
}

pub(super) fn warmup(warmup: Warmup) -> Value {
    match warmup {
        Warmup::Time(time) => span(time),
        Warmup::Turns(turns) => json!({ "turns": turns }),
    }
}

pub(super) fn load(load: &Load) -> Value {
    match load {
        Load::Once { concurrency } => json!({ "once": { "concurrency": concurrency } }),
        Load::Closed { users, until: Until::Duration(duration) } => {
            json!({ "closed": { "users": users, "duration": Span(*duration) } })
        }
        Load::Closed { users, until: Until::Iterations(iterations) } => {
            json!({ "closed": { "users": users, "iterations": iterations } })
        }
        Load::Closed { until: Until::Stages(list), .. } => {
            json!({ "closed": { "stages": stages(list, |users| json!(users)) } })
        }
        Load::Open { rate, arrivals, duration, max_in_flight, on_overload } => {
            let mut open = Map::new();
            match rate {
                Pace::Steady(rate) => {
                    open.insert("rate".into(), json!(rate));
                    open.insert("duration".into(), span(*duration));
                }
                Pace::Stages(list) => {
                    let level = |rate: &Option<_>| rate.map_or(json!("0/s"), |rate| json!(rate));
                    open.insert("stages".into(), stages(list, level));
                }
            }
            open.insert("arrivals".into(), json!(arrivals.to_string()));
            bound(&mut open, *max_in_flight, *on_overload);
            json!({ "open": open })
        }
        Load::Replay { trace, speed, max_in_flight, on_overload } => {
            let mut replay = Map::new();
            replay.insert("from".into(), json!(trace.from.display().to_string()));
            replay.insert("speed".into(), json!(speed));
            if let Some((from, to)) = trace.window {
                let mut window = json!({ "from": Span(from) });
                if to < Duration::MAX {
                    window["to"] = span(to);
                }
                replay.insert("window".into(), window);
            }
            bound(&mut replay, *max_in_flight, *on_overload);
            json!({ "replay": replay })
        }
    }
}

fn stages<T>(stages: &[Stage<T>], level: impl Fn(&T) -> Value) -> Value {
    stages.iter().map(|one| json!({ "for": Span(one.span), "to": level(&one.to) })).collect()
}

fn bound(load: &mut Map<String, Value>, max_in_flight: Option<u32>, on_overload: OnOverload) {
    if let Some(most) = max_in_flight {
        load.insert("max_in_flight".into(), json!(most));
        load.insert("on_overload".into(), json!(on_overload.to_string()));
    }
}
