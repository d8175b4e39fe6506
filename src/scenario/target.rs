//! Who is asked, and how: the checked `target`.

use core::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// Who is asked. `${VAR}` in its strings is expanded here; `written` keeps them as typed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The same before `${VAR}` was expanded, for files that are kept.
    pub written: WrittenTarget,
    /// Where the agent is.
    pub url: TargetUrl,
    /// Which protocol it speaks.
    pub protocol: Protocol,
    /// How a `lyzr-v2` reply is framed.
    pub framing: Framing,
    /// Who answers.
    pub agent_id: String,
    /// The variable that holds the key, where the scenario names one.
    pub api_key_env: Option<String>,
    /// Further headers, values expanded.
    pub headers: Vec<(String, String)>,
    /// When to give up.
    pub timeouts: Timeouts,
    /// What of a conversation is sent with each message, where the agent does not remember it.
    pub history: History,
    /// How it is reached.
    pub connections: Connections,
}

/// What of a conversation is sent with each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// What was asked before, and what the agent really answered.
    #[default]
    Live,
    /// What was asked before, and what stands in the prompt file as the answers to it.
    Recorded,
    /// Nothing: every message stands alone.
    None,
}

/// How a target is reached.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// Who uses which connection.
    pub keep: Keep,
    /// Which of our transports asks.
    pub via: Via,
    /// Addresses of ours that connections come from, in turn; none: as the system says.
    pub sources: Vec<IpAddr>,
    /// HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// The URL of a proxy that everything goes through; may hold a password.
    pub proxy: Option<String>,
    /// Certificates that are trusted besides those of the system.
    pub ca: Option<PemFile>,
    /// Who we are to a server that asks.
    pub identity: Option<ClientIdentity>,
    /// Addresses of the target's host, instead of those its name resolves to.
    pub resolve: Vec<IpAddr>,
}

/// Which of our transports asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// The wire transport where it can: HTTP/1.1 without a proxy. Else reqwest.
    #[default]
    Auto,
    /// Our own, on the socket itself.
    Wire,
    /// reqwest.
    Reqwest,
}

/// Who uses which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Every request takes whichever is free.
    #[default]
    Shared,
    /// Connections are kept for the user they were opened for.
    PerUser,
    /// A new one for every request.
    PerRequest,
}

/// A file of certificates.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// Where it is, as written.
    pub path: PathBuf,
    /// Its content, checked to hold at least one certificate.
    pub pem: Vec<u8>,
}

impl std::fmt::Debug for PemFile {
    /// Without its content: the key may stand in the same file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PemFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A certificate of ours and its key.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate, and those that lead to its root.
    pub certificate: PemFile,
    /// Where the key is, as written.
    pub key_path: PathBuf,
    /// The key, in PEM.
    pub key: Secret,
}

/// What of the target may hold `${VAR}`, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenTarget {
    /// `target.url`.
    pub url: String,
    /// `target.agent_id`.
    pub agent_id: String,
    /// `target.headers`; may hold secrets.
    pub headers: Vec<(String, String)>,
    /// `target.proxy`; may hold a password.
    pub proxy: String,
    /// `target.resolve`.
    pub resolve: Vec<String>,
}

/// Where the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetUrl {
    /// The embedded agent, started for the run on a free loopback port.
    Embedded,
    /// `http://` or `https://`; checked to be a URL, completed with a path by the protocol.
    Remote(String),
}

/// The API an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `POST /v2/stream/` of the Lyzr Agent API.
    LyzrV2,
    /// `POST /v3/inference/stream/` of the Lyzr Agent API.
    LyzrV3,
    /// OpenAI-compatible `POST /v1/chat/completions`.
    OpenAi,
}

/// How a reply is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Found out from the reply itself.
    #[default]
    Auto,
    /// Plain text as it comes.
    Raw,
    /// Server-sent events.
    Sse,
    /// JSON objects with a `response`.
    Json,
}

/// When to give up; all count from when the request was sent, `idle` from the last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening a connection.
    pub connect: Duration,
    /// Until the first chunk.
    pub first_chunk: Duration,
    /// Between chunks.
    pub idle: Duration,
    /// The whole reply.
    pub total: Duration,
}
