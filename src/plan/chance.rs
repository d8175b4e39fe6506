//! Everything random, made from the run's seed: generators by purpose, and permutations that
//! need no memory.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// What a random number is for, so that no two uses share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Purpose {
    /// The order of kinds inside a block.
    Block = 1,
    /// Think times.
    Think,
    /// Distances between arrivals.
    Arrival,
    /// The order of a shuffled feeder's rows.
    Shuffle,
    /// A random feeder's rows.
    Pick,
    /// Random values in messages.
    Template,
    /// The seed of a scenario that is run beside others.
    Beside,
}

/// A generator that is a function of its arguments alone.
pub(super) fn generator(seed: u64, purpose: Purpose, a: u64, b: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(hash(seed, purpose, a, b))
}

/// 64 well-mixed bits that are a function of the arguments alone.
pub(super) fn hash(seed: u64, purpose: Purpose, a: u64, b: u64) -> u64 {
    [purpose as u64, a, b].into_iter().fold(mixed(seed), |state, word| mixed(state ^ mixed(word)))
}

/// The finaliser of SplitMix64, a bijection; the constant keeps zero from staying zero.
fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Where `index` goes in a random order of `count` things, chosen by `key`.
///
/// A Feistel network over the next even number of bits is a bijection on a range up to four
/// times too wide; walking along its cycle until the result fits makes it one on `0..count`.
pub(super) fn permuted(index: u64, count: u64, key: u64) -> u64 {
    debug_assert!(index < count);
    let half = (u64::BITS - count.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1 << half) - 1;
    let mut at = index;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mixed(key ^ mixed(right ^ (round << 60))) & mask));
        }
        at = (left << half) | right;
        if at < count {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_permutation_takes_every_place_once(count in 1u64..3000, key: u64) {
            let places: BTreeSet<u64> = (0..count).map(|i| permuted(i, count, key)).collect();
            prop_assert_eq!(places.len() as u64, count);
            prop_assert!(places.iter().all(|place| *place < count));
        }
    }

    #[test]
    fn permutations_are_not_all_alike() {
        let order = |key| (0..6).map(|i| permuted(i, 6, key)).collect::<Vec<_>>();
        let orders: BTreeSet<Vec<u64>> = (0..5000).map(order).collect();
        // 720 orders of six things; a Feistel network reaches only even or odd ones on some
        // widths, but the walk makes it nearly all.
        assert!(orders.len() > 600, "{}", orders.len());
    }

    #[test]
    fn purposes_and_numbers_do_not_share_randomness() {
        let purposes = [Purpose::Block, Purpose::Think, Purpose::Arrival, Purpose::Shuffle];
        let mut seen = BTreeSet::new();
        for purpose in purposes {
            for a in 0..100 {
                for b in 0..100 {
                    assert!(seen.insert(hash(0, purpose, a, b)));
                }
            }
        }
    }
}
