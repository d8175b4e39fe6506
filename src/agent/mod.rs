//! The embedded agent: the endpoint for real, which behaves as it is told and keeps the truth.
//!
//! It speaks its own HTTP/1.1 on plain sockets, because faults and exact stamps need the socket
//! itself (`docs/decisions/agent-own-http.md`). It uses nothing of `protocol`, `client` or
//! `exchange`, so that server and client cannot share a mistake.
//!
//! In reading order: what can be told to it (`options` and the words in it), what is asked (`request`,
//! `ask`), what is answered (`sessions`, `text`, `twist`, `dress`, `draft`, `compose`), what really happened (`truth`),
//! and the part with sockets (`connection`, `answer`, `server`).

pub mod script;

mod draw;
mod fault;
mod options;
mod replay;
mod upstream;
mod when;
mod window;

mod ask;
mod receive;
mod refusal;
mod request;

mod capacity;
mod compose;
mod draft;
mod dress;
mod reply;
mod sessions;
mod text;
mod twist;

mod pending;
mod shared;
mod truth;

mod answer;
mod connection;
mod incoming;
mod pages;
mod play;
mod relay;
mod server;

pub use draw::{Amount, Draw};
pub use fault::{Fault, FaultRule, RetryAfter};
pub use options::{Behaviour, Capacity, Framing, Limits, Options, Rule, Source, WhenFull};
pub use replay::{Recording, ReplayError};
pub use server::{Agent, AgentError, start};
pub use truth::{End, Message, Record, Truth};
pub use upstream::Upstream;
pub use when::When;
pub use window::Window;
