//! Where a series changes: the energy distance between what lies before and after a split, its
//! significance by permuting the series and taking the *maximum over splits* each time.
//!
//! The distance is that of Székely & Rizzo (2004), weighted as in E-divisive (Matteson & James,
//! *A nonparametric approach for multiple change point analysis of multivariate data*, JASA 2014),
//! which also looks for further changes on both sides of one that was found. Permuting asks
//! nothing of the shape of the noise, only that its order does not matter while nothing changes.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// How to look for changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeSearch {
    /// How often a series without change may show one: the level of each test.
    pub level: f64,
    /// Permutations a test makes at most. The smallest p-value is one over these and one.
    pub permutations: u32,
    /// The fewest values on either side of a change.
    pub shortest: usize,
}

impl ChangeSearch {
    /// A search at `level`, with permutations enough to tell it: one of them may reach what was
    /// seen.
    pub fn at_level(level: f64) -> Self {
        Self { level, permutations: (2.0 / level).ceil() as u32 - 1, shortest: 3 }
    }
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The first value after it.
    pub at: usize,
    /// Where the change may lie as well: the first value after it is one of `earliest..=latest`
    /// in 95 % of the series made by drawing each side anew from its own values.
    pub earliest: usize,
    /// See `earliest`.
    pub latest: usize,
    /// How often a permuted series has as great a distance somewhere.
    pub p_value: f64,
}

/// Series drawn anew to see how well a change is placed.
const REDRAWN: usize = 200;

/// The changes in `values`, in their order. The same values give the same changes.
pub fn change_points(values: &[f64], search: ChangeSearch) -> Vec<ChangePoint> {
    let mut found = Vec::new();
    let mut cuts = vec![0, values.len()];
    let mut open = vec![(0, values.len())];
    while let Some((from, until)) = open.pop() {
        if let Some((at, p_value)) = strongest(&values[from..until], search) {
            found.push((from + at, p_value));
            cuts.push(from + at);
            open.extend([(from, from + at), (from + at, until)]);
        }
    }
    found.sort_by_key(|(at, _)| *at);
    cuts.sort_unstable();
    let place = |(at, p_value)| {
        // Between the changes on either side of it.
        let from = cuts.iter().rev().find(|cut| **cut < at).copied().unwrap_or(0);
        let until = cuts.iter().find(|cut| **cut > at).copied().unwrap_or(values.len());
        let (earliest, latest) = range(&values[from..until], at - from, search.shortest);
        ChangePoint { at, earliest: from + earliest, latest: from + latest, p_value }
    };
    found.into_iter().map(place).collect()
}

/// The split with the greatest distance, if it is significant, and its p-value.
fn strongest(values: &[f64], search: ChangeSearch) -> Option<(usize, f64)> {
    let shortest = search.shortest.max(1);
    if values.len() < 2 * shortest {
        return None;
    }
    let mut series = Ranked::new(values);
    let stretches = stretches(values.len(), shortest);
    let (at, observed) = series.greatest(&stretches, shortest)?;
    // Equal values have no order of their own: what is left of them is how sums were rounded.
    if observed <= series.rounding() {
        return None;
    }
    // Sums in another order differ in their last digits; a distance as great has to count.
    let as_great = observed * (1.0 - 1e-9);
    let draws = f64::from(search.permutations) + 1.0;
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(values.len() as u64);
    let mut exceeded = 0u32;
    for _ in 0..search.permutations {
        series.order.shuffle(&mut chance);
        if series.greatest(&stretches, shortest).is_some_and(|(_, distance)| distance >= as_great) {
            exceeded += 1;
            // However the rest comes out, the p-value is above the level (Besag & Clifford 1991).
            if f64::from(exceeded + 1) / draws > search.level {
                return None;
            }
        }
    }
    let p_value = f64::from(exceeded + 1) / draws;
    (p_value <= search.level).then_some((at, p_value))
}

/// The middle 95 % of where the change is found when each side is drawn anew.
fn range(values: &[f64], at: usize, shortest: usize) -> (usize, usize) {
    let (before, after) = values.split_at(at);
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(values.len() as u64);
    let mut found: Vec<usize> = (0..REDRAWN)
        .filter_map(|_| {
            let mut draw = |from: &[f64]| {
                from.iter().map(|_| from[chance.random_range(0..from.len())]).collect::<Vec<_>>()
            };
            let redrawn = [draw(before), draw(after)].concat();
            Ranked::new(&redrawn).greatest_in((0, redrawn.len()), shortest.max(1)).map(|(at, _)| at)
        })
        .collect();
    found.sort_unstable();
    let cut = REDRAWN / 40;
    let low = found.get(cut).map_or(at, |low| *low.min(&at));
    let high = found.iter().rev().nth(cut).map_or(at, |high| *high.max(&at));
    (low, high)
}

/// The stretches in which a split is looked for: the whole, halves that overlap by half, their
/// halves and so on (seeded binary segmentation, Kovács, Bühlmann, Li & Munk 2023). In the whole
/// alone, a series that goes up and comes down again looks much the same on both sides.
fn stretches(all: usize, shortest: usize) -> Vec<(usize, usize)> {
    let mut stretches = vec![(0, all)];
    let mut parts = 2;
    while all / parts >= 4 * shortest {
        let length = all.div_ceil(parts);
        let steps = 2 * parts - 2;
        stretches.extend((0..=steps).map(|step| {
            let from = (all - length) * step / steps;
            (from, from + length)
        }));
        parts *= 2;
    }
    stretches
}

/// A series as ranks into its sorted values, so that distances from one value to those before it
/// take two sums over ranks: O(n log n) for all splits of a stretch together.
struct Ranked {
    sorted: Vec<f64>,
    /// The rank of each value, in the series' order.
    order: Vec<usize>,
    /// How many of the values seen have at most a rank, and their sum: two Fenwick trees.
    seen: Vec<(f64, f64)>,
    /// For each value of a stretch, the summed distance to those before it.
    to_before: Vec<f64>,
}

impl Ranked {
    fn new(values: &[f64]) -> Self {
        let mut ranks: Vec<usize> = (0..values.len()).collect();
        ranks.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let sorted: Vec<f64> = ranks.iter().map(|at| values[*at]).collect();
        let mut order = vec![0; values.len()];
        ranks.iter().enumerate().for_each(|(rank, at)| order[*at] = rank);
        let seen = vec![(0.0, 0.0); sorted.len() + 1];
        Self { sorted, order, seen, to_before: Vec::new() }
    }

    /// What distances may come to by the rounding of sums alone.
    fn rounding(&self) -> f64 {
        let ends = self.sorted.first().into_iter().chain(self.sorted.last());
        1e-9 * ends.fold(0.0, |largest, value| f64::max(largest, value.abs()))
    }

    /// The split with the greatest weighted distance in any of the stretches.
    fn greatest(&mut self, among: &[(usize, usize)], shortest: usize) -> Option<(usize, f64)> {
        let each = among.iter().filter_map(|stretch| self.greatest_in(*stretch, shortest));
        each.fold(None, |best, one| match best {
            Some((_, distance)) if distance >= one.1 => best,
            _ => Some(one),
        })
    }

    /// The same in one stretch, from `shortest` values on either side.
    fn greatest_in(
        &mut self,
        (from, until): (usize, usize),
        shortest: usize,
    ) -> Option<(usize, f64)> {
        self.seen.fill((0.0, 0.0));
        self.to_before.clear();
        let (mut sum, mut whole) = (0.0, 0.0);
        for (before, at) in (from..until).enumerate() {
            let rank = self.order[at];
            let distance = self.distance(rank, before as f64, sum);
            self.to_before.push(distance);
            whole += distance;
            sum += self.sorted[rank];
            self.note(rank);
        }
        let all = (until - from) as f64;
        let (mut within_before, mut within_after) = (0.0, whole);
        let mut greatest: Option<(usize, f64)> = None;
        for at in from + 1..=until.saturating_sub(shortest) {
            // The value before the split has gone over to the left.
            let moved = self.to_before[at - 1 - from];
            within_before += moved;
            within_after -= self.distance(self.order[at - 1], all, sum) - moved;
            if at - from < shortest {
                continue;
            }
            let (left, right) = ((at - from) as f64, (until - at) as f64);
            let across = whole - within_before - within_after;
            // 2·E|X−Y| − E|X−X′| − E|Y−Y′|, times left·right/all.
            let energy = 2.0 * across / (left * right)
                - 2.0 * within_before / (left * left)
                - 2.0 * within_after / (right * right);
            let weighted = energy * left * right / all;
            if greatest.is_none_or(|(_, best)| weighted > best) {
                greatest = Some((at, weighted));
            }
        }
        greatest
    }

    /// The summed distance from the value of this rank to the `count` values seen, whose sum is
    /// `sum`.
    fn distance(&self, rank: usize, count: f64, sum: f64) -> f64 {
        let value = self.sorted[rank];
        let (below, sum_below) = self.up_to(rank);
        value * below - sum_below + (sum - sum_below) - value * (count - below)
    }

    /// Of the values seen with this rank or a lower one: how many, and their sum.
    fn up_to(&self, rank: usize) -> (f64, f64) {
        let (mut count, mut sum) = (0.0, 0.0);
        let mut at = rank + 1;
        while at > 0 {
            count += self.seen[at].0;
            sum += self.seen[at].1;
            at &= at - 1;
        }
        (count, sum)
    }

    fn note(&mut self, rank: usize) {
        let value = self.sorted[rank];
        let mut at = rank + 1;
        while at < self.seen.len() {
            self.seen[at].0 += 1.0;
            self.seen[at].1 += value;
            at += at & at.wrapping_neg();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(level: f64) -> ChangeSearch {
        ChangeSearch::at_level(level)
    }

    /// The statistic as its definition has it, O(n²) a split.
    fn plain(values: &[f64], at: usize) -> f64 {
        let (x, y) = values.split_at(at);
        let mean = |a: &[f64], b: &[f64]| {
            let sum: f64 = a.iter().flat_map(|a| b.iter().map(move |b| (a - b).abs())).sum();
            sum / (a.len() * b.len()) as f64
        };
        let weight = (x.len() * y.len()) as f64 / values.len() as f64;
        weight * (2.0 * mean(x, y) - mean(x, x) - mean(y, y))
    }

    #[test]
    fn equal_values_do_not_change() {
        // 0.002 and 1/46 have no exact form, and their sums are rounded differently in every order.
        for value in [0.002_f64.sqrt().asin(), 1.0 / 46.0, 4.6, 0.0] {
            assert_eq!(change_points(&[value; 46], search(0.05)), []);
        }
        let nearly: Vec<f64> = (0..46).map(|n| 0.1 + f64::from(n % 3) * 1e-17).collect();
        assert_eq!(change_points(&nearly, search(0.05)), []);
    }

    #[test]
    fn the_distance_is_that_of_scipy() {
        // scipy 1.17.1: stats.energy_distance(u, v) is the root of the distance;
        // u = [1.2, 0.7, 3.1, 2.2, 1.9], v = [4.4, 2.8, 5.0]:
        // energy_distance(u, v)**2 * 5*3/8
        let values = [1.2, 0.7, 3.1, 2.2, 1.9, 4.4, 2.8, 5.0];
        assert!((plain(&values, 5) - SCIPY).abs() < 1e-9, "{}", plain(&values, 5));
        let (at, greatest) = Ranked::new(&values).greatest_in((0, values.len()), 1).unwrap();
        assert_eq!(at, 5);
        assert!((greatest - SCIPY).abs() < 1e-9, "{greatest}");
    }
    const SCIPY: f64 = 5.001_666_666_666_67;

    #[test]
    fn the_p_value_is_that_of_every_order() {
        // Three low and three high values: of the 20 ways to place them, 2 part them wholly.
        let values = [1.0, 1.1, 0.9, 5.0, 5.2, 4.9];
        let many = ChangeSearch { permutations: 4_999, ..search(0.2) };
        let (at, p) = strongest(&values, many).unwrap();
        assert_eq!(at, 3);
        assert!((p - 0.1).abs() < 0.02, "{p}");
        assert_eq!(strongest(&values, search(0.05)), None);
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        // Noise of a small generator, so that the series is the same everywhere.
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut noise = || chance.random::<f64>() - 0.5;
        let values: Vec<f64> =
            (0..60).map(|at| noise() * 0.1 + if at < 40 { 1.0 } else { 1.15 }).collect();
        let found = change_points(&values, search(0.001));
        assert_eq!(found.iter().map(|change| change.at).collect::<Vec<_>>(), [40]);
        assert!(found[0].earliest >= 38 && found[0].latest <= 42, "{found:?}");
        // Up, and down again.
        let two: Vec<f64> = values.iter().chain(&values[..30]).copied().collect();
        let found = change_points(&two, search(0.001));
        assert_eq!(found.iter().map(|change| change.at).collect::<Vec<_>>(), [40, 60]);
    }

    #[test]
    fn what_does_not_change_shows_nothing() {
        assert!(change_points(&[], search(0.05)).is_empty());
        assert!(change_points(&[1.0; 5], search(0.05)).is_empty());
        assert!(change_points(&[7.0; 50], search(0.05)).is_empty());
    }

    #[test]
    fn false_alarms_are_as_rare_as_asked_for() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(11);
        let search = ChangeSearch { permutations: 499, ..search(0.05) };
        let alarms = (0..400)
            .filter(|_| {
                let values: Vec<f64> = (0..30).map(|_| chance.random::<f64>().ln()).collect();
                strongest(&values, search).is_some()
            })
            .count();
        // 20 are expected; more than 35 would happen once in a thousand times.
        assert!(alarms <= 35, "{alarms}");
    }

    proptest! {
        #[test]
        fn the_fast_sums_are_those_of_the_definition(
            values in proptest::collection::vec(-50i32..50, 2..40),
        ) {
            let values: Vec<f64> = values.into_iter().map(|v| f64::from(v) / 7.0).collect();
            let expected = (1..values.len()).map(|at| plain(&values, at)).fold(0.0, f64::max);
            let (at, greatest) = Ranked::new(&values).greatest_in((0, values.len()), 1).unwrap();
            prop_assert!((greatest - expected).abs() < 1e-9);
            prop_assert!((plain(&values, at) - expected).abs() < 1e-9);
        }

        #[test]
        fn shifting_and_stretching_moves_no_change(
            values in proptest::collection::vec(0.0f64..1.0, 8..30), step in 2.0f64..4.0,
        ) {
            let series: Vec<f64> =
                values.iter().enumerate().map(|(at, v)| if at >= 5 { v + step } else { *v }).collect();
            let moved: Vec<f64> = series.iter().map(|v| v * 2.0 + 8.0).collect();
            let places = |all: &[f64]| -> Vec<usize> {
                change_points(all, ChangeSearch { permutations: 199, ..search(0.05) })
                    .iter().map(|change| change.at).collect()
            };
            prop_assert_eq!(places(&series), places(&moved));
        }
    }
}
