//! What is said: bytes in, meaning out. No socket, no clock, no task.
//!
//! A [`Dialect`] builds the body of a request and gives a decoder for its reply. The decoder is fed
//! reads in the order they came, each with the stamp it was given when it returned, and notes in a
//! [`Reply`] which stamped read completed which chunk.

mod completion_event;
mod dialect;
mod endpoint;
mod error_body;
mod event_stream;
mod lyzr_v2;
mod lyzr_v3;
mod openai;
mod payload;
mod reply;
mod retry_after;
mod sse;
mod text;
mod tokens;

pub use dialect::{Asking, Decoder, Dialect, Message, Role};
pub use endpoint::{Endpoint, EndpointError};
pub use error_body::ErrorBody;
pub use reply::{Breach, Piece, Reply};
pub use retry_after::retry_after;
pub use sse::{SseDecoder, SseError, SseEvent};
