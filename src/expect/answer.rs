//! What expectations may ask about.

use std::cell::OnceCell;
use std::time::Duration;

use serde_json::Value;

/// A whole answer, as far as expectations see it.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its text. Empty where nobody asked for it to be kept ([`super::Expectations::needs_text`]).
    pub text: &'a str,
    /// Pieces that carried text.
    pub chunks: u64,
    /// Bytes of body.
    pub bytes: u64,
    /// Time to first chunk, from when the turn was due.
    pub ttfc: Option<Duration>,
    /// Until the answer ended, from when the turn was due.
    pub total: Duration,
    json: OnceCell<Option<Value>>,
}

impl<'a> Answer<'a> {
    /// An answer with these facts.
    pub fn new(
        text: &'a str,
        chunks: u64,
        bytes: u64,
        ttfc: Option<Duration>,
        total: Duration,
    ) -> Self {
        Self { text, chunks, bytes, ttfc, total, json: OnceCell::new() }
    }

    /// The text as JSON, read once however many expectations ask; `None` where it is not JSON.
    pub(super) fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_str(self.text.trim()).ok()).as_ref()
    }
}
