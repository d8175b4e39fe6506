//! What a batch goes through: the rows that were chosen, each as often as it is repeated, and which of
//! them have to wait for another one of their session.

use std::collections::HashMap;

use super::input::Input;

/// Which rows are taken, of those that fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice {
    /// This part of so many, from 1.
    pub shard: Option<(u32, u32)>,
    /// So many, drawn at random.
    pub sample: Option<u32>,
    /// The first so many.
    pub head: Option<u32>,
    /// What is drawn follows from it.
    pub seed: u64,
}

impl Choice {
    /// Chooses of `rows`, which are in order, and leaves them in order.
    pub fn choose(&self, mut rows: Vec<u32>) -> Vec<u32> {
        use rand::seq::index::sample;
        use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
        if let Some((part, of)) = self.shard {
            let parts = rows.iter().enumerate().filter(|(at, _)| *at as u32 % of == part - 1);
            rows = parts.map(|(_, row)| *row).collect();
        }
        if let Some(count) = self.sample.filter(|count| (*count as usize) < rows.len()) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
            let mut places = sample(&mut rng, rows.len(), count as usize).into_vec();
            places.sort_unstable();
            rows = places.into_iter().map(|at| rows[at]).collect();
        }
        if let Some(count) = self.head {
            rows.truncate(count as usize);
        }
        rows
    }
}

/// Everything that is to be asked; an item is a row, or a repetition of one.
#[derive(Debug)]
pub struct Items {
    rows: Vec<u32>,
    repeat: u32,
    /// For each chosen row, the place of the next one of its session; `NONE` if there is none. Empty
    /// where no two rows share a session.
    next: Vec<u32>,
    /// Chosen rows that follow another one.
    follows: Vec<bool>,
}

const NONE: u32 = u32::MAX;

impl Items {
    /// The items of the chosen `rows` of `input`.
    pub fn new(input: &Input, rows: Vec<u32>, repeat: u32) -> Self {
        let mut last: HashMap<u32, u32> = HashMap::new();
        let (mut next, mut follows) = (Vec::new(), Vec::new());
        for (place, row) in rows.iter().enumerate() {
            let Some(session) = input.session_of(*row) else { continue };
            if let Some(before) = last.insert(session, place as u32) {
                if next.is_empty() {
                    next = vec![NONE; rows.len()];
                    follows = vec![false; rows.len()];
                }
                next[before as usize] = place as u32;
                follows[place] = true;
            }
        }
        Self { rows, repeat: repeat.max(1), next, follows }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64 * u64::from(self.repeat)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row of an item, and which repetition it is, from 0.
    pub fn row(&self, item: u64) -> (u32, u32) {
        let repeat = u64::from(self.repeat);
        (self.rows[(item / repeat) as usize], (item % repeat) as u32)
    }

    /// Whether an item waits for another one of its session.
    pub fn follows(&self, item: u64) -> bool {
        let place = (item / u64::from(self.repeat)) as usize;
        self.follows.get(place).copied().unwrap_or(false)
    }

    /// The item that waits for this one.
    pub fn next(&self, item: u64) -> Option<u64> {
        let repeat = u64::from(self.repeat);
        let next = *self.next.get((item / repeat) as usize)?;
        (next != NONE).then(|| u64::from(next) * repeat + item % repeat)
    }

    /// Whether an item shares its session with others.
    pub fn is_shared(&self, item: u64) -> bool {
        self.follows(item) || self.next(item).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_are_the_whole(count in 0u32..200, of in 1u32..7) {
            let rows: Vec<u32> = (0..count).collect();
            let mut all: Vec<u32> = (1..=of)
                .flat_map(|part| {
                    Choice { shard: Some((part, of)), ..Choice::default() }.choose(rows.clone())
                })
                .collect();
            all.sort_unstable();
            prop_assert_eq!(all, rows);
        }

        #[test]
        fn a_sample_is_so_many_different_rows_in_order(count in 0u32..200, wanted in 0u32..300, seed: u64) {
            let choice = Choice { sample: Some(wanted), seed, ..Choice::default() };
            let drawn = choice.choose((0..count).collect());
            prop_assert_eq!(drawn.len() as u32, wanted.min(count));
            prop_assert!(drawn.windows(2).all(|two| two[0] < two[1]));
            prop_assert_eq!(drawn, choice.choose((0..count).collect()));
        }
    }
}
