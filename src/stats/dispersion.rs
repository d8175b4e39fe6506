//! How many values stand for one independent one.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Fewer stretches say nothing about their spread.
const FEWEST: usize = 8;
/// A spread that chance alone shows this often is taken for chance.
const CHANCE: f64 = 0.05;

/// How many times more the share of hits varies between stretches of time than it would if values
/// were independent: Pearson's X² over its degrees of freedom (McCullagh & Nelder, *Generalized
/// Linear Models*, §4.5). It is 1 where there is too little to see a difference, or where chance
/// alone would show as much in one case of twenty.
///
/// `stretches` are in order of time, each with its number of values and of hits among them.
pub fn overdispersion(stretches: &[(u64, u64)]) -> f64 {
    let all = stretches.iter().map(|(count, _)| count).sum::<u64>() as f64;
    let hits = stretches.iter().map(|(_, hits)| hits).sum::<u64>() as f64;
    let share = hits / all;
    let stretches = joined(stretches, share.min(1.0 - share));
    if stretches.len() < FEWEST {
        return 1.0;
    }
    let squares: f64 = stretches
        .iter()
        .map(|&(count, hits)| {
            let expected = count as f64 * share;
            (hits as f64 - expected).powi(2) / (expected * (1.0 - share))
        })
        .sum();
    let freedom = (stretches.len() - 1) as f64;
    let by_chance = ChiSquared::new(freedom).map_or(1.0, |chi| chi.sf(squares));
    if by_chance < CHANCE { (squares / freedom).max(1.0) } else { 1.0 }
}

/// Neighbours joined until each stretch can be expected to have one value on the rarer side, whose
/// share is `rarer`: X² says nothing of expectations far below one.
fn joined(counts: &[(u64, u64)], rarer: f64) -> Vec<(u64, u64)> {
    let mut stretches = Vec::new();
    let (mut count, mut hits) = (0, 0);
    for (more, more_hits) in counts {
        count += more;
        hits += more_hits;
        if count as f64 * rarer >= 1.0 {
            stretches.push((count, hits));
            (count, hits) = (0, 0);
        }
    }
    if let Some(last) = stretches.last_mut() {
        last.0 += count;
        last.1 += hits;
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pearsons_statistic_over_its_degrees_of_freedom() {
        // scipy.stats.chi2_contingency([hits, count - hits], correction=False): statistic 54.3994 with
        // 9 degrees of freedom (scipy 1.17.1).
        let hits = [2u64, 15, 3, 18, 7, 2, 9, 21, 4, 6];
        let stretches: Vec<_> = hits.iter().map(|&hits| (100, hits)).collect();
        let spread = overdispersion(&stretches);
        assert!((spread - PEARSON / 9.0).abs() < 1e-4, "{}", spread * 9.0);
    }

    const PEARSON: f64 = 54.399_415_845_198_98;

    #[test]
    fn nothing_to_see_is_one() {
        assert_eq!(overdispersion(&[]), 1.0);
        assert_eq!(overdispersion(&[(100, 0); 20]), 1.0);
        assert_eq!(overdispersion(&[(100, 100); 20]), 1.0);
        assert_eq!(overdispersion(&[(10, 5); 20]), 1.0);
        assert_eq!(overdispersion(&[(50, 0), (50, 50)]), 1.0, "two stretches tell nothing");
    }
}
