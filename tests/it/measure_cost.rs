//! What it costs to record a turn and to write its row. A figure, not a bound: run it with
//! `cargo test --release --test it measure_cost -- --ignored --nocapture`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use streamgauge::artifact::samples::SampleWriter;
use streamgauge::clock::Clock;
use streamgauge::measure::{Goal, Layout, Recorder, Totals, Within};
use streamgauge::sample::Sample;

use crate::summary::turn;

const TURNS: u64 = 200_000;

fn nanos_each(times: u64, mut work: impl FnMut(u64)) -> u128 {
    let clock = Clock::start();
    let before = clock.now();
    (0..times).for_each(&mut work);
    clock.now().since(before).as_nanos() / u128::from(times)
}

/// Turns as ten thousand a second would leave them.
fn samples() -> Vec<Sample> {
    (0..TURNS).map(|n| turn(n, n as f64 / 10.0, 20.0 + (n * 7_919 % 977) as f64)).collect()
}

#[test]
#[ignore = "a figure for people, not a check"]
#[expect(clippy::print_stdout, reason = "the figure is the point")]
fn what_recording_costs() {
    let samples = samples();
    let layout = Arc::new(Layout::new(2, [], Goal::default()));
    for chunks in [5u32, 200] {
        let mut gaps = Within::new();
        let step = Duration::from_millis(1);
        let chunk = nanos_each(TURNS / 10, |n| {
            gaps.clear();
            let first = samples[n as usize].timeline.intended;
            (0..chunks).for_each(|chunk| gaps.chunk(first + step * chunk));
            black_box(&gaps);
        });
        let mut recorder = Recorder::new(Arc::clone(&layout));
        let mut totals = Totals::new(Arc::clone(&layout));
        let mut merging = Duration::ZERO;
        let mut seconds = 0;
        let clock = Clock::start();
        let each = nanos_each(TURNS, |n| {
            let sample = &samples[n as usize];
            recorder.sample(sample, &gaps);
            while let Some(interval) = recorder.roll(sample.timeline.intended) {
                let before = clock.now();
                totals.add(&interval);
                recorder.recycle(interval);
                merging += clock.now().since(before);
                seconds += 1;
            }
        });
        let merge = merging.as_nanos() / u128::from(TURNS);
        println!("{chunks} chunks: noting gaps {chunk} ns, recording {} ns a turn", each - merge);
        println!("  merging a second of one worker: {:?}", merging / seconds.max(1));
    }
    let mut rows = SampleWriter::new(std::io::sink(), &["refund", "questions"], "desk").unwrap();
    let row = nanos_each(TURNS, |n| rows.write(&samples[n as usize]).unwrap());
    println!("writing a row: {row} ns");
}
