//! `samples.csv`: one row an attempt, written while the run goes, read by column name.

mod cells;
mod read;
mod write;

pub use read::{Row, SampleReader, SamplesError};
pub use write::SampleWriter;

/// The columns in the order they are written. New ones are only ever appended.
pub const COLUMNS: [&str; 42] = [
    "sample",
    "session",
    "session_name",
    "user",
    "turn",
    "attempt",
    "phase",
    "intended_ms",
    "started_ms",
    "headers_ms",
    "first_chunk_ms",
    "last_chunk_ms",
    "ended_ms",
    "connect_ms",
    "ttfc_ms",
    "total_ms",
    "ttfc_service_ms",
    "total_service_ms",
    "lateness_ms",
    "chunks",
    "bytes",
    "status",
    "outcome",
    "error",
    "queue_ms",
    "message",
    "scenario",
    "retried",
    "reads",
    "session_number",
    "first_reasoning_ms",
    "tool_calls",
    "tokens_in",
    "tokens_out",
    "tokens_reasoning",
    "part",
    "session_turns",
    "connection",
    "dns_ms",
    "tcp_ms",
    "tls_ms",
    "client_lag_ms",
];

#[cfg(test)]
mod tests;
