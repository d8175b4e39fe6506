//! Which kind of session number *n* is, and the how-manyth of its kind.
//!
//! In a closed or open load numbers come in blocks as long as the sum of the weights (divided by
//! what they have in common). Each block holds every kind exactly as often as its weight says,
//! in a random order of its own: the proportions are exact after every block, not on average.
//! In a load of everything once the kinds follow each other in the order of the scenario.

use rand::RngExt;

use super::chance::{Purpose, generator};
use crate::scenario::reduced;

/// The order of kinds.
#[derive(Debug, Clone)]
pub(super) enum Mix {
    /// In blocks, by weight; the sum is kept beside them.
    Weighted { weights: Vec<u32>, sum: u64 },
    /// One after the other; `ends[k]` is the first number after kind *k*.
    InTurn { ends: Vec<u64> },
}

/// One number's place in the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// Index of the kind.
    pub(super) kind: usize,
    /// The how-manyth of its kind, from 0.
    pub(super) ordinal: u64,
}

impl Mix {
    pub(super) fn weighted(weights: &[u32]) -> Self {
        let weights = reduced(weights);
        let sum = weights.iter().copied().map(u64::from).sum();
        Self::Weighted { weights, sum }
    }

    pub(super) fn in_turn(counts: impl IntoIterator<Item = u64>) -> Self {
        let ends = counts.into_iter().scan(0u64, |end, count| {
            *end += count;
            Some(*end)
        });
        Self::InTurn { ends: ends.collect() }
    }

    /// How many numbers there are, where the mix itself ends.
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::Weighted { .. } => None,
            Self::InTurn { ends } => Some(ends.last().copied().unwrap_or(0)),
        }
    }

    /// The place of number `n`; `None` past the end.
    pub(super) fn slot(&self, seed: u64, n: u64) -> Option<Slot> {
        match self {
            Self::Weighted { weights, .. } if weights.len() == 1 => {
                Some(Slot { kind: 0, ordinal: n })
            }
            Self::Weighted { weights, sum } => {
                let (block, at) = (n / sum, (n % sum) as usize);
                let order = block_order(weights, *sum, seed, block);
                let kind = usize::from(order[at]);
                let before = order[..at].iter().filter(|one| usize::from(**one) == kind).count();
                Some(Slot { kind, ordinal: block * u64::from(weights[kind]) + before as u64 })
            }
            Self::InTurn { ends } => {
                let kind = ends.partition_point(|end| *end <= n);
                let start = if kind == 0 { 0 } else { ends[kind - 1] };
                (kind < ends.len()).then_some(Slot { kind, ordinal: n - start })
            }
        }
    }

    /// How many of the numbers below `n` are of a kind that `counts` says yes to.
    pub(super) fn count_below(&self, seed: u64, n: u64, counts: impl Fn(usize) -> bool) -> u64 {
        match self {
            Self::Weighted { weights, sum } => {
                let (block, at) = (n / sum, (n % sum) as usize);
                let per_block: u64 = weights
                    .iter()
                    .enumerate()
                    .filter(|(kind, _)| counts(*kind))
                    .map(|(_, weight)| u64::from(*weight))
                    .sum();
                let whole = block * per_block;
                if at == 0 || per_block == 0 {
                    return whole;
                }
                let order = block_order(weights, *sum, seed, block);
                let rest = order[..at].iter().filter(|kind| counts(usize::from(**kind))).count();
                whole + rest as u64
            }
            Self::InTurn { ends } => {
                let mut start = 0;
                let mut total = 0;
                for (kind, end) in ends.iter().enumerate() {
                    if counts(kind) {
                        total += n.min(*end).saturating_sub(start);
                    }
                    start = *end;
                }
                total
            }
        }
    }
}

/// The kinds of one block, in its own random order.
fn block_order(weights: &[u32], sum: u64, seed: u64, block: u64) -> Vec<u16> {
    let mut order = Vec::with_capacity(sum as usize);
    for (kind, weight) in (0u16..).zip(weights) {
        order.extend(std::iter::repeat_n(kind, *weight as usize));
    }
    if weights.len() > 1 {
        let mut rng = generator(seed, Purpose::Block, block, 0);
        for last in (1..order.len()).rev() {
            order.swap(last, rng.random_range(0..=last as u64) as usize);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_block_holds_each_kind_by_its_weight(
            weights in prop::collection::vec(1u32..20, 1..6),
            seed: u64,
            block in 0u64..1000,
        ) {
            let mix = Mix::weighted(&weights);
            let Mix::Weighted { weights, sum } = &mix else { unreachable!() };
            let mut seen = vec![Vec::new(); weights.len()];
            for n in block * sum..(block + 1) * sum {
                let slot = mix.slot(seed, n).unwrap();
                seen[slot.kind].push(slot.ordinal);
            }
            for (kind, ordinals) in seen.iter().enumerate() {
                let weight = u64::from(weights[kind]);
                let expected: Vec<u64> = (block * weight..(block + 1) * weight).collect();
                prop_assert_eq!(ordinals, &expected, "in order, none left out");
            }
        }

        #[test]
        fn counts_agree_with_counting(
            weights in prop::collection::vec(1u32..6, 1..4),
            in_turn: bool,
            n in 0u64..60,
        ) {
            let mix = match in_turn {
                true => Mix::in_turn(weights.iter().map(|w| u64::from(*w))),
                false => Mix::weighted(&weights),
            };
            let counted = (0..n)
                .filter_map(|m| mix.slot(7, m))
                .filter(|slot| slot.kind % 2 == 0)
                .count() as u64;
            prop_assert_eq!(mix.count_below(7, n, |kind| kind % 2 == 0), counted);
        }
    }

    #[test]
    fn in_turn_goes_through_the_kinds_and_ends() {
        let mix = Mix::in_turn([2, 0, 1]);
        let slots: Vec<_> = (0..4).map(|n| mix.slot(0, n).map(|s| (s.kind, s.ordinal))).collect();
        assert_eq!(slots, [Some((0, 0)), Some((0, 1)), Some((2, 0)), None]);
        assert_eq!(mix.len(), Some(3));
    }
}
