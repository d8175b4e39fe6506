//! By how much turns of known timing seemed to take longer than they did, second by second.

use std::collections::BTreeMap;

use crate::units::Offset;

/// Most that our own error may be before a second is marked: 1 ms, or 1 % of what is measured.
pub fn allowed_micros(typical_micros: u64) -> u64 {
    (typical_micros / 100).max(1_000)
}

/// The excess of one control turn, in microseconds; below zero by the grain of the stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Of the time to first chunk.
    pub ttfc: i64,
    /// Of the total.
    pub total: i64,
}

/// The control turns of one second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlSecond {
    turns: Vec<Excess>,
    above: bool,
}

/// The control turns of a run. Grows by some hundred bytes a second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlSeconds(BTreeMap<u64, ControlSecond>);

impl ControlSecond {
    /// How many.
    pub fn turns(&self) -> usize {
        self.turns.len()
    }

    /// The excess of the turns in the middle, each figure by itself.
    pub fn median(&self) -> Option<Excess> {
        let middle = |of: fn(&Excess) -> i64| nearest_rank(self.turns.iter().map(of), 50.0);
        Some(Excess { ttfc: middle(|one| one.ttfc)?, total: middle(|one| one.total)? })
    }

    /// The largest excess of any figure.
    pub fn worst(&self) -> Option<i64> {
        self.turns.iter().map(|one| one.ttfc.max(one.total)).max()
    }

    /// Whether the second was marked.
    pub fn is_above(&self) -> bool {
        self.above
    }
}

impl ControlSeconds {
    /// A turn ended at `at`.
    pub fn add(&mut self, at: Offset, excess: Excess) {
        self.0.entry(at.nanos() / 1_000_000_000).or_default().turns.push(excess);
    }

    /// Marks a second whose median is above what is allowed where a turn typically takes so long.
    pub fn mark(&mut self, second: u64, typical_micros: u64) {
        if let Some(one) = self.0.get_mut(&second)
            && let Some(median) = one.median()
        {
            let allowed = i64::try_from(allowed_micros(typical_micros)).unwrap_or(i64::MAX);
            one.above = median.ttfc.max(median.total) > allowed;
        }
    }

    /// The turns of one second.
    pub fn second(&self, second: u64) -> Option<&ControlSecond> {
        self.0.get(&second)
    }

    /// The seconds that lie wholly in a stretch of time.
    pub fn between(&self, from: Offset, until: Offset) -> impl Iterator<Item = &ControlSecond> {
        let first = from.nanos().div_ceil(1_000_000_000);
        let end = (until.nanos() / 1_000_000_000).max(first);
        self.0.range(first..end).map(|(_, second)| second)
    }
}

/// The percentile of so many values, by the nearest rank.
pub fn excess_percentile<'a>(
    seconds: impl Iterator<Item = &'a ControlSecond>,
    of: fn(&Excess) -> i64,
    percent: f64,
) -> Option<i64> {
    nearest_rank(seconds.flat_map(|second| second.turns.iter().map(of)), percent)
}

fn nearest_rank(values: impl Iterator<Item = i64>, percent: f64) -> Option<i64> {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    let rank = super::rank_of(percent, values.len() as u64).max(1);
    values.get(usize::try_from(rank - 1).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_marked_by_its_median_and_not_by_its_worst() {
        let mut seconds = ControlSeconds::default();
        let at = |second: u64| Offset::from_nanos(second * 1_000_000_000 + 5);
        for (second, ttfc) in [(0, 100), (1, 100), (1, 9_000), (1, 200), (2, 1_500), (2, 2_500)] {
            seconds.add(at(second), Excess { ttfc, total: 50 });
        }
        for second in 0..3 {
            seconds.mark(second, 20_000);
        }
        let above = |n| seconds.second(n).unwrap().is_above();
        assert_eq!([above(0), above(1), above(2)], [false, false, true]);
        assert_eq!(seconds.second(1).unwrap().worst(), Some(9_000));
        // 1 % of a target that takes 300 ms.
        seconds.mark(2, 300_000);
        assert!(!seconds.second(2).unwrap().is_above());
        let after = seconds.between(Offset::from_nanos(1), at(9));
        assert_eq!(excess_percentile(after, |one| one.ttfc, 95.0), Some(9_000));
    }
}
