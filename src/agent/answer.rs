//! From a request to its reply: which endpoint, who may ask, what happens to it.

use std::rc::Rc;

use bytes::Bytes;

use super::ask::{self, Api, Asked};
use super::capacity::Place;
use super::compose::{self, Order};
use super::connection::Connection;
use super::draft::Terms;
use super::fault::Fault;
use super::options::Source;
use super::pages;
use super::pending::{Arrival, Pending};
use super::refusal::Refusal;
use super::relay::Relay;
use super::replay::Match;
use super::request::{Head, Method};
use super::shared::Shared;
use super::truth::{End, Message};
use super::when::Subject;
use crate::units::Offset;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Reply(Api),
    Models,
    Agent(&'a str),
    History(&'a str),
    Health,
    Truth,
}

fn route(path: &str) -> Option<Route<'_>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    Some(match path {
        "/v2/stream" => Route::Reply(Api::V2Stream),
        "/v3/inference/stream" => Route::Reply(Api::V3Stream),
        "/v2/chat" | "/v3/inference/chat" => Route::Reply(Api::Chat),
        "/v1/chat/completions" | "/v4/chat/completions" => Route::Reply(Api::Completions),
        "/v1/models" => Route::Models,
        "/health" => Route::Health,
        "/_truth" => Route::Truth,
        _ => {
            let one = |id: &'_ str| !id.is_empty() && !id.contains('/');
            if let Some(id) = path.strip_prefix("/v3/agents/").filter(|id| one(id)) {
                Route::Agent(id)
            } else {
                let id = path.strip_prefix("/v1/sessions/")?.strip_suffix("/history")?;
                Some(id).filter(|id| one(id)).map(Route::History)?
            }
        }
    })
}

/// Answers one request; `true` if the connection can take another.
pub(super) async fn answer(
    connection: &mut Connection,
    head: &Head,
    body: Bytes,
    arrival: Arrival,
) -> bool {
    let route = route(&head.path);
    if route == Some(Route::Truth) {
        // Looking at the log is not part of it.
        return pages::truth(connection, head).await;
    }
    let worker = Rc::clone(&connection.worker);
    let mut pending = Pending::new(&worker, arrival, Some(head));
    let openai = matches!(route, Some(Route::Reply(Api::Completions) | Route::Models));
    let outcome = match (route, &head.method) {
        (None, _) => Err(Refusal::not_found()),
        (Some(Route::Reply(api)), Method::Post) => {
            reply(connection, head, &body, api, &mut pending).await
        }
        (Some(Route::Reply(_)), _) => Err(Refusal::method_not_allowed("POST")),
        (Some(_), Method::Post | Method::Other(_)) => Err(Refusal::method_not_allowed("GET")),
        (Some(Route::Health), _) => {
            let page = pages::health(&worker.shared);
            Ok(pages::show(connection, head, &mut pending, &page).await)
        }
        (Some(other), _) => match allowed(&worker.shared, head) {
            Err(refusal) => Err(refusal),
            Ok(()) => {
                let page = match other {
                    Route::Models => pages::models(&worker.shared),
                    Route::Agent(id) if knows(&worker.shared, id) => Some(pages::agent(id)),
                    Route::History(id) => pages::history(&worker.shared, id),
                    _ => None,
                };
                match page {
                    Some(page) => Ok(pages::show(connection, head, &mut pending, &page).await),
                    None if matches!(other, Route::Agent(_)) => Err(Refusal::unknown_agent()),
                    None => Err(Refusal::not_found()),
                }
            }
        },
    };
    match outcome {
        Ok(keep) => keep,
        Err(refusal) => {
            label(&mut pending, refusal.label);
            connection.refuse(&mut pending, &refusal, openai, head.keep_alive).await
        }
    }
}

/// Checks the key.
fn allowed(shared: &Shared, head: &Head) -> Result<(), Refusal> {
    match (head.key.as_deref(), &shared.options.api_key) {
        (None | Some(""), _) => Err(Refusal::no_key()),
        (Some(key), Some(wanted)) if key != wanted.expose() => Err(Refusal::wrong_key()),
        _ => Ok(()),
    }
}

fn knows(shared: &Shared, agent: &str) -> bool {
    let agents = &shared.options.agents;
    agents.is_empty() || agents.iter().any(|known| known == agent)
}

/// The `/v2/`, `/v3/`, `/v1/` and `/v4/` paths that ask an agent something.
async fn reply(
    connection: &mut Connection,
    head: &Head,
    body: &[u8],
    api: Api,
    pending: &mut Pending,
) -> Result<bool, Refusal> {
    let worker = Rc::clone(&connection.worker);
    let shared = &worker.shared;
    allowed(shared, head)?;
    let asked = ask::read(api, body)?;
    let number = shared.next_number();
    note(pending, &asked, number);
    if !knows(shared, &asked.agent_id) {
        return Err(Refusal::unknown_agent());
    }
    let subject = Subject {
        number,
        agent_id: &asked.agent_id,
        user_id: &asked.user_id,
        session_id: asked.session_id.as_deref().unwrap_or_default(),
        message: &asked.message,
    };
    let options = &shared.options;
    let (mut fate, mut dice) = shared.dice(number);
    let faults: Vec<&Fault> = options
        .faults
        .iter()
        .filter(|rule| rule.when.holds(&subject, &mut fate))
        .map(|rule| &rule.fault)
        .collect();
    for fault in &faults {
        label(pending, fault.name());
        if **fault == Fault::Reset {
            connection.reset();
            pending.end(End::Reset);
            return Ok(false);
        }
        if let Some(refusal) = refusal(fault) {
            return Err(refusal);
        }
    }
    shared.gate.charge(worker.now())?;
    let context = pending.open_session(&asked);
    let place = match shared.gate.place()? {
        Place::Wait(places) => {
            let mut turn = std::pin::pin!(places.acquire_owned());
            loop {
                tokio::select! {
                    biased;
                    permit = &mut turn => break permit.map_or(Place::Free, Place::Taken),
                    there = connection.client_is_there() => if !there {
                        pending.end(End::ClientGone);
                        return Ok(false);
                    },
                }
            }
        }
        place => place,
    };
    let origin = match place {
        Place::Free => pending.record().complete,
        _ => worker.now(),
    };
    pending.record().admitted = Some(origin);
    if let Source::Upstream(upstream) = &options.source {
        let relay = Relay { upstream, api, asked: &asked, head, origin };
        return relay.run(connection, pending).await;
    }
    let recorded = match &options.source {
        Source::Replay(recording) => {
            let (turn, found) = recording.take(&asked.message);
            match found {
                Match::Message => {}
                Match::Order => label(pending, "replay-by-order"),
                Match::Again => label(pending, "replay-again"),
            }
            if turn.status != Some(200) {
                let ends = recording.at(turn.total_us.unwrap_or(0));
                return not_answered(connection, pending, turn.status, origin + ends).await;
            }
            Some((recording.as_ref(), turn))
        }
        _ => None,
    };
    let rule = options.rules.iter().find(|rule| rule.when.holds(&subject, &mut fate));
    let order = Order {
        api,
        asked: &asked,
        context: &context,
        behaviour: rule.map_or(&options.behaviour, |rule| &rule.behaviour),
        faults: &faults,
        recorded,
        seq: pending.record().seq,
        created: shared.wall(origin).as_secs(),
        terms: Terms {
            date: &worker.date(origin),
            keep_alive: head.keep_alive,
            http10: head.http10,
        },
    };
    let reply = compose::compose(&order, &mut dice);
    let keep = connection.play(&reply, pending, origin).await;
    pending.answered(reply.answer);
    drop(place);
    Ok(keep)
}

/// Tells a recorded turn that had no answer: its status, or a connection that broke.
async fn not_answered(
    connection: &mut Connection,
    pending: &mut Pending,
    status: Option<u16>,
    due: Offset,
) -> Result<bool, Refusal> {
    if !connection.wait(due).await {
        pending.end(End::ClientGone);
        return Ok(false);
    }
    match status {
        Some(status) => Err(Refusal::with_status(status)),
        None => {
            connection.reset();
            pending.end(End::Reset);
            Ok(false)
        }
    }
}

fn note(pending: &mut Pending, asked: &Asked, number: u64) {
    let record = pending.record();
    record.number = Some(number);
    record.agent_id = asked.agent_id.as_str().into();
    record.user_id = asked.user_id.as_str().into();
    record.session_id = asked.session_id.as_deref().map(Into::into);
    record.message = Message::of(&asked.message);
}

/// Adds a name to the faults of a record.
fn label(pending: &mut Pending, name: &str) {
    let record = pending.record();
    if name.is_empty() || *record.fault == *name {
    } else if record.fault.is_empty() {
        record.fault = name.into();
    } else {
        record.fault = format!("{}+{name}", record.fault).into();
    }
}

/// The refusal that a fault stands for, if it does.
fn refusal(fault: &Fault) -> Option<Refusal> {
    match fault {
        Fault::Status(code) => Some(Refusal::with_status(*code)),
        Fault::ToolNotFound => Some(Refusal::tool_not_found()),
        Fault::RetryAfter(form, after) => Some(Refusal::retry_after(*form, *after)),
        Fault::Credits => Some(Refusal::out_of_credits()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_should_with_and_without_the_slash() {
        for (path, expected) in [
            ("/v2/stream/", Some(Route::Reply(Api::V2Stream))),
            ("/v2/stream", Some(Route::Reply(Api::V2Stream))),
            ("/v4/chat/completions", Some(Route::Reply(Api::Completions))),
            ("/v3/agents/x1", Some(Route::Agent("x1"))),
            ("/v1/sessions/s/history/", Some(Route::History("s"))),
            ("/v2/stream//", None),
            ("/v3/agents/../../etc/passwd", None),
            ("/v3/agents/", None),
            ("/v1/sessions//history", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }
}
