//! What a decoder notes while a reply comes in.

use std::time::Duration;

use crate::measure::Within;
use crate::sample::{Failure, Tokens};
use crate::units::Offset;

/// The growing record of one reply. Kept and cleared between replies, so that a warm worker
/// allocates nothing for a turn.
#[derive(Debug, Default)]
pub struct Reply {
    first: Option<Offset>,
    last: Option<Offset>,
    chunks: u64,
    reads: u64,
    within: Within,
    first_reasoning: Option<Offset>,
    last_sign: Option<Offset>,
    tool_calls: u64,
    tokens: Tokens,
    keep: Keep,
    text: String,
    pieces: Vec<Piece>,
}

/// Where one chunk stands in the kept text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The stamp of the read that completed it.
    pub at: Offset,
    /// Where its text ends in [`Reply::text`]; it starts where the one before ends.
    pub end: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Keep {
    #[default]
    Nothing,
    Text,
    Pieces,
}

/// Why a reply that came with a 2xx is not an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The kind of failure: `agent`, `protocol`, `truncated` or `empty`.
    pub failure: Failure,
    /// More about it, without reply text.
    pub message: String,
}

impl Breach {
    pub(super) fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into() }
    }
}

impl Reply {
    /// Forgets the last reply. `keep_text` keeps the text of the next, `keep_pieces` also where
    /// its chunks lie in it.
    pub fn clear(&mut self, keep_text: bool, keep_pieces: bool) {
        self.first = None;
        self.last = None;
        self.chunks = 0;
        self.reads = 0;
        self.within.clear();
        self.first_reasoning = None;
        self.last_sign = None;
        self.tool_calls = 0;
        self.tokens = Tokens::default();
        self.text.clear();
        self.pieces.clear();
        self.keep = match (keep_text, keep_pieces) {
            (_, true) => Keep::Pieces,
            (true, false) => Keep::Text,
            (false, false) => Keep::Nothing,
        };
    }

    /// Notes a chunk that the read stamped `at` completed. Empty text is not a chunk.
    pub(super) fn chunk(&mut self, at: Offset, text: &str) {
        if text.is_empty() {
            return;
        }
        self.chunks += 1;
        match self.last {
            None => {
                self.first = Some(at);
                self.reads = 1;
            }
            Some(last) => {
                // Several chunks of one read share its stamp.
                self.reads += u64::from(last != at);
            }
        }
        self.within.chunk(at);
        self.last = Some(at);
        if self.keep != Keep::Nothing {
            self.text.push_str(text);
            if self.keep == Keep::Pieces {
                self.pieces.push(Piece { at, end: self.text.len() });
            }
        }
    }

    /// Notes reasoning in the read stamped `at`: it is not text of the answer, but a sign of life.
    pub(super) fn reasoning(&mut self, at: Offset) {
        self.first_reasoning.get_or_insert(at);
        self.last_sign = Some(at);
    }

    /// Notes that part of a tool call came in the read stamped `at`, and that there are at least
    /// `count` of them by now.
    pub(super) fn tool_call(&mut self, at: Offset, count: u64) {
        self.tool_calls = self.tool_calls.max(count);
        self.last_sign = Some(at);
    }

    /// Notes what the server counted; later words of it replace earlier ones.
    pub(super) fn count_tokens(&mut self, tokens: Tokens) {
        self.tokens.input = tokens.input.or(self.tokens.input);
        self.tokens.output = tokens.output.or(self.tokens.output);
        self.tokens.reasoning = tokens.reasoning.or(self.tokens.reasoning);
    }

    /// The read that brought the first reasoning.
    pub fn first_reasoning(&self) -> Option<Offset> {
        self.first_reasoning
    }

    /// The last read that showed the agent at work on the answer: with text, reasoning or a part of
    /// a tool call.
    pub fn last_sign(&self) -> Option<Offset> {
        self.last.max(self.last_sign)
    }

    /// Tools the agent asked to be called.
    pub fn tool_calls(&self) -> u64 {
        self.tool_calls
    }

    /// What the server counted.
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// The read that brought the first non-empty text.
    pub fn first_chunk(&self) -> Option<Offset> {
        self.first
    }

    /// The read that brought the last non-empty text.
    pub fn last_chunk(&self) -> Option<Offset> {
        self.last
    }

    /// Pieces of reply that carried text.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Reads that brought them.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// The times between them, and how long their reads lay in the kernel.
    pub fn within(&self) -> &Within {
        &self.within
    }

    /// Notes how long the bytes of a read had lain in the kernel.
    pub fn lag(&mut self, lag: Duration) {
        self.within.lag(lag);
    }

    /// The text, where it was asked to be kept.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the chunks lie in the text, where that was asked for.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}
