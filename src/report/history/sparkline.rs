//! Many values in one line of eight heights.

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Where a value is missing.
const GAP: char = '·';
/// Before a value at which something changed.
const CHANGE: char = '│';

/// A line of at most `width` characters. Where there are more values, neighbours share one and
/// show their median; a bar stands before each of the `changes`. The lowest height is the least
/// value and the highest the greatest; values that are all but equal stay in the middle.
pub(super) fn sparkline(values: &[Option<f64>], changes: &[usize], width: usize) -> String {
    let bars = changes.len().min(width / 4);
    let changes = &changes[changes.len() - bars..];
    let cells = cells(values, changes, width.saturating_sub(bars));
    let seen = cells.iter().flat_map(|cell| cell.value);
    let low = seen.clone().fold(f64::INFINITY, f64::min);
    let high = seen.fold(f64::NEG_INFINITY, f64::max);
    let mut line = String::new();
    for cell in &cells {
        if changes.contains(&cell.from) {
            line.push(CHANGE);
        }
        line.push(cell.value.map_or(GAP, |value| height(value, low, high)));
    }
    line
}

fn height(value: f64, low: f64, high: f64) -> char {
    // Less than a hundredth of the value is no shape worth drawing at full height.
    if high - low <= 0.01 * high.abs() {
        return HEIGHTS[3];
    }
    let share = (value - low) / (high - low);
    HEIGHTS[((share * 8.0) as usize).min(7)]
}

/// Neighbours that share a character.
struct Cell {
    /// The first of them.
    from: usize,
    value: Option<f64>,
}

/// The values in at most `room` cells, none of which reaches over a change.
fn cells(values: &[Option<f64>], changes: &[usize], room: usize) -> Vec<Cell> {
    let room = room.max(1);
    let mut each = values.len().div_ceil(room).max(1);
    loop {
        let mut cells = Vec::new();
        let mut from = 0;
        while from < values.len() {
            let change = changes.iter().copied().find(|at| *at > from);
            let until = (from + each).min(change.unwrap_or(usize::MAX)).min(values.len());
            let mut some: Vec<f64> = values[from..until].iter().flatten().copied().collect();
            some.sort_by(f64::total_cmp);
            cells.push(Cell { from, value: some.get(some.len() / 2).copied() });
            from = until;
        }
        if cells.len() <= room || each >= values.len() {
            return cells;
        }
        each += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: impl IntoIterator<Item = i32>) -> Vec<Option<f64>> {
        values.into_iter().map(|value| Some(f64::from(value))).collect()
    }

    #[test]
    fn heights_follow_values_and_changes_are_drawn() {
        assert_eq!(sparkline(&some(0..8), &[], 20), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&some([5, 5, 9, 9]), &[2], 20), "▁▁│██");
        assert_eq!(sparkline(&some([100, 100, 100]), &[], 20), "▄▄▄");
        assert_eq!(sparkline(&[Some(1.0), None, Some(2.0)], &[], 20), "▁·█");
        assert_eq!(sparkline(&[], &[], 20), "");
    }

    #[test]
    fn it_never_takes_more_room_than_there_is() {
        for count in [1, 7, 40, 41, 300, 1_000] {
            let values = some(0..count);
            for changes in [vec![], vec![3], vec![10, 11, 12, 30, 39]] {
                let line = sparkline(&values, &changes, 40);
                assert!(line.chars().count() <= 40, "{count}: {line}");
            }
        }
    }
}
