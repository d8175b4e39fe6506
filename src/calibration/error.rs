//! By how much our figures differ from the agent's, turn by turn.

use std::collections::HashMap;
use std::time::Duration;

use super::model::ErrorFigures;
use crate::units::Offset;

/// A turn as we saw it.
#[derive(Debug, Clone)]
pub struct OurTurn {
    /// Its session: by it the agent's record is found.
    pub session: Box<str>,
    /// From when it was sent to the first chunk.
    pub ttfc: Duration,
    /// From when it was sent until the reply ended.
    pub total: Duration,
    /// When each chunk was read; empty where that was not kept.
    pub chunks: Vec<Offset>,
}

/// The same turn as the agent wrote it down.
#[derive(Debug, Clone)]
pub struct TrueTurn {
    /// From the complete request to the write of the first chunk.
    pub ttfc: Duration,
    /// From the complete request to the last write.
    pub total: Duration,
    /// When each write was handed over, in microseconds; empty where that was not kept.
    pub writes: Vec<u64>,
}

/// Errors, in microseconds.
#[derive(Debug, Default)]
pub struct Errors {
    ttfc: Vec<i64>,
    gap: Vec<i64>,
    total: Vec<i64>,
}

impl Errors {
    /// Compares every turn that both know. Gaps are compared where every chunk was a write of its
    /// own: what was written together has no gap of its own.
    pub fn of(ours: &[OurTurn], truth: &HashMap<Box<str>, TrueTurn>) -> Self {
        let mut errors = Self::default();
        for (our, really) in ours.iter().filter_map(|our| Some((our, truth.get(&our.session)?))) {
            errors.ttfc.push(difference(our.ttfc, really.ttfc));
            errors.total.push(difference(our.total, really.total));
            if our.chunks.len() == really.writes.len() {
                let ours = our.chunks.windows(2).map(|two| two[1].since(two[0]));
                let theirs =
                    really.writes.windows(2).map(|two| Duration::from_micros(two[1] - two[0]));
                errors.gap.extend(ours.zip(theirs).map(|(our, really)| difference(our, really)));
            }
        }
        errors
    }

    /// How many turns were compared.
    pub fn turns(&self) -> usize {
        self.ttfc.len()
    }

    /// Of the time to first chunk.
    pub fn ttfc(&self) -> Option<ErrorFigures> {
        figures(&self.ttfc)
    }

    /// Of the gaps between chunks.
    pub fn gap(&self) -> Option<ErrorFigures> {
        figures(&self.gap)
    }

    /// Of the total.
    pub fn total(&self) -> Option<ErrorFigures> {
        figures(&self.total)
    }
}

fn difference(ours: Duration, really: Duration) -> i64 {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    micros(ours) - micros(really)
}

/// Percentiles of the absolute error, by the nearest rank; the mean keeps its sign.
fn figures(errors: &[i64]) -> Option<ErrorFigures> {
    let mut absolute: Vec<u64> = errors.iter().map(|error| error.unsigned_abs()).collect();
    absolute.sort_unstable();
    let millis = |micros: f64| micros.round() / 1e3;
    let at = |percent: f64| {
        let rank = crate::measure::rank_of(percent, absolute.len() as u64).max(1);
        absolute.get(usize::try_from(rank - 1).ok()?).map(|&micros| millis(micros as f64))
    };
    Some(ErrorFigures {
        count: errors.len() as u64,
        mean_ms: millis(errors.iter().sum::<i64>() as f64 / errors.len() as f64),
        p50_ms: at(50.0)?,
        p99_ms: at(99.0)?,
        p99_9_ms: at(99.9)?,
        max_ms: at(100.0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn turns_are_compared_with_their_own_truth_and_gaps_only_write_by_write() {
        let our = |session: &str, ttfc, chunks: &[u64]| OurTurn {
            session: session.into(),
            ttfc: micros(ttfc),
            total: micros(ttfc + 500),
            chunks: chunks.iter().map(|&at| Offset::from_nanos(at * 1_000)).collect(),
        };
        let really = |ttfc, writes: &[u64]| TrueTurn {
            ttfc: micros(ttfc),
            total: micros(ttfc + 520),
            writes: writes.to_vec(),
        };
        let ours = [
            our("a", 1_100, &[10, 1_020]),
            our("b", 2_050, &[10, 20]),
            our("nobody knows", 9_000, &[]),
        ];
        let truth = HashMap::from([
            ("a".into(), really(1_000, &[500, 1_500])),
            ("b".into(), really(2_000, &[700])),
        ]);
        let errors = Errors::of(&ours, &truth);
        assert_eq!(errors.turns(), 2);
        let ttfc = errors.ttfc().unwrap();
        assert_eq!((ttfc.p50_ms, ttfc.max_ms, ttfc.mean_ms), (0.05, 0.1, 0.075));
        assert_eq!(errors.gap().unwrap().count, 1, "b's two chunks were one write");
        assert_eq!(errors.gap().unwrap().max_ms, 0.01);
        let total = errors.total().unwrap();
        assert_eq!((total.mean_ms, total.max_ms), (0.055, 0.08));
        assert_eq!(Errors::default().ttfc(), None);
    }
}
