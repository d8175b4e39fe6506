//! The situations, and what must come out.

use crate::known::{dropped, percentile, queued, stalled};

/// One situation.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What the agent is told.
    pub(crate) agent: Vec<&'static str>,
    /// How it is loaded.
    pub(crate) load: Load,
    pub(crate) expected: Vec<Expected>,
}

/// How the agent is loaded.
pub(crate) enum Load {
    /// So many a second, evenly, whatever the agent does.
    Open { rate: u32, seconds: u32, most: Option<u32>, drop: bool },
    /// So many at once, each followed by the next.
    Closed { concurrency: u32, seconds: u32 },
}

/// A figure that is known.
pub(crate) struct Expected {
    pub(crate) figure: &'static str,
    pub(crate) value: f64,
    /// How far off it may be, of the value.
    pub(crate) relative: f64,
    /// Or by itself.
    pub(crate) absolute: f64,
}

fn about(figure: &'static str, value: f64) -> Expected {
    Expected { figure, value, relative: 0.02, absolute: 0.0 }
}

fn exactly(figure: &'static str, value: f64) -> Expected {
    Expected { figure, value, relative: 0.0, absolute: 0.0 }
}

fn within(figure: &'static str, value: f64, absolute: f64) -> Expected {
    Expected { figure, value, relative: 0.0, absolute }
}

fn percentiles(values: &[f64]) -> Vec<Expected> {
    [("ttfc_p50", 50.0), ("ttfc_p95", 95.0), ("ttfc_p99", 99.0)]
        .map(|(figure, percent)| about(figure, percentile(values, percent)))
        .into()
}

/// A time-out for the whole reply, in seconds, that every case is played with.
pub(crate) const TOTAL_TIMEOUT_S: u32 = 12;

pub(crate) fn all() -> Vec<Case> {
    let open = |rate, seconds| Load::Open { rate, seconds, most: None, drop: false };
    let (sent, turned_away) = dropped(50.0, 6.0, 490.0, 10);
    vec![
        Case {
            name: "stall",
            agent: vec![
                "--first-chunk",
                "200ms",
                "--gap",
                "0s",
                "--chunks",
                "1",
                "--freeze",
                "8s+4s",
            ],
            load: open(100, 20),
            expected: percentiles(&stalled(100.0, 20.0, 200.0, 8_000.0, 4_000.0)),
        },
        Case {
            name: "slow start",
            agent: vec!["--first-chunk", "400ms", "--gap", "10ms", "--chunks", "21"],
            load: Load::Closed { concurrency: 8, seconds: 4 },
            expected: vec![
                about("ttfc_p50", 400.0),
                about("total_p50", 600.0),
                about("gap_p50", 10.0),
            ],
        },
        Case {
            name: "early headers",
            agent: vec!["--first-chunk", "500ms", "--gap", "20ms", "--chunks", "6"],
            load: Load::Closed { concurrency: 4, seconds: 4 },
            expected: vec![
                within("headers_p50", 0.0, 5.0),
                about("ttfc_p50", 500.0),
                about("total_p50", 600.0),
            ],
        },
        Case {
            name: "queue at a cap",
            agent: vec!["--first-chunk", "490ms", "--gap", "0s", "--chunks", "1"],
            load: Load::Open { rate: 30, seconds: 6, most: Some(10), drop: false },
            expected: percentiles(&queued(30.0, 6.0, 490.0, 10)),
        },
        Case {
            name: "drop at a cap",
            agent: vec!["--first-chunk", "490ms", "--gap", "0s", "--chunks", "1"],
            load: Load::Open { rate: 50, seconds: 6, most: Some(10), drop: true },
            expected: vec![
                exactly("completed", sent),
                exactly("dropped", turned_away),
                about("ttfc_p50", 490.0),
                // Most turns have no answer.
                exactly("all_p50", f64::INFINITY),
            ],
        },
        Case {
            name: "deadline",
            agent: vec![
                "--first-chunk",
                "100ms",
                "--gap",
                "0s",
                "--chunks",
                "2",
                "--fault",
                "stall=1@every 10",
            ],
            load: open(50, 6),
            expected: vec![
                exactly("completed", 270.0),
                exactly("timed_out", 30.0),
                about("ttfc_p50", 100.0),
                // One turn in ten was given up: no one knows how long it would have taken.
                exactly("all_p95", f64::INFINITY),
            ],
        },
        Case {
            name: "end of load",
            agent: vec!["--first-chunk", "1s", "--gap", "0s", "--chunks", "1"],
            load: open(50, 3),
            // What was on its way at the end is waited for, not cut.
            expected: vec![exactly("completed", 150.0), about("ttfc_p50", 1_000.0)],
        },
        Case {
            name: "one millisecond",
            agent: vec!["--first-chunk", "1ms", "--gap", "0s", "--chunks", "1"],
            load: Load::Closed { concurrency: 1, seconds: 3 },
            expected: vec![within("ttfc_p50", 1.0, 0.3), within("total_p50", 1.0, 0.3)],
        },
        Case {
            name: "one read",
            agent: vec![
                "--first-chunk",
                "50ms",
                "--gap",
                "10ms",
                "--chunks",
                "20",
                "--per-write",
                "5",
                "--framing",
                "sse",
            ],
            load: Load::Closed { concurrency: 4, seconds: 3 },
            expected: vec![
                // Five chunks go together, when the fifth is due.
                about("ttfc_p50", 90.0),
                exactly("chunks_per_turn", 20.0),
                within("reads_per_chunk", 0.2, 0.005),
            ],
        },
    ]
}
