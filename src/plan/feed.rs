//! Which row of a feeder a session gets.

use std::sync::Arc;

use rand::RngExt;

use super::chance::{Purpose, generator, hash, permuted};
use crate::scenario::{Feeder, OnEnd, Pick, Row};

/// A feeder that sessions take rows from.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) name: Arc<str>,
    pub(super) rows: Arc<Vec<Row>>,
    pick: Pick,
    on_end: OnEnd,
    /// Keeps the randomness of two feeders apart; their order is that of their names.
    index: u64,
    /// Which kinds of session take rows.
    pub(super) kinds: Vec<bool>,
}

impl Feed {
    pub(super) fn new(name: &str, feeder: &Feeder, index: u64, kinds: Vec<bool>) -> Self {
        let rows = Arc::clone(&feeder.rows);
        let (pick, on_end) = (feeder.pick, feeder.on_end);
        Self { name: Arc::from(name), rows, pick, on_end, index, kinds }
    }

    /// How many sessions it lasts for, where it can run out.
    pub(super) fn lasts(&self) -> Option<u64> {
        (self.pick == Pick::Unique).then_some(self.rows.len() as u64)
    }

    /// Whether the session that finds no row any more is planned all the same, and fails.
    pub(super) fn fails_at_end(&self) -> bool {
        self.on_end == OnEnd::Fail
    }

    /// The row of the session that is the `ordinal`-th to take one; `None` where none is left.
    pub(super) fn row(&self, seed: u64, ordinal: u64) -> Option<usize> {
        let count = self.rows.len() as u64;
        let row = match self.pick {
            Pick::Unique if ordinal >= count => return None,
            Pick::Sequential | Pick::Unique => ordinal % count,
            Pick::Random => {
                generator(seed, Purpose::Pick, self.index, ordinal).random_range(0..count)
            }
            Pick::Shuffled => {
                let pass = ordinal / count;
                permuted(ordinal % count, count, hash(seed, Purpose::Shuffle, self.index, pass))
            }
        };
        Some(row as usize)
    }
}
