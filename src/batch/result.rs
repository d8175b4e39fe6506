//! A line of the results, and what it says of each attempt.

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::Status;
use crate::sample::Tokens;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// What the row is known by.
    pub id: &'a str,
    /// What it came to.
    pub status: Status,
    /// Of the last attempt that had one.
    pub http_status: Option<u16>,
    /// The answer, where it is whole (even if not what was expected); of a script, the last one.
    pub text: Option<&'a str>,
    /// The answers of a script, as far as they are whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<&'a [Turn]>,
    /// What went wrong, in the words of `samples.csv`.
    pub error: Option<&'a str>,
    /// More about it.
    pub message: Option<&'a str>,
    /// Every attempt, in order.
    pub attempts: &'a [Box<RawValue>],
    /// Pieces of the answer.
    pub chunks: u64,
    /// Bytes of body of the last attempt.
    pub bytes: u64,
    /// Tokens of the answers, where the server counts them.
    #[serde(skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
    /// As sent last.
    pub session_id: Option<&'a str>,
    /// The other fields of the row, as they were written.
    pub meta: Meta<'a>,
}

/// One answer of a script.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Turn {
    /// What was answered.
    pub text: String,
    /// To the first chunk since it was sent, in milliseconds.
    pub ttfc_ms: Option<f64>,
    /// To the end of the reply since it was sent, in milliseconds.
    pub total_ms: Option<f64>,
    /// Pieces of the answer.
    pub chunks: u64,
    /// Its tokens, where the server counts them.
    #[serde(skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
}

/// Tokens as the server counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    /// Of what was asked, earlier messages included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Of what was answered, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Of those, the reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    pub(super) fn of(tokens: Tokens) -> Self {
        Self {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            reasoning_tokens: tokens.reasoning,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In the words of OpenAI's chat completions.
    pub(super) fn openai(self) -> serde_json::Value {
        let total = self.input_tokens.zip(self.output_tokens).map(|(input, output)| input + output);
        serde_json::json!({
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": total,
        })
    }

    /// Of both together.
    pub(super) fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
        }
    }
}

/// Fields in the order of the row.
#[derive(Debug)]
pub(super) struct Meta<'a>(pub &'a [(String, Box<RawValue>)]);

impl Serialize for Meta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What is told of one attempt.
#[derive(Debug, Serialize)]
pub(super) struct Note<'a> {
    /// Wall time, RFC 3339; null where it was never sent.
    pub started_at: Option<String>,
    /// To the first chunk since it was sent.
    pub ttfc_ms: Option<f64>,
    /// To the end of the reply since it was sent.
    pub total_ms: Option<f64>,
    /// Waiting for a limiter, or for the gate of the target.
    pub queue_ms: f64,
    /// Waiting after the attempt before.
    pub backoff_ms: f64,
    /// The status, where a response head came.
    pub http_status: Option<u16>,
    /// How it ended: `completed`, `failed`, ..., or `in_doubt`.
    pub outcome: &'a str,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// Which turn of a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
}

/// What a csv result needs of a line.
#[derive(Debug, Deserialize)]
pub(super) struct LineRead {
    /// See [`Line`].
    pub status: Status,
    /// See [`Line`].
    pub text: Option<String>,
    /// See [`Line`].
    pub error: Option<String>,
    /// See [`Line`].
    pub attempts: Vec<NoteRead>,
}

/// What a csv result needs of an attempt.
#[derive(Debug, Deserialize)]
pub(super) struct NoteRead {
    /// See [`Note`].
    pub ttfc_ms: Option<f64>,
    /// See [`Note`].
    pub total_ms: Option<f64>,
}

/// An attempt that was sent, or was about to be, when the process died.
pub(super) fn in_doubt() -> Box<RawValue> {
    raw(&Note {
        started_at: None,
        ttfc_ms: None,
        total_ms: None,
        queue_ms: 0.0,
        backoff_ms: 0.0,
        http_status: None,
        outcome: "in_doubt",
        error: None,
        turn: None,
    })
}

/// Anything as JSON; it is made of names and numbers, which can always be written.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

/// Milliseconds with microsecond digits.
pub(super) fn millis(duration: std::time::Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}
