//! The control of a run: an agent of known timing in this process, and the book of its turns.

use std::sync::Arc;
use std::time::Duration;

use super::Args;
use crate::agent::{self, Agent, Behaviour, Limits, Options, Record};
use crate::client::transport_of;
use crate::clock::Clock;
use crate::executor::Job;
use crate::protocol::Endpoint;
use crate::scenario::{Connections, Framing, Load, Pace};
use crate::secret::Secret;
use crate::sink::{ControlBook, TrueTurn};
use crate::units::Offset;

/// Its replies: long enough to have both a first chunk and a rest, short enough not to weigh.
const FIRST_CHUNK: Duration = Duration::from_millis(20);
const GAP: Duration = Duration::from_millis(5);
const CHUNKS: u32 = 4;
/// Turns in its log: more than are asked in some seconds.
const LOG: usize = 256;
/// A shorter load has too few seconds to say something about.
const SHORTEST: Duration = Duration::from_secs(3);
/// The same for fewer turns than this, and for a rate below this many sessions a second.
const FEWEST: u64 = 100;
const SLOWEST: f64 = 1.0;

/// An agent of known timing, and what is kept of its turns.
pub(super) struct Control {
    pub(super) endpoint: Endpoint,
    pub(super) book: ControlBook,
}

/// Whether there is enough of a load to say something about.
pub(super) fn is_worth_it(args: &Args, job: &Job) -> bool {
    let too_slow = job.plans.iter().all(|plan| match &plan.scenario().load {
        Load::Open { rate: Pace::Steady(rate), .. } => rate.hertz() < SLOWEST,
        _ => false,
    });
    let too_short = match job.load_end() {
        Some(end) => end < Offset::ZERO + SHORTEST,
        None => job.turn_count().is_some_and(|turns| turns < FEWEST),
    };
    !args.no_control && !too_slow && !too_short
}

/// Starts the agent. A system that gives it no thread or port has worse to worry about than a run
/// without a control: there is none then.
pub(super) fn start(job: &Job) -> Option<Control> {
    // A scenario that says how replies are framed has a decoder for that alone.
    let framing = match job.shared().target.framing {
        Framing::Auto | Framing::Raw => agent::Framing::Raw,
        Framing::Sse => agent::Framing::Sse,
        Framing::Json => agent::Framing::Json,
    };
    let options = Options {
        behaviour: Behaviour { framing, ..Behaviour::fixed(FIRST_CHUNK, GAP, CHUNKS) },
        limits: Limits { truth: LOG, sessions: LOG, ..Limits::default() },
        ..Options::default()
    };
    let agent = agent::start(([127, 0, 0, 1], 0).into(), options, Clock::start()).ok()?;
    let mut target = job.shared().target.clone();
    // The agent's own ways, and no secret of the target's.
    target.headers.clear();
    let via = transport_of(&target.connections);
    target.connections = Connections { via, ..Connections::default() };
    let key = Some(Secret::new("control"));
    let endpoint = Endpoint::new(&agent.base_url(), &target, key).ok()?;
    let agent = Arc::new(agent);
    let book = ControlBook::new(Box::new(move || truth(&agent)));
    Some(Control { endpoint, book })
}

fn truth(agent: &Agent) -> Vec<TrueTurn> {
    agent.truth().requests.iter().filter_map(|record| true_turn(record)).collect()
}

fn true_turn(record: &Record) -> Option<TrueTurn> {
    Some(TrueTurn {
        message: record.message.text()?.into(),
        ttfc: record.first_chunk?.since(record.arrived),
        total: record.ended?.since(record.arrived),
    })
}
