//! How an agent behaves: everything that can be told to it.

use std::sync::Arc;
use std::time::Duration;

use super::draw::{Amount, Draw};
use super::fault::{FaultRule, RetryAfter};
use super::replay::Recording;
use super::upstream::Upstream;
use super::when::When;
use super::window::Window;
use crate::secret::Secret;
use crate::units::{Delay, Rate, Span};

/// Everything an agent can be told. The default is a demonstration at human speed.
#[derive(Debug, Clone)]
pub struct Options {
    /// How it answers where no rule says otherwise.
    pub behaviour: Behaviour,
    /// The first whose conditions hold decides how a request is answered.
    pub rules: Vec<Rule>,
    /// Each whose conditions hold happens to a request.
    pub faults: Vec<FaultRule>,
    /// How much it takes on at once.
    pub capacity: Capacity,
    /// When the whole server stands still.
    pub freezes: Vec<Window>,
    /// When connections are refused.
    pub refusals: Vec<Window>,
    /// The agents it knows; empty: any.
    pub agents: Vec<String>,
    /// The key it wants; `None`: any that is not empty.
    pub api_key: Option<Secret>,
    /// Where its answers come from.
    pub source: Source,
    /// What delays, sizes and faults are drawn from, together with the number of the request.
    pub seed: u64,
    /// Threads that serve, each with its own event loop.
    pub threads: usize,
    /// What bounds its memory.
    pub limits: Limits,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// From the complete request to the first chunk.
    pub first_chunk: Draw,
    /// From chunk to chunk.
    pub gap: Draw,
    /// Chunks with text in a reply.
    pub chunks: Amount,
    /// Bytes of text in a chunk; `None`: a word or as much as the text needs.
    pub chunk_bytes: Option<Amount>,
    /// Chunks that are written at once, as one piece.
    pub per_write: Amount,
    /// Whether every chunk is written in two halves, half a gap apart.
    pub split_writes: bool,
    /// How `/v2/stream/` frames its reply.
    pub framing: Framing,
    /// Chunks of reasoning before the answer, on the OpenAI-compatible paths.
    pub reasoning: Amount,
    /// The answer, word for word, instead of one that refers to the session.
    pub answer: Option<Arc<str>>,
}

/// A behaviour for some requests.
#[derive(Debug, Clone)]
pub struct Rule {
    /// For which.
    pub when: When,
    /// How they are answered.
    pub behaviour: Behaviour,
}

/// How `/v2/stream/` frames its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// The text as it is.
    #[default]
    Raw,
    /// Server-sent events, as the successor endpoint sends them.
    Sse,
    /// One JSON document at the end.
    Json,
}

/// How much an agent takes on.
#[derive(Debug, Clone, Default)]
pub struct Capacity {
    /// Replies at once.
    pub max_concurrent: Option<usize>,
    /// What happens to those beyond.
    pub when_full: WhenFull,
    /// Replies in a span of time; those beyond get a 429.
    pub rate: Option<Rate>,
    /// How a 429 says when to come again.
    pub retry_after: RetryAfter,
    /// Replies until the credits have run out.
    pub credits: Option<u64>,
}

/// What happens when all places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// Wait for a place, first come first served.
    #[default]
    Queue,
    /// A 429 at once.
    Reject,
}

/// Where answers come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// Made up on the spot.
    #[default]
    Composed,
    /// A recorded run, with its timing.
    Replay(Arc<Recording>),
    /// Another server.
    Upstream(Arc<Upstream>),
}

/// What bounds the agent's memory, and its patience.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests kept in the truth log; the oldest leave.
    pub truth: usize,
    /// Whether the time of every write of a reply is kept there (of the first 4,096).
    pub truth_writes: bool,
    /// Sessions kept; those longest unused leave.
    pub sessions: usize,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of all bodies that are being read at once.
    pub buffered_bytes: usize,
    /// Connections at once; `None`: as many as there are descriptors.
    pub connections: Option<usize>,
    /// How long a head or a body may take to arrive.
    pub request_time: Duration,
    /// How long a connection may rest between requests.
    pub idle_time: Duration,
    /// How long a write may wait for a client that does not read.
    pub write_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::default(),
            rules: Vec::new(),
            faults: Vec::new(),
            capacity: Capacity::default(),
            freezes: Vec::new(),
            refusals: Vec::new(),
            agents: Vec::new(),
            api_key: None,
            source: Source::Composed,
            seed: 0,
            threads: 1,
            limits: Limits::default(),
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            first_chunk: Draw::Delay(Delay::LogNormal(Span(Duration::from_millis(150)), 0.3)),
            gap: Draw::Delay(Delay::Exponential(Span(Duration::from_millis(15)))),
            chunks: Amount::Uniform(16, 24),
            chunk_bytes: None,
            per_write: Amount::Fixed(1),
            split_writes: false,
            framing: Framing::Raw,
            reasoning: Amount::Fixed(0),
            answer: None,
        }
    }
}

impl Behaviour {
    /// Replies of so many chunks with fixed delays: for measuring, not for looking at.
    pub fn fixed(first_chunk: Duration, gap: Duration, chunks: u32) -> Self {
        Self {
            first_chunk: Draw::fixed(first_chunk),
            gap: Draw::fixed(gap),
            chunks: Amount::Fixed(chunks),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            truth: 100_000,
            truth_writes: false,
            sessions: 10_000,
            head_bytes: 16 * 1024,
            body_bytes: 8 * 1024 * 1024,
            buffered_bytes: 256 * 1024 * 1024,
            connections: None,
            request_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(300),
            write_time: Duration::from_secs(300),
        }
    }
}

/// The longest reply that may be asked for, in bytes of text.
const LONGEST_REPLY: u64 = 64 * 1024 * 1024;

impl Options {
    /// Why these options cannot be, if so: one sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.threads == 0 {
            return Err("an agent needs at least one thread".into());
        }
        if self.capacity.max_concurrent == Some(0) {
            return Err("an agent that answers 0 requests at once never answers".into());
        }
        if self.limits.connections == Some(0) {
            return Err("an agent that takes 0 connections is never asked".into());
        }
        for window in self.freezes.iter().chain(&self.refusals) {
            if window.every.is_some_and(|every| every <= window.lasting) {
                return Err("a stretch of time begins again before it has ended".into());
            }
        }
        for behaviour in
            std::iter::once(&self.behaviour).chain(self.rules.iter().map(|rule| &rule.behaviour))
        {
            let bytes = behaviour.chunk_bytes.as_ref().map_or(16, Amount::largest).max(1);
            let chunks = behaviour.chunks.largest();
            if u64::from(chunks) * u64::from(bytes) > LONGEST_REPLY {
                return Err(format!(
                    "a reply of {chunks} chunks of {bytes} bytes is longer than 64 MiB: ask for \
                     fewer or smaller chunks"
                ));
            }
            if behaviour.per_write.largest() == 0 {
                return Err("at least one chunk goes into a write".into());
            }
        }
        Ok(())
    }
}
