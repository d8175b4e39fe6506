//! The pages beside the replies: health, models, agents, histories, and the truth.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::connection::Connection;
use super::pending::Pending;
use super::refusal::Refusal;
use super::reply::document_reply;
use super::request::{Head, Method, query_value};
use super::shared::Shared;
use super::truth::{Record, Truth};
use crate::units::Offset;

const JSON: &str = "application/json";

pub(super) fn health(shared: &Shared) -> Value {
    json!({
        "status": "ok",
        "open": shared.open.load(Ordering::Relaxed),
        "requests": shared.requests.load(Ordering::Relaxed),
    })
}

pub(super) fn models(shared: &Shared) -> Option<Value> {
    let agents = &shared.options.agents;
    let ids: Vec<&str> = match agents.len() {
        0 => vec!["streamgauge-agent"],
        _ => agents.iter().map(String::as_str).collect(),
    };
    let data: Vec<Value> = ids
        .into_iter()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "streamgauge"}))
        .collect();
    Some(json!({"object": "list", "data": data}))
}

pub(super) fn agent(id: &str) -> Value {
    json!({
        "_id": id,
        "name": "Embedded agent",
        "provider_id": "streamgauge",
        "model": "streamgauge-agent",
        "temperature": 0.0,
        "top_p": 1.0,
    })
}

pub(super) fn history(shared: &Shared, session_id: &str) -> Option<Value> {
    let entries = shared.sessions.history(session_id);
    (!entries.is_empty()).then(|| json!(entries))
}

/// Sends a page and closes its record.
pub(super) async fn show(
    connection: &mut Connection,
    head: &Head,
    pending: &mut Pending,
    page: &Value,
) -> bool {
    let now = connection.worker.now();
    let date = connection.worker.date(now);
    let body = page.to_string();
    let reply = document_reply(200, JSON, body.as_bytes(), head.keep_alive, &date, "");
    connection.play(&reply, pending, now).await
}

/// `GET /_truth[?since=SEQ][&format=csv]`, and `POST /_truth`, which empties the log.
pub(super) async fn truth(connection: &mut Connection, head: &Head) -> bool {
    let worker = Rc::clone(&connection.worker);
    let shared = Arc::clone(&worker.shared);
    let since = query_value(&head.query, "since").map_or(Ok(0), str::parse::<u64>);
    let csv = match query_value(&head.query, "format") {
        Some("csv") => true,
        Some(_) => false,
        None => head.wants_csv,
    };
    let (status, kind, body, extra) = match (&head.method, since) {
        (Method::Get, Ok(since)) => {
            // A long log takes a while to write out; the replies of this thread go on meanwhile.
            let written = tokio::task::spawn_blocking(move || document(&shared, since, csv)).await;
            let body = written.unwrap_or_default();
            (200, if csv { "text/csv; charset=utf-8" } else { JSON }, body, "")
        }
        (Method::Get, Err(_)) => {
            let problem = (
                vec!["query".into(), "since".into()],
                "value is not a valid integer",
                "type_error.integer",
            );
            (422, JSON, Refusal::unprocessable(&[problem]).body(false).into_bytes(), "")
        }
        (Method::Post, _) => {
            shared.reset_truth();
            (200, JSON, b"{\"reset\":true}".to_vec(), "")
        }
        (Method::Other(_), _) => {
            let refusal = Refusal::method_not_allowed("GET, POST");
            (405, JSON, refusal.body(false).into_bytes(), "allow: GET, POST\r\n")
        }
    };
    let date = worker.date(worker.now());
    let reply = document_reply(status, kind, &body, head.keep_alive, &date, extra);
    connection.send(&reply.wire).await.is_ok() && head.keep_alive
}

fn document(shared: &Shared, since: u64, csv: bool) -> Vec<u8> {
    let truth = shared.truth(since);
    if csv {
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = truth.write_csv(&mut out);
        return out;
    }
    let Truth { requests, dropped, lateness, freezes } = &truth;
    let document = Document {
        format: 1,
        agent: concat!("streamgauge ", env!("CARGO_PKG_VERSION")),
        base: "microseconds since the agent's origin, on one monotonic clock",
        origin_unix_us: micros(shared.clock.wall_origin()),
        now_us: shared.clock.now().micros(),
        first_request_us: shared.first_request.borrow().map(Offset::micros),
        seed: shared.options.seed,
        counted: shared.requests.load(Ordering::Relaxed),
        open: shared.open.load(Ordering::Relaxed),
        dropped: *dropped,
        freezes_us: freezes.iter().map(|(from, until)| [from.micros(), until.micros()]).collect(),
        write_lateness_us: Lateness {
            count: lateness.len(),
            p50: lateness.value_at_quantile(0.5),
            p99: lateness.value_at_quantile(0.99),
            p99_9: lateness.value_at_quantile(0.999),
            max: lateness.max(),
        },
        requests,
    };
    // A serializer on our own types and plain numbers does not fail.
    serde_json::to_vec(&document).unwrap_or_default()
}

/// The document at `/_truth`; `docs/agent.md` says what its fields mean.
#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    agent: &'static str,
    base: &'static str,
    origin_unix_us: u64,
    now_us: u64,
    first_request_us: Option<u64>,
    seed: u64,
    counted: u64,
    open: usize,
    dropped: u64,
    freezes_us: Vec<[u64; 2]>,
    write_lateness_us: Lateness,
    #[serde(serialize_with = "records")]
    requests: &'a [Arc<Record>],
}

#[derive(Serialize)]
struct Lateness {
    count: u64,
    p50: u64,
    p99: u64,
    p99_9: u64,
    max: u64,
}

fn records<S: Serializer>(records: &[Arc<Record>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(records.iter().map(Arc::as_ref))
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
