//! `answers.jsonl` and `chunks.jsonl`: what was said, one line an attempt.

use std::io::{self, Write};

use serde::Serialize;

use super::Sink;
use crate::event::Said;
use crate::units::Offset;

/// Writes what was said.
pub struct SaidFile<W> {
    out: W,
    kinds: Vec<String>,
    chunks: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    session: &'a str,
    session_name: &'a str,
    user: &'a str,
    turn: u32,
    attempt: u32,
    /// What was asked.
    message: &'a str,
    status: Option<u16>,
    outcome: &'a str,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// Microseconds after the request was sent, and the text of the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    chunks: Option<Vec<(u64, &'a str)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_us: Option<u64>,
}

impl<W: Write + Send> SaidFile<W> {
    /// Whole answers.
    pub fn answers(out: W, kinds: Vec<String>) -> Self {
        Self { out, kinds, chunks: false }
    }

    /// Every chunk with its time.
    pub fn chunks(out: W, kinds: Vec<String>) -> Self {
        Self { out, kinds, chunks: true }
    }
}

impl<W: Write + Send> Sink for SaidFile<W> {
    fn said(&mut self, said: &Said) -> io::Result<()> {
        let sample = &said.sample;
        let started = sample.timeline.started.unwrap_or(sample.timeline.intended);
        let after = |at: Offset| at.micros().saturating_sub(started.micros());
        let chunks = self.chunks.then(|| {
            let mut start = 0;
            let chunks = said.pieces.iter().map(|piece| {
                let text = &said.text[start..piece.end];
                start = piece.end;
                (after(piece.at), text)
            });
            chunks.collect()
        });
        let line = Line {
            session: &sample.session_id,
            session_name: self.kinds.get(usize::from(sample.kind)).map_or("", String::as_str),
            user: &sample.user_id,
            turn: sample.turn,
            attempt: sample.attempt,
            message: &said.message,
            status: sample.status,
            outcome: sample.outcome.word(),
            error: sample.outcome.error(),
            text: (!self.chunks).then_some(said.text.as_str()),
            chunks,
            headers_us: self.chunks.then(|| sample.timeline.headers.map(after)).flatten(),
            total_us: self.chunks.then(|| after(sample.timeline.ended)),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
