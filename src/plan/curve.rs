//! A level over time in straight lines: how many users, or how many sessions a second.
//!
//! Nothing here steps through time. When an arrival is due comes from the inverse of the area under
//! the curve, and when a user comes or goes from where the curve crosses the user's place.

use std::time::Duration;

use crate::units::Offset;

/// A level over time. It begins at nothing, unless its first piece is a jump.
#[derive(Debug, Clone)]
pub(super) struct Curve(Vec<Piece>);

/// A straight line. Times are in seconds.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: f64,
    span: f64,
    from: f64,
    to: f64,
    /// Under all pieces before this one.
    area_before: f64,
}

impl Piece {
    fn area(self) -> f64 {
        (self.from + self.to) / 2.0 * self.span
    }

    /// How long after its start the area under it is `area`.
    fn when(self, area: f64) -> f64 {
        // From nothing, the root below would be 0/0.
        if area <= 0.0 {
            return 0.0;
        }
        let slope = (self.to - self.from) / self.span;
        if slope == 0.0 {
            return area / self.from;
        }
        // The root of from·t + slope·t²/2 = area, in the form that loses no digits.
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        2.0 * area / (self.from + root)
    }
}

impl Curve {
    /// From where it is for how long: each piece goes from the level before it to its own.
    pub(super) fn new(stages: impl IntoIterator<Item = (Duration, f64)>) -> Self {
        let mut pieces = Vec::new();
        let (mut start, mut from, mut area_before) = (0.0, 0.0, 0.0);
        for (span, to) in stages {
            let piece = Piece { start, span: span.as_secs_f64(), from, to, area_before };
            from = to;
            if piece.span > 0.0 {
                start += piece.span;
                area_before += piece.area();
                pieces.push(piece);
            }
        }
        Self(pieces)
    }

    /// The same level all the time.
    pub(super) fn flat(level: f64, span: Duration) -> Self {
        Self::new([(Duration::ZERO, level), (span, level)])
    }

    /// When the area under it is `area`; where it stays so for a while, the end of that while.
    /// `None` from its whole area on.
    pub(super) fn when(&self, area: f64) -> Option<f64> {
        let index = self.0.partition_point(|piece| piece.area_before + piece.area() <= area);
        let piece = self.0.get(index)?;
        let within = piece.when((area - piece.area_before).max(0.0)).min(piece.span);
        Some(piece.start + within)
    }

    /// When it is at `level` or above: from each beginning to its end.
    pub(super) fn spells(&self, level: f64) -> Vec<(Offset, Offset)> {
        let mut spells: Vec<(f64, f64)> = Vec::new();
        for piece in &self.0 {
            let crossing = || piece.span * (level - piece.from) / (piece.to - piece.from);
            let (begin, end) = match (piece.from >= level, piece.to >= level) {
                (true, true) => (0.0, piece.span),
                (true, false) => (0.0, crossing()),
                (false, true) => (crossing(), piece.span),
                (false, false) => continue,
            };
            let (begin, end) = (piece.start + begin, piece.start + end);
            match spells.last_mut() {
                Some(last) if last.1 == begin => last.1 = end,
                _ => spells.push((begin, end)),
            }
        }
        let offset = Offset::from_secs_f64;
        spells.retain(|(begin, end)| begin < end);
        spells.into_iter().map(|(begin, end)| (offset(begin), offset(end))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(stages: &[(u64, f64)]) -> Curve {
        Curve::new(stages.iter().map(|(seconds, to)| (Duration::from_secs(*seconds), *to)))
    }

    /// The area under it until `time`, added up in small steps: another way to the same.
    fn area_until(stages: &[(u64, f64)], time: f64) -> f64 {
        let (mut start, mut from, mut area) = (0.0, 0.0, 0.0);
        for (seconds, to) in stages {
            let span = *seconds as f64;
            let within = (time - start).clamp(0.0, span);
            if span > 0.0 {
                area += from * within + (to - from) * within * within / span / 2.0;
            }
            (start, from) = (start + span, *to);
        }
        area
    }

    proptest! {
        #[test]
        fn when_is_the_inverse_of_the_area(
            stages in prop::collection::vec((0u64..20, 0.0f64..50.0), 1..6),
            part in 0.0f64..1.0,
        ) {
            let total = area_until(&stages, 1e9);
            let area = part * total;
            match curve(&stages).when(area) {
                Some(time) => {
                    let back = area_until(&stages, time);
                    prop_assert!((back - area).abs() < 1e-6 * total.max(1.0), "{back} {area}");
                }
                None => prop_assert!(area >= total * (1.0 - 1e-12)),
            }
        }

        #[test]
        fn spells_of_all_places_add_up_to_the_area(
            stages in prop::collection::vec((1u64..20, 0u32..30), 1..6),
        ) {
            let stages: Vec<(u64, f64)> =
                stages.into_iter().map(|(seconds, to)| (seconds, f64::from(to))).collect();
            let curve = curve(&stages);
            let present: f64 = (0..30)
                .flat_map(|place| curve.spells(f64::from(place) + 0.5))
                .map(|(begin, end)| end.since(begin).as_secs_f64())
                .sum();
            let area = area_until(&stages, 1e9);
            // A level is rounded to whole users: at most half a user off where it stands still,
            // and even where it goes from one whole level to another.
            prop_assert!((present - area).abs() < 1e-6 * area.max(1.0), "{present} {area}");
        }
    }

    #[test]
    fn nothing_is_due_while_the_level_is_nothing() {
        let pause = curve(&[(0, 2.0), (5, 2.0), (0, 0.0), (10, 0.0), (0, 2.0), (5, 2.0)]);
        assert_eq!(pause.when(9.5), Some(4.75));
        assert_eq!(pause.when(10.0), Some(15.0), "at the end of the pause");
        assert_eq!(pause.when(19.0), Some(19.5));
        assert_eq!(pause.when(20.0), None);
        let ramp = curve(&[(10, 10.0)]);
        assert_eq!(ramp.when(0.0), Some(0.0));
        assert_eq!(ramp.when(12.5), Some(5.0));
    }

    #[test]
    fn users_come_and_go_where_the_line_crosses_their_place() {
        let seconds = |level| -> Vec<(f64, f64)> {
            let there =
                curve(&[(10, 10.0), (5, 10.0), (10, 0.0), (0, 3.0), (2, 3.0)]).spells(level);
            there.iter().map(|(from, to)| (from.as_secs_f64(), to.as_secs_f64())).collect()
        };
        assert_eq!(seconds(0.5), [(0.5, 24.5), (25.0, 27.0)]);
        assert_eq!(seconds(9.5), [(9.5, 15.5)]);
        assert_eq!(seconds(10.5), []);
    }
}
