//! Where a curve bends: from there on more load brings little more.

use super::model::LevelResult;

/// The knee of throughput over load, as a level: the point farthest above the straight line from
/// the first level to the last, both axes scaled to one (Satopää et al., *Finding a "Kneedle" in a
/// Haystack*, 2011, without its smoothing). `None` with fewer than four levels, where no point lies a
/// tenth above that line (the curve is straight), and where throughput still grows beyond it by more
/// than a quarter of what load does.
pub fn knee(levels: &[LevelResult]) -> Option<f64> {
    let mut points: Vec<(f64, f64)> =
        levels.iter().filter_map(|one| Some((one.value, one.throughput_per_s?))).collect();
    points.sort_by(|one, two| one.0.total_cmp(&two.0));
    points.dedup_by(|later, kept| later.0 == kept.0);
    if points.len() < 4 {
        return None;
    }
    let (first, last) = (points.first()?, points.last()?);
    let highest = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    let (wide, high) = (last.0 - first.0, highest - first.1);
    if wide <= 0.0 || high <= 0.0 {
        return None;
    }
    let above = |point: &(f64, f64)| (point.1 - first.1) / high - (point.0 - first.0) / wide;
    let knee = points.iter().max_by(|one, two| above(one).total_cmp(&above(two)))?;
    let (load, more) = (last.0 / knee.0 - 1.0, last.1 / knee.1 - 1.0);
    (above(knee) >= 0.1 && more <= 0.25 * load).then_some(knee.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::ValidityVerdict;

    fn level(value: f64, throughput: f64) -> LevelResult {
        LevelResult {
            level: value.to_string(),
            value,
            run: String::new(),
            exit: 0,
            verdict: "ok".into(),
            planned: 1,
            completed: 1,
            throughput_per_s: Some(throughput),
            goodput_per_s: None,
            error_rate: None,
            ttfc_p50_ms: None,
            ttfc_p95_ms: None,
            total_p95_ms: None,
            validity: ValidityVerdict::Valid,
            probe: None,
        }
    }

    #[test]
    fn the_knee_is_where_throughput_stops_to_follow_and_a_straight_line_has_none() {
        let at = |points: &[(f64, f64)]| {
            knee(&points.iter().map(|one| level(one.0, one.1)).collect::<Vec<_>>())
        };
        assert_eq!(
            at(&[(1.0, 10.0), (2.0, 20.0), (4.0, 40.0), (8.0, 80.0), (16.0, 82.0), (32.0, 83.0)]),
            Some(8.0)
        );
        assert_eq!(at(&[(32.0, 83.0), (8.0, 80.0), (4.0, 40.0), (16.0, 60.0)]), Some(8.0));
        assert_eq!(at(&[(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0, 40.0)]), None);
        assert_eq!(at(&[(1.0, 10.0), (2.0, 10.0), (3.0, 5.0), (4.0, 4.0)]), None);
        assert_eq!(at(&[(1.0, 10.0), (2.0, 20.0), (8.0, 20.0)]), None);
        let grows = [(1.0, 0.7), (2.0, 1.1), (4.0, 2.0), (8.0, 3.3), (16.0, 7.3), (32.0, 10.3)];
        assert_eq!(at(&grows), None);
    }
}
