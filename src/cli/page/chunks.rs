//! When the chunks of single turns came, where the run recorded them.

use std::collections::HashMap;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::report::html::Turn;

/// One line of `chunks.jsonl`; its text is passed over.
#[derive(Deserialize)]
struct Line {
    session: String,
    turn: u32,
    attempt: u32,
    #[serde(default)]
    chunks: Vec<(u64, IgnoredAny)>,
}

/// Tells each turn when its chunks came. A line that is not whole was being written when the run was
/// killed, and is the last.
///
/// # Errors
/// The file cannot be read.
pub(super) fn tell(mut lines: impl BufRead, turns: &mut [Turn]) -> io::Result<()> {
    let mut wanted: HashMap<_, &mut Turn> = turns
        .iter_mut()
        .map(|turn| {
            let sample = &turn.sample;
            ((sample.session_id.to_string(), sample.turn, sample.attempt), turn)
        })
        .collect();
    let mut bytes = Vec::new();
    // Not as text: a line may have been cut within a character.
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        let line = serde_json::from_slice::<Line>(&bytes);
        bytes.clear();
        let Ok(line) = line else { continue };
        if let Some(turn) = wanted.remove(&(line.session, line.turn, line.attempt)) {
            turn.chunks = line.chunks.into_iter().map(|(micros, _)| micros).collect();
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(())
}
