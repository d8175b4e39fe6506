//! What is played: known schedules over streams, chunks and rates.

use std::time::Duration;

/// How much time is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// About 20 seconds.
    Quick,
    /// About two minutes.
    Full,
}

/// One schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Streams open at once, in a closed load; `None`: `rate` decides.
    pub streams: Option<u32>,
    /// Sessions a second, in an open load.
    pub rate: Option<u32>,
    /// Chunks in a reply.
    pub chunks: u32,
    /// Until the first chunk, in the middle: it varies by a half either way, so that the streams do
    /// not go in step.
    pub first_chunk: Duration,
    /// From chunk to chunk.
    pub gap: Duration,
    /// How long it is played.
    pub play: Duration,
    /// Of that, what is left out at the beginning.
    pub warmup: Duration,
    /// Whether the time of every chunk is compared, or only the first and the last.
    pub every_chunk: bool,
}

/// Requests a second that a grid cell is kept below: the grid is about streams.
const GRID_REQUESTS: u32 = 8_000;
/// Chunks a second, likewise: the agent has one core as well.
const GRID_CHUNKS: u32 = 100_000;

impl Setting {
    /// `streams` replies of `chunks` chunks open at once, each followed by the next.
    fn of_streams(streams: u32, chunks: u32, effort: Effort) -> Self {
        let gap = Duration::from_millis(5).max(Duration::from_secs(1) * streams / GRID_CHUNKS);
        let rest = gap * (chunks - 1);
        let slowest = Duration::from_secs(1) * streams / GRID_REQUESTS;
        let first_chunk = Duration::from_millis(50).max(slowest.saturating_sub(rest));
        let turn = first_chunk * 3 / 2 + rest;
        let least = Duration::from_millis(if effort == Effort::Quick { 1_200 } else { 3_000 });
        // All streams begin at once: the turns of that first moment are left out, unless they are so
        // long that it is over for most of their time.
        let long = turn > Duration::from_secs(4);
        let warmup = if long { Duration::ZERO } else { turn / 2 };
        let play = if long { turn + Duration::from_secs(1) } else { turn * 9 / 4 };
        Self {
            streams: Some(streams),
            rate: None,
            chunks,
            first_chunk,
            gap,
            warmup,
            play: play.max(warmup + least),
            every_chunk: true,
        }
    }

    /// `rate` replies of 5 chunks a second.
    fn of_rate(rate: u32, effort: Effort) -> Self {
        let quick = effort == Effort::Quick;
        // A hundred turns at least, so that there is a p99.
        let least = Duration::from_secs(100) / rate;
        let most = Duration::from_secs(if quick { 2 } else { 10 });
        let play = least.clamp(Duration::from_millis(if quick { 800 } else { 2_000 }), most);
        Self {
            streams: None,
            rate: Some(rate),
            chunks: 5,
            first_chunk: Duration::from_millis(10),
            gap: Duration::ZERO,
            warmup: Duration::from_millis(200),
            play: play + Duration::from_millis(200),
            every_chunk: false,
        }
    }

    /// Replies of 200 chunks that come at `rate` chunks a second together. What the agent cannot write
    /// one by one it writes together, and says so in its log.
    fn of_chunks(rate: u32, effort: Effort) -> Self {
        let streams = CHUNK_STREAMS;
        let gap = Duration::from_secs(1) * streams / rate;
        let play = if effort == Effort::Quick { 800 } else { 2_000 };
        let warmup = Duration::from_millis(400);
        Self {
            streams: Some(streams),
            rate: None,
            chunks: 200,
            first_chunk: Duration::from_millis(5),
            gap,
            warmup,
            play: warmup + Duration::from_millis(play),
            every_chunk: false,
        }
    }
}

/// Streams of the ladder of chunk rates.
const CHUNK_STREAMS: u32 = 64;

/// The cells whose error a run may cite.
pub fn grid(effort: Effort) -> Vec<Setting> {
    let cells: &[(u32, u32)] = match effort {
        Effort::Quick => &[(10, 5), (100, 5), (100, 200), (1_000, 5)],
        Effort::Full => &[
            (10, 5),
            (100, 5),
            (1_000, 5),
            (5_000, 5),
            (10, 200),
            (100, 200),
            (1_000, 200),
            (5_000, 200),
        ],
    };
    cells.iter().map(|&(streams, chunks)| Setting::of_streams(streams, chunks, effort)).collect()
}

/// Rates that are climbed until one is too high.
#[derive(Debug, Clone, Copy)]
pub enum Ladder {
    /// Requests a second, open load, replies of 5 chunks.
    Requests,
    /// Chunks a second, replies of 200.
    Chunks,
}

impl Ladder {
    /// The rungs from the lowest; endless in principle, and far beyond any machine in practice.
    pub fn rungs(self, effort: Effort) -> impl Iterator<Item = Setting> {
        let first: &[u32] = match (self, effort) {
            (Self::Requests, Effort::Quick) => &[100, 1_000, 4_000],
            (Self::Requests, Effort::Full) => &[10, 100, 1_000, 2_000, 4_000],
            (Self::Chunks, Effort::Quick) => &[50_000, 200_000],
            (Self::Chunks, Effort::Full) => &[10_000, 50_000, 100_000, 200_000],
        };
        let factor = if effort == Effort::Quick { 3 } else { 2 };
        let last = first.last().copied().unwrap_or(1);
        let higher = std::iter::successors(last.checked_mul(factor), move |rate| {
            rate.checked_mul(factor).filter(|&rate| rate <= 100_000_000)
        });
        first.iter().copied().chain(higher).map(move |rate| match self {
            Self::Requests => Setting::of_rate(rate, effort),
            Self::Chunks => Setting::of_chunks(rate, effort),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_fits_its_time_and_asks_no_more_than_an_agent_can_do() {
        for (effort, most) in [(Effort::Quick, 8.0), (Effort::Full, 45.0)] {
            let cells = grid(effort);
            let time: f64 = cells.iter().map(|cell| cell.play.as_secs_f64()).sum();
            assert!(time < most, "{effort:?}: {time} s");
            for cell in cells {
                let turn = (cell.first_chunk + cell.gap * (cell.chunks - 1)).as_secs_f64();
                let streams = f64::from(cell.streams.unwrap());
                assert!(streams / turn <= 16_000.0, "{cell:?}");
                assert!(streams / turn * f64::from(cell.chunks) <= 105_000.0, "{cell:?}");
            }
        }
    }

    #[test]
    fn a_ladder_goes_up_and_ends() {
        for ladder in [Ladder::Requests, Ladder::Chunks] {
            let rungs: Vec<Setting> = ladder.rungs(Effort::Full).collect();
            assert!(rungs.len() < 40);
            let speed = |rung: &Setting| (rung.rate, std::cmp::Reverse(rung.gap));
            assert!(rungs.is_sorted_by(|lower, higher| speed(lower) < speed(higher)));
        }
    }
}
