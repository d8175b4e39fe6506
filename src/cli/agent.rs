//! `streamgauge agent`: the embedded agent by itself.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;

use super::signals::Signals;
use crate::agent::{
    self, Agent, Amount, Draw, FaultRule, Framing, Options, Recording, RetryAfter, Source,
    Upstream, WhenFull, Window,
};
use crate::clock::Clock;
use crate::scenario::Surroundings;
use crate::secret::Secret;
use crate::surroundings::Process;
use crate::units::{Rate, Span};

/// Serve the embedded agent: POST /v2/stream/ and friends.
///
/// The first line on stdout is the base URL. GET /_truth tells what was really received and sent, and
/// when. Delays: `2s`, `uniform(1s, 3s)`, `exp(2s)`, `lognormal(2s, 0.5)`, `bimodal(20ms, 500ms, 5%)`,
/// `list(10ms, 12ms, 90ms)`. Amounts: `20`, `uniform(5, 40)`, `list(1, 1, 8)`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8123")]
    listen: SocketAddr,

    /// Read the behaviour from a YAML file; flags given beside it win
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// From the complete request to the first chunk
    #[arg(long, value_name = "DELAY")]
    first_chunk: Option<Draw>,

    /// From chunk to chunk
    #[arg(long, value_name = "DELAY")]
    gap: Option<Draw>,

    /// Chunks in a reply
    #[arg(long, value_name = "AMOUNT")]
    chunks: Option<Amount>,

    /// Bytes of text in a chunk; without it, a word each
    #[arg(long, value_name = "AMOUNT")]
    chunk_bytes: Option<Amount>,

    /// Chunks that are written as one piece
    #[arg(long, value_name = "AMOUNT")]
    per_write: Option<Amount>,

    /// Write every chunk in two halves
    #[arg(long)]
    split_writes: bool,

    /// How /v2/stream/ frames its reply
    #[arg(long, value_name = "FRAMING")]
    framing: Option<Framing>,

    /// Chunks of reasoning before the answer, on the OpenAI-compatible paths
    #[arg(long, value_name = "AMOUNT")]
    reasoning: Option<Amount>,

    /// Answer with this text instead of one that refers to the session
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,

    /// Want the key that this environment variable holds; without it any key will do
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,

    /// Know only this agent (again for more); without it, any
    #[arg(long = "agent-id", value_name = "ID")]
    agent_ids: Vec<String>,

    /// Answer so many requests at once
    #[arg(long, value_name = "N")]
    max_concurrent: Option<usize>,

    /// What happens to requests beyond that
    #[arg(long, value_name = "WHAT")]
    when_full: Option<WhenFull>,

    /// Answer so many requests in a time (`5/s`, `300/m`); those beyond get a 429
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,

    /// How a 429 says when to come again
    #[arg(long, value_name = "FORM")]
    retry_after: Option<RetryAfter>,

    /// Answer so many requests, then 429 "Insufficient credits"
    #[arg(long, value_name = "N")]
    credits: Option<u64>,

    /// A fault and when it happens: `status=503@5%`, `cut=3@7`, `reset@message:*refund*` (docs/faults.md)
    #[arg(long = "fault", value_name = "FAULT[@WHEN]")]
    faults: Vec<FaultRule>,

    /// Stand still: `10s+2s`, ten seconds after the first request for two; `10s+2s/30s`, again and again
    #[arg(long = "freeze", value_name = "WINDOW")]
    freezes: Vec<Window>,

    /// Refuse connections in such a stretch of time
    #[arg(long = "refuse", value_name = "WINDOW")]
    refusals: Vec<Window>,

    /// Answer as recorded in a run (`run --record chunks`), with the timing it had
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "upstream")]
    replay: Option<PathBuf>,

    /// Play a recorded run so many times faster
    #[arg(long, value_name = "FACTOR", default_value = "1", requires = "replay")]
    replay_speed: f64,

    /// Let an OpenAI-compatible server answer; the agent keeps the sessions
    #[arg(long, value_name = "URL", requires = "upstream_model")]
    upstream: Option<String>,

    /// The model to ask for there
    #[arg(long, value_name = "NAME", requires = "upstream")]
    upstream_model: Option<String>,

    /// The environment variable that holds the key it wants
    #[arg(long, value_name = "NAME", requires = "upstream")]
    upstream_key_env: Option<String>,

    /// What delays, sizes and faults are drawn from
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Threads that serve
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Requests kept in the truth log
    #[arg(long, value_name = "N")]
    truth_log: Option<usize>,

    /// Keep the time of every write in the truth log
    #[arg(long)]
    truth_writes: bool,

    /// Sessions kept; those longest unused leave
    #[arg(long, value_name = "N")]
    sessions: Option<usize>,

    /// Bytes a request body may have
    #[arg(long, value_name = "BYTES")]
    max_body: Option<usize>,

    /// Connections at once; those beyond wait to be accepted
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,

    /// How long a request may take to arrive
    #[arg(long, value_name = "DURATION")]
    request_timeout: Option<Span>,

    /// How long a connection may rest between requests
    #[arg(long, value_name = "DURATION")]
    idle_timeout: Option<Span>,
}

/// Runs the agent until Ctrl-C or SIGTERM; the exit code.
pub fn run(args: Args) -> u8 {
    let listen = args.listen;
    let started = args
        .options()
        .and_then(|options| {
            agent::start(listen, options, Clock::start()).map_err(|error| match error {
                agent::AgentError::Options(_) => Refused { code: 2, why: error.to_string() },
                error => Refused { code: 1, why: error.to_string() },
            })
        })
        .and_then(|agent| attend(agent).map_err(|why| Refused { code: 1, why }));
    match started {
        Ok(()) => 0,
        Err(Refused { code, why }) => {
            say(&format!("error: {why}"));
            code
        }
    }
}

struct Refused {
    code: u8,
    why: String,
}

/// Says where the agent is, waits for a signal, and says what came of it.
fn attend(agent: Agent) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the agent cannot wait for signals: {error}"))?;
    runtime
        .block_on(async {
            // Listening for signals comes before the URL: whoever reads it may send one at once.
            let mut ended = Signals::new().map_err(|error| format!("no signals: {error}"))?;
            let url = agent.base_url();
            let mut stdout = std::io::stdout().lock();
            // Nobody may be reading; that is no reason not to serve.
            let _ = writeln!(stdout, "{url}").and_then(|()| stdout.flush());
            drop(stdout);
            say(&format!(
                "The agent listens on {url} (POST /v2/stream/; GET /_truth). Ctrl-C ends it."
            ));
            let signal = ended.next().await;
            say(&format!("{signal}: stopping."));
            Ok(())
        })
        .map(|()| {
            let replayed = agent.replay_account();
            let truth = agent.stop();
            say(&format!(
                "Stopped after {} requests; write lateness p50 {} µs, p99 {} µs.",
                truth.requests.len() as u64 + truth.dropped,
                truth.lateness.value_at_quantile(0.5),
                truth.lateness.value_at_quantile(0.99),
            ));
            if let Some(account) = replayed {
                say(&account);
            }
        })
}

impl Args {
    fn options(self) -> Result<Options, Refused> {
        let usage = |why: String| Refused { code: 2, why };
        let mut options = match &self.script {
            None => Options::default(),
            Some(path) => agent::script::read(path).map_err(|error| usage(error.to_string()))?,
        };
        if let Some(name) = &self.api_key_env {
            options.api_key = Some(key(name).map_err(usage)?);
        }
        // A flag beside a script means every request: it goes into the rules as well.
        let behaviours = std::iter::once(&mut options.behaviour)
            .chain(options.rules.iter_mut().map(|rule| &mut rule.behaviour));
        for behaviour in behaviours {
            take(&mut behaviour.first_chunk, &self.first_chunk);
            take(&mut behaviour.gap, &self.gap);
            take(&mut behaviour.chunks, &self.chunks);
            take(&mut behaviour.per_write, &self.per_write);
            take(&mut behaviour.framing, &self.framing);
            take(&mut behaviour.reasoning, &self.reasoning);
            behaviour.chunk_bytes = self.chunk_bytes.clone().or(behaviour.chunk_bytes.take());
            behaviour.answer = self.answer.as_deref().map(Into::into).or(behaviour.answer.take());
            behaviour.split_writes |= self.split_writes;
        }
        let capacity = &mut options.capacity;
        capacity.max_concurrent = self.max_concurrent.or(capacity.max_concurrent);
        capacity.rate = self.rate.or(capacity.rate);
        capacity.credits = self.credits.or(capacity.credits);
        take(&mut capacity.when_full, &self.when_full);
        take(&mut capacity.retry_after, &self.retry_after);
        let limits = &mut options.limits;
        take(&mut limits.truth, &self.truth_log);
        take(&mut limits.sessions, &self.sessions);
        take(&mut limits.body_bytes, &self.max_body);
        take(&mut limits.request_time, &self.request_timeout.map(|span| span.0));
        take(&mut limits.idle_time, &self.idle_timeout.map(|span| span.0));
        limits.connections = self.max_connections.or(limits.connections);
        limits.truth_writes |= self.truth_writes;
        take(&mut options.seed, &self.seed);
        take(&mut options.threads, &self.threads);
        if let Some(run) = &self.replay {
            if !(self.replay_speed > 0.0 && self.replay_speed.is_finite()) {
                return Err(usage(format!(
                    "--replay-speed {} is not a factor above 0",
                    self.replay_speed
                )));
            }
            let recording = Recording::read(run, self.replay_speed);
            let recording = recording.map_err(|error| usage(error.to_string()))?;
            options.source = Source::Replay(Arc::new(recording));
        }
        if let (Some(url), Some(model)) = (&self.upstream, &self.upstream_model) {
            let secret = self.upstream_key_env.as_deref().map(key).transpose().map_err(usage)?;
            let upstream = Upstream::new(url, model, secret).map_err(usage)?;
            options.source = Source::Upstream(Arc::new(upstream));
        }
        options.agents.extend(self.agent_ids);
        options.faults.extend(self.faults);
        options.freezes.extend(self.freezes);
        options.refusals.extend(self.refusals);
        Ok(options)
    }
}

fn take<T: Clone>(place: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        *place = given.clone();
    }
}

fn key(name: &str) -> Result<Secret, String> {
    match Process.var(name) {
        Some(key) if !key.is_empty() => Ok(Secret::new(key)),
        _ => Err(format!("the environment variable {name} is not set: put the key into it")),
    }
}

fn say(text: &str) {
    // Talk that nobody hears is no error.
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl ValueEnum for Framing {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Raw, Self::Sse, Self::Json]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Raw => "raw",
            Self::Sse => "sse",
            Self::Json => "json",
        }))
    }
}

impl ValueEnum for WhenFull {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Queue, Self::Reject]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Queue => "queue",
            Self::Reject => "reject",
        }))
    }
}

impl ValueEnum for RetryAfter {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Seconds, Self::Date, Self::Ms, Self::Absent]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Seconds => "seconds",
            Self::Date => "date",
            Self::Ms => "ms",
            Self::Absent => "absent",
        }))
    }
}
