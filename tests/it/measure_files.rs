//! The files that are written second by second.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use streamgauge::artifact::hlog::{HlogLine, HlogReader, HlogWriter};
use streamgauge::artifact::timeline::{TIMELINE_COLUMNS, TimelineWriter};
use streamgauge::measure::{Distribution, Goal, Interval, Recorder, Seconds, Totals};
use streamgauge::metric::Metric;
use streamgauge::sample::Sample;

use crate::summary::{facts, gaps_of, layout, mixed, record, turn};

/// The seconds of a run of two workers, put together.
fn seconds(samples: &[Sample]) -> (Totals, Vec<Interval>) {
    let layout = layout(&facts(&[]), Goal::default());
    let mut totals = Totals::new(layout.clone());
    let mut together = Seconds::new();
    for worker in 0..2 {
        let mut recorder = Recorder::new(layout.clone());
        for sample in samples.iter().filter(|one| one.session_number % 2 == worker) {
            record(&mut recorder, sample, &gaps_of(sample));
        }
        while let Some(interval) = recorder.finish() {
            totals.add(&interval);
            together.add(interval);
        }
    }
    let seconds = std::iter::from_fn(|| together.take_before(u64::MAX)).map(|one| *one).collect();
    (totals, seconds)
}

#[test]
fn the_timeline_has_every_second_and_accounts_for_every_attempt() {
    let mut samples = mixed();
    // A turn long after the rest: the seconds between are quiet, not missing.
    samples.push(turn(5_000, 20_000.0, 500.0));
    let (totals, seconds) = seconds(&samples);
    let mut writer = TimelineWriter::new(Vec::new()).unwrap();
    seconds.iter().for_each(|one| writer.write(one).unwrap());
    let file = writer.into_inner();

    let mut rows = csv::Reader::from_reader(file.as_slice());
    assert_eq!(rows.headers().unwrap(), TIMELINE_COLUMNS.as_slice());
    let rows: Vec<_> = rows.records().collect::<Result<_, _>>().unwrap();
    let column = |name: &str| {
        let at = TIMELINE_COLUMNS.iter().position(|one| *one == name).unwrap();
        rows.iter().map(move |row| row[at].to_owned()).collect::<Vec<_>>()
    };
    let sum = |name: &str| column(name).iter().map(|one| one.parse::<u64>().unwrap()).sum::<u64>();
    let numbered: Vec<_> = (0..=20).map(|second| second.to_string()).collect();
    assert_eq!(column("second"), numbered);
    assert_eq!(sum("started"), totals.tally().sent);
    assert_eq!(sum("ended"), totals.tally().sent);
    assert_eq!(sum("completed"), totals.tally().counts.completed);
    assert_eq!(column("in_flight").last().unwrap(), "0");
    assert_eq!(column("started")[16], "0");
    assert_eq!(column("ttfc_p50_ms")[16], "");
    assert_eq!(column("ttfc_p50_ms")[20], "250.000", "a single turn is shown exactly");
    assert!(!column("ttfc_p50_ms")[0].is_empty(), "the warm-up is in the timeline");
}

#[test]
fn the_histogram_log_adds_up_to_the_summary_metric_by_metric() {
    let (totals, seconds) = seconds(&mixed());
    let mut writer = HlogWriter::new(Vec::new(), Duration::from_secs(1_795_000_000)).unwrap();
    seconds.iter().for_each(|one| writer.write(one).unwrap());
    let file = writer.into_inner();

    let mut sums: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    for entry in IntervalLogIterator::new(&file) {
        let LogEntry::Interval(line) = entry.unwrap() else { continue };
        assert_eq!(line.duration(), Duration::from_secs(1));
        let bytes = base64(line.encoded_histogram());
        let histogram = Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()).unwrap();
        let tag = line.tag().unwrap().as_str().to_owned();
        match sums.get_mut(&tag) {
            Some(sum) => sum.add(&histogram).unwrap(),
            None => drop(sums.insert(tag, histogram)),
        }
    }
    let mut seen = 0;
    for metric in Metric::ALL {
        let kept = totals.all().distribution(metric).map(Distribution::to_histogram);
        assert_eq!(sums.get(metric.name()), kept.as_ref(), "{metric}");
        seen += usize::from(kept.is_some());
    }
    assert!(seen >= 8, "gap is among them");
    assert!(sums.contains_key("gap"));
}

#[test]
fn the_histogram_log_is_read_back_also_where_its_last_line_is_cut() {
    let (totals, seconds) = seconds(&mixed());
    let mut writer = HlogWriter::new(Vec::new(), Duration::from_secs(1_795_000_000)).unwrap();
    seconds.iter().for_each(|one| writer.write(one).unwrap());
    let file = writer.into_inner();
    let read =
        |bytes: &[u8]| -> Vec<HlogLine> { HlogReader::new(bytes).map(Result::unwrap).collect() };
    let lines = read(&file);
    let mut sum = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    for line in lines.iter().filter(|line| line.metric == Metric::Gap) {
        sum.add(&line.histogram).unwrap();
    }
    let kept = totals.all().distribution(Metric::Gap).map(Distribution::to_histogram);
    assert_eq!(Some(sum), kept);
    assert!(lines.windows(2).all(|two| two[0].start <= two[1].start));
    assert_eq!(read(&file[..file.len() - 3]), lines[..lines.len() - 1]);
    let mut damaged = file.clone();
    let at = file.len() - 20;
    damaged[at] = b'!';
    let error = HlogReader::new(damaged.as_slice()).find_map(Result::err).unwrap();
    assert!(error.to_string().starts_with("histograms.hlog, line "), "{error}");
}

fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for symbol in text.bytes().filter(|symbol| *symbol != b'=') {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = (bits << 6 | u32::from(value)) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
