//! Answers out of a recorded run, with the timing they had.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

/// Why a run cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("{}: {source}; record a run with `--record chunks` first", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{}, line {line}: {why}", path.display())]
    Line {
        /// In which file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is nothing in it.
    #[error("{}: nothing was recorded in it", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// A recorded run: one entry for each attempt.
#[derive(Debug)]
pub struct Recording {
    turns: Vec<Recorded>,
    speed: f64,
    state: Mutex<State>,
}

/// One recorded attempt, as `chunks.jsonl` has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Recorded {
    /// What was asked.
    message: String,
    /// Of the reply; null if there was none.
    #[serde(default)]
    pub(super) status: Option<u16>,
    /// When each chunk came, in microseconds since the request was sent, and its text.
    #[serde(default)]
    pub(super) chunks: Vec<(u64, String)>,
    /// When the reply ended.
    #[serde(default)]
    pub(super) total_us: Option<u64>,
    /// `completed`, or how it failed; absent: completed if there was a 200.
    #[serde(default)]
    outcome: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    /// The turns of a message, in order, and which of them is next.
    by_message: HashMap<Box<str>, (Vec<usize>, usize)>,
    used: Vec<bool>,
    /// Where to look for an unused turn.
    next: usize,
    matched: u64,
    by_order: u64,
    again: u64,
}

/// How a request found its recorded turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// By its message.
    Message,
    /// No turn has its message: the next in order.
    Order,
    /// All turns it could have had were used already: one of them once more.
    Again,
}

impl Recording {
    /// Reads a run directory's `chunks.jsonl`, or that file itself. `speed` 2 plays twice as fast.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is not a recorded turn.
    pub fn read(path: &Path, speed: f64) -> Result<Self, ReplayError> {
        let path = if path.is_dir() { path.join("chunks.jsonl") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ReplayError::Read { path: path.clone(), source })?;
        Self::parse(&text, speed).map_err(|(line, why)| match line {
            0 => ReplayError::Empty { path },
            line => ReplayError::Line { path, line, why },
        })
    }

    fn parse(text: &str, speed: f64) -> Result<Self, (usize, String)> {
        let mut turns: Vec<Recorded> = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let turn = serde_json::from_str(line).map_err(|error| {
                (index + 1, format!("not a recorded turn (column {}): {error}", error.column()))
            })?;
            turns.push(turn);
        }
        if turns.is_empty() {
            return Err((0, String::new()));
        }
        let mut state = State { used: vec![false; turns.len()], ..State::default() };
        for (index, turn) in turns.iter().enumerate() {
            state.by_message.entry(turn.message.as_str().into()).or_default().0.push(index);
        }
        Ok(Self { turns, speed, state: Mutex::new(state) })
    }

    /// The turn for a message: by message, else the next one in order.
    pub(super) fn take(&self, message: &str) -> (&Recorded, Match) {
        let mut state = self.state();
        let state = &mut *state;
        let (index, found) = match state.by_message.get_mut(message) {
            Some((turns, next)) => {
                let found = if *next < turns.len() { Match::Message } else { Match::Again };
                let index = turns[*next % turns.len()];
                *next += 1;
                (index, found)
            }
            None => {
                while state.used.get(state.next) == Some(&true) {
                    state.next += 1;
                }
                let found = if state.next < self.turns.len() { Match::Order } else { Match::Again };
                let index = state.next % self.turns.len();
                // Those that were used already come round in order as well.
                state.next += 1;
                (index, found)
            }
        };
        state.used[index] = true;
        match found {
            Match::Message => state.matched += 1,
            Match::Order => state.by_order += 1,
            Match::Again => state.again += 1,
        }
        (&self.turns[index], found)
    }

    /// A recorded moment at the speed of the replay.
    pub(super) fn at(&self, micros: u64) -> Duration {
        let seconds = micros as f64 / 1e6 / self.speed;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(86_400))
    }

    /// What was matched and what was not: one sentence.
    pub fn account(&self) -> String {
        let state = self.state();
        let unused = state.used.iter().filter(|used| !**used).count();
        format!(
            "Replayed {} turns by message, {} by order (no turn had their message), {} once more; \
             {unused} of {} recorded turns were not asked for.",
            state.matched,
            state.by_order,
            state.again,
            self.turns.len()
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the state half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    /// Whether the reply broke off.
    pub(super) fn broke_off(&self) -> bool {
        self.outcome.as_deref().is_some_and(|outcome| outcome != "completed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = concat!(
        r#"{"session":"s","turn":1,"message":"a","status":200,"chunks":[[10,"x"],[20,"y"]],"total_us":30}"#,
        "\n",
        r#"{"session":"t","turn":1,"message":"b","status":200,"chunks":[[10,"z"]],"total_us":30}"#,
        "\n",
        r#"{"session":"u","turn":1,"message":"a","status":503,"chunks":[],"total_us":9}"#,
        "\n"
    );

    #[test]
    fn turns_are_found_by_message_then_by_order() {
        let run = Recording::parse(RUN, 2.0).unwrap();
        let text = |turn: &Recorded| turn.chunks.first().map(|chunk| chunk.1.clone());
        assert_eq!(run.take("a").1, Match::Message);
        let (turn, found) = run.take("unheard of");
        assert_eq!((text(turn).as_deref(), found), (Some("z"), Match::Order));
        let (turn, found) = run.take("a");
        assert_eq!((turn.status, found), (Some(503), Match::Message));
        assert_eq!(run.take("a").1, Match::Again);
        assert_eq!(run.take("nor of this").1, Match::Again);
        assert!(run.account().contains("0 of 3"), "{}", run.account());
        assert_eq!(run.at(30), Duration::from_micros(15));
    }

    #[test]
    fn a_line_that_is_not_a_turn_is_named() {
        let error = Recording::parse(&format!("{RUN}{{\"turn\":1}}\n"), 1.0).unwrap_err();
        assert_eq!(error.0, 4);
        assert!(error.1.contains("message"), "{}", error.1);
        assert!(Recording::parse("\n", 1.0).is_err());
    }
}
