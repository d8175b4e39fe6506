//! What a plan comes to: how many sessions and turns, when the first are due, what is sent.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{Plan, Shard};
use crate::protocol::{Asking, Dialect, Endpoint, Message, Role};
use crate::scenario::{Content, History, Load, Scenario, Surroundings, TargetUrl, Until, reduced};
use crate::secret::{MASK, Secret, is_key_like};
use crate::units::{Offset, Rate, Span};

/// Requests that are shown.
const SHOWN_REQUESTS: usize = 3;
/// Arrivals that are shown.
const SHOWN_ARRIVALS: usize = 8;
/// A schedule longer than this is not counted through; its length is estimated.
const COUNTED_ARRIVALS: f64 = 5e6;

/// A plan, summed up.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) size: Size,
    /// Due times of the first arrivals of an open load.
    pub(super) arrivals: Vec<Offset>,
    /// How long the load goes on, where that is known; the drain comes on top.
    pub(super) duration: Option<Duration>,
    pub(super) requests: Vec<Request>,
    /// What is worth knowing before it is run.
    pub(super) notes: Vec<String>,
}

/// How much will be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Size {
    /// Exactly so many sessions and turns.
    Exact { sessions: u64, turns: u64 },
    /// About so many: the schedule or the mix of sessions is random.
    About { sessions: u64, turns: u64 },
    /// As many as fit into the time.
    Unknown,
}

impl Size {
    pub(super) fn sessions(&self) -> Option<u64> {
        match self {
            Self::Exact { sessions, .. } | Self::About { sessions, .. } => Some(*sessions),
            Self::Unknown => None,
        }
    }

    pub(super) fn turns(&self) -> Option<u64> {
        match self {
            Self::Exact { turns, .. } | Self::About { turns, .. } => Some(*turns),
            Self::Unknown => None,
        }
    }
}

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The embedded agent takes any.
    MadeUp,
    /// This variable holds it.
    Set(String),
    /// None is sent: the agent is on this machine and this variable is not set.
    None(String),
    /// A run would stop: this is why.
    Missing(String),
}

/// One request as it would be sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) kind: String,
    pub(super) session: u64,
    pub(super) turn: u32,
    /// Before it is due: after the answer to the turn before, or after the session's beginning.
    pub(super) think: Duration,
    pub(super) url: String,
    /// Secrets masked.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Preview {
    /// Sums up a plan; `Err` where its first requests cannot be made.
    pub(super) fn of(plan: &Plan, world: &dyn Surroundings) -> Result<Self, String> {
        let scenario = plan.scenario();
        let key = key(scenario, world);
        Ok(Self {
            size: size(plan),
            arrivals: plan
                .arrivals(Shard::WHOLE)
                .take(SHOWN_ARRIVALS)
                .map(|(_, due)| due)
                .collect(),
            duration: scenario.load.duration(),
            requests: requests(plan, &key)?,
            notes: notes(plan),
        })
    }

    /// What it comes to, for programs.
    pub(super) fn json(&self, plan: &Plan) -> Value {
        let kinds = plan.kinds().iter().map(|kind| {
            json!({
                "name": &*kind.name,
                "weight": kind.weight,
                "rows": kind.rows,
                "turns": { "min": kind.turns.0, "max": kind.turns.1 },
            })
        });
        let requests = self.requests.iter().map(|request| {
            let headers: serde_json::Map<String, Value> =
                request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({
                "session_kind": request.kind,
                "session": request.session,
                "turn": request.turn,
                "think": Span(request.think),
                "method": "POST",
                "url": request.url,
                "headers": headers,
                "body": serde_json::from_str(&request.body).unwrap_or(json!(request.body)),
            })
        });
        let (exact, sessions, turns) = match self.size {
            Size::Exact { sessions, turns } => (true, Some(sessions), Some(turns)),
            Size::About { sessions, turns } => (false, Some(sessions), Some(turns)),
            Size::Unknown => (false, None, None),
        };
        let arrivals: Vec<f64> = self.arrivals.iter().map(|due| due.as_secs_f64()).collect();
        json!({
            "exact": exact,
            "sessions": sessions,
            "turns": turns,
            "duration_s": self.duration.map(|duration| duration.as_secs_f64()),
            "users": plan.identities(),
            "kinds": kinds.collect::<Vec<_>>(),
            "first_arrivals_s": arrivals,
            "first_requests": requests.collect::<Vec<_>>(),
        })
    }
}

pub(super) fn key(scenario: &Scenario, world: &dyn Surroundings) -> Key {
    if scenario.target.url == TargetUrl::Embedded {
        return Key::MadeUp;
    }
    let variable = || scenario.key_variable().to_owned();
    match scenario.key(world) {
        Ok(Some(_)) => Key::Set(variable()),
        Ok(None) => Key::None(variable()),
        Err(problem) => Key::Missing(problem.message().to_owned()),
    }
}

/// Turns of a session, on average over the mix of kinds.
fn turns_per_session(scenario: &Scenario) -> f64 {
    let weights: Vec<u32> = scenario.sessions.iter().map(|session| session.weight).collect();
    let weights = reduced(&weights);
    let sum: f64 = weights.iter().copied().map(f64::from).sum();
    let turns = scenario.sessions.iter().zip(weights).map(|(session, weight)| {
        let turns = match &session.content {
            Content::Inline(messages) => messages.len() as f64,
            Content::Rows { rows, .. } => {
                rows.iter().map(|row| row.turns.len()).sum::<usize>() as f64 / rows.len() as f64
            }
        };
        let aside = session.setup.len() + session.closing.len();
        (turns + aside as f64) * f64::from(weight)
    });
    turns.sum::<f64>() / sum
}

fn size(plan: &Plan) -> Size {
    if let (true, Some(sessions), Some(turns)) =
        (plan.is_bounded_by_count(), plan.session_count(), plan.turn_count())
    {
        return Size::Exact { sessions, turns };
    }
    let Load::Open { rate, duration, .. } = &plan.scenario().load else { return Size::Unknown };
    let expected = rate.expected(*duration);
    if expected > COUNTED_ARRIVALS {
        let turns = expected * turns_per_session(plan.scenario());
        return Size::About { sessions: expected as u64, turns: turns as u64 };
    }
    let sessions = plan.arrivals(Shard::WHOLE).count() as u64;
    Size::Exact { sessions, turns: plan.turns_of_first(sessions) }
}

fn requests(plan: &Plan, key: &Key) -> Result<Vec<Request>, String> {
    let scenario = plan.scenario();
    let url = match &scenario.target.url {
        TargetUrl::Embedded => "http://127.0.0.1:PORT",
        TargetUrl::Remote(url) => url,
    };
    let key = matches!(key, Key::MadeUp | Key::Set(_)).then(|| Secret::new(MASK));
    let endpoint = Endpoint::new(url, &scenario.target, key).map_err(|error| error.to_string())?;
    let mut headers: Vec<(String, String)> = endpoint
        .headers
        .iter()
        .map(|(name, value)| {
            let shown = if is_key_like(name) { MASK } else { value.as_str() };
            (name.clone(), shown.to_owned())
        })
        .collect();
    headers.extend(endpoint.key.iter().map(|(name, key)| (name.clone(), key.expose().to_owned())));
    let dialect = Dialect::new(scenario.target.protocol, scenario.target.framing);
    let mut requests = Vec::new();
    for number in 0.. {
        let identity = (number % u64::from(plan.identities())) as u32;
        let Some(session) = plan.session(number, identity) else { break };
        let session_id = match &session.fixed_session_id {
            Some(fixed) => fixed.to_string(),
            None => format!("RUN-{}", session.number),
        };
        let mut history = Vec::new();
        for turn in 1..=session.turn_count() {
            if requests.len() == SHOWN_REQUESTS {
                return Ok(requests);
            }
            let message = session.text(turn, &session_id, Some("(the answer before)"));
            let message = message.map_err(|error| error.to_string())?;
            if dialect.sends_history() && scenario.target.history == History::Recorded {
                history = Message::exchanges(session.recorded_before(turn));
            }
            let asking = Asking {
                history: &history,
                user_id: &session.user_id,
                agent_id: &scenario.target.agent_id,
                session_id: &session_id,
                message: &message,
            };
            let mut body = Vec::new();
            dialect.body(&asking, &mut body).map_err(|error| error.to_string())?;
            if dialect.sends_history() && scenario.target.history == History::Live {
                let said = |role, text: &str| Message { role, text: text.into() };
                history.push(said(Role::User, &message));
                history.push(said(Role::Assistant, &format!("(the answer to message {turn})")));
            }
            requests.push(Request {
                kind: plan.kinds()[usize::from(session.kind - plan.first_kind())].name.to_string(),
                session: session.number,
                turn,
                think: session.think(turn),
                url: endpoint.url.clone(),
                headers: headers.clone(),
                body: String::from_utf8_lossy(&body).into_owned(),
            });
        }
    }
    Ok(requests)
}

fn notes(plan: &Plan) -> Vec<String> {
    let scenario = plan.scenario();
    let mut notes = Vec::new();
    for feeder in plan.idle_feeders() {
        notes.push(format!("no message takes a row of `data.{feeder}`"));
    }
    if let (Load::Open { rate, .. }, Some(limit)) = (&scenario.load, scenario.limits.requests) {
        let asked = rate.peak_hertz() * turns_per_session(scenario);
        if asked > limit.hertz() {
            let asked = Rate::per_second((asked * 100.0).round() / 100.0);
            notes.push(format!(
                "`limits.requests` lets {limit} through and the load asks about {asked}: turns \
                 will queue, and the wait counts"
            ));
        }
    }
    notes.extend(scenario.load.note());
    if let Load::Closed { until: Until::Duration(_) | Until::Stages(_), .. } = scenario.load
        && let Some(most) = plan.session_count()
    {
        let why = match scenario.users.sessions_per_user {
            Some(each) if most == u64::from(each) * u64::from(plan.identities()) => {
                "users open that many"
            }
            _ => "the rows of a `unique` feeder last for so many",
        };
        notes.push(format!("the load ends after {most} sessions ({why}), or with the time"));
    }
    notes
}
