//! What a row says of a sample, and that reading it again gives the sample back.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::sample::{ALL_OUTCOMES, Connect, Part, Phase, Sample, Timeline, Tokens};
use crate::units::Offset;

fn any_sample() -> impl Strategy<Value = Sample> {
    let text = "[a-zA-Z0-9 ,\"\n\r;é-]{0,12}";
    let nanos = 0u64..4_000_000_000_000;
    (
        (0u64..1_000, 0u16..2, text, text, 1u32..9, 1u32..4, any::<bool>()),
        (nanos.clone(), nanos.clone(), proptest::option::of(nanos.clone()), nanos),
        (0usize..ALL_OUTCOMES.len(), proptest::option::of(100u16..600), text, 0u64..9, 0u64..9),
    )
        .prop_map(|(who, when, what)| Sample {
            session_number: who.0,
            kind: who.1,
            session_id: who.2.into(),
            user_id: who.3.into(),
            turn: who.4,
            part: [Part::Main, Part::Setup, Part::Closing][who.4 as usize % 3],
            attempt: who.5,
            retried: who.6,
            phase: [Phase::Warmup, Phase::Steady, Phase::Drain][(who.0 % 3) as usize],
            timeline: Timeline {
                intended: Offset::from_nanos(when.0),
                started: when.2.map(Offset::from_nanos),
                headers: None,
                first_chunk: when.2.map(|at| Offset::from_nanos(at + 5_432_100)),
                last_chunk: when.2.map(|at| Offset::from_nanos(at + 9_000_000)),
                first_reasoning: what.1.map(|_| Offset::from_nanos(when.1)),
                ended: Offset::from_nanos(when.3),
            },
            queue: Duration::from_nanos(when.1 / 1_000),
            connect: when.2.map(|at| {
                Box::new(Connect {
                    total: Duration::from_nanos(when.1 / 7),
                    dns: what.1.map(|_| Duration::from_nanos(at / 9)),
                    tcp: Some(Duration::from_nanos(at / 5)),
                    tls: None,
                })
            }),
            connection: what.1.map(u64::from),
            client_lag: when.2.map(|at| Duration::from_nanos(at / 3)),
            chunks: what.3,
            reads: what.4,
            bytes: when.1,
            tool_calls: what.4 / 5,
            session_turns: 3,
            tokens: Tokens { input: when.2, output: what.1.map(u64::from), reasoning: None },
            status: what.1,
            outcome: ALL_OUTCOMES[what.0],
            message: (!what.2.is_empty()).then(|| what.2.as_str().into()),
        })
}

/// The sample as a file can hold it: whole microseconds.
fn as_written(sample: &Sample) -> Sample {
    let cut = |at: Offset| Offset::from_nanos(at.micros() * 1_000);
    let whole = |duration: Duration| Duration::from_micros(duration.as_micros() as u64);
    let time = sample.timeline;
    Sample {
        timeline: Timeline {
            intended: cut(time.intended),
            started: time.started.map(cut),
            headers: time.headers.map(cut),
            first_chunk: time.first_chunk.map(cut),
            last_chunk: time.last_chunk.map(cut),
            first_reasoning: time.first_reasoning.map(cut),
            ended: cut(time.ended),
        },
        queue: whole(sample.queue),
        connect: sample.connect.as_ref().map(|connect| {
            Box::new(Connect {
                total: whole(connect.total),
                dns: connect.dns.map(whole),
                tcp: connect.tcp.map(whole),
                tls: connect.tls.map(whole),
            })
        }),
        client_lag: sample.client_lag.map(whole),
        ..sample.clone()
    }
}

fn written(samples: &[Sample]) -> Vec<u8> {
    let mut writer = SampleWriter::new(Vec::new(), &["refund", "a, \"b\""], "desk, 1").unwrap();
    samples.iter().for_each(|sample| writer.write(sample).unwrap());
    writer.into_inner()
}

fn read(file: &[u8]) -> Result<Vec<Row>, SamplesError> {
    SampleReader::new(file, ["refund", "a, \"b\""])?.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(samples in proptest::collection::vec(any_sample(), 0..20)) {
        let rows = read(&written(&samples)).unwrap();
        prop_assert_eq!(rows.len(), samples.len());
        for (at, (row, sample)) in rows.iter().zip(&samples).enumerate() {
            prop_assert_eq!(&row.sample, &as_written(sample));
            prop_assert_eq!(row.number, at as u64 + 1);
            prop_assert_eq!(row.scenario.as_str(), "desk, 1");
            prop_assert_eq!(crate::measure::values(&row.sample), crate::measure::values(sample));
        }
    }

    #[test]
    fn a_file_cut_anywhere_gives_its_whole_rows(
        samples in proptest::collection::vec(any_sample(), 1..6),
        cut in 0usize..4_000,
    ) {
        let file = written(&samples);
        let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cut = (header + cut).min(file.len());
        let whole = (0..=samples.len()).rev().find(|&n| written(&samples[..n]).len() <= cut);
        let mut reader = SampleReader::new(&file[..cut], ["refund", "a, \"b\""]).unwrap();
        let rows: Vec<_> = reader.by_ref().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(rows.len(), whole.unwrap());
        prop_assert_eq!(reader.is_cut(), written(&samples[..rows.len()]).len() != cut);
    }
}

#[test]
fn a_row_is_what_the_contract_says() {
    let sample = Sample {
        session_number: 7,
        kind: 0,
        session_id: Arc::from("run-7"),
        user_id: Arc::from("user-1"),
        turn: 1,
        part: Part::Main,
        attempt: 2,
        retried: false,
        phase: Phase::Steady,
        timeline: Timeline {
            intended: Offset::from_nanos(1_000_000_900),
            started: Some(Offset::from_nanos(1_002_000_100)),
            headers: Some(Offset::from_nanos(1_010_000_000)),
            first_chunk: Some(Offset::from_nanos(1_020_000_000)),
            last_chunk: Some(Offset::from_nanos(1_030_000_000)),
            first_reasoning: None,
            ended: Offset::from_nanos(1_031_000_000),
        },
        queue: Duration::from_millis(1),
        connect: None,
        connection: None,
        client_lag: None,
        chunks: 3,
        reads: 2,
        bytes: 42,
        tool_calls: 0,
        session_turns: 1,
        tokens: Tokens::default(),
        status: Some(200),
        outcome: crate::sample::Outcome::Completed,
        message: None,
    };
    let file = String::from_utf8(written(&[sample])).unwrap();
    let mut lines = file.lines();
    assert!(lines.next().unwrap().starts_with(
        "sample,session,session_name,user,turn,attempt,phase,intended_ms,started_ms,headers_ms,\
         first_chunk_ms,last_chunk_ms,ended_ms,connect_ms,ttfc_ms,total_ms,ttfc_service_ms,\
         total_service_ms,lateness_ms,chunks,bytes,status,outcome,error,queue_ms,message,scenario"
    ));
    assert_eq!(
        lines.next().unwrap(),
        "1,run-7,refund,user-1,1,2,steady,1000.000,1002.000,1010.000,1020.000,1030.000,1031.000,,\
         20.000,31.000,18.000,29.000,1.000,3,42,200,completed,,1.000,,\"desk, 1\",,2,7,,0,,,,main,1,,,,,"
    );
}

#[test]
fn columns_are_found_by_name_and_later_ones_passed_over() {
    let file = "outcome,new,error,session,session_name,user,turn,attempt,phase,intended_ms,\
        started_ms,headers_ms,first_chunk_ms,last_chunk_ms,ended_ms,ttfc_ms,total_ms,\
        ttfc_service_ms,total_service_ms,lateness_ms,chunks,bytes,status,queue_ms\n\
        failed,x,status,s,refund,u,1,1,drain,1,2.5,,,,4.125,,,,,,0,0,503,\n";
    let rows = read(file.as_bytes()).unwrap();
    let sample = &rows[0].sample;
    assert_eq!(sample.status, Some(503));
    assert_eq!(sample.timeline.started, Some(Offset::from_nanos(2_500_000)));
    assert_eq!(sample.timeline.ended, Offset::from_nanos(4_125_000));
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let good = String::from_utf8(written(&[])).unwrap();
    let row = "1,s,refund,u,1,1,steady,0.000,,,,,5.000,,,,,,,0,0,,dropped,overload,,,x,,0,1,,0,,,,main,1,,,,,\n";
    for (from, to, why) in [
        ("dropped,overload", "dropped,status", "line 2: `dropped` in column `outcome` is not"),
        ("5.000", "5s", "`5s` in column `ended_ms` is not milliseconds"),
        ("5.000", "", "`` in column `ended_ms`"),
        ("steady", "later", "`later` in column `phase`"),
        (",1,1,steady", ",one,1,steady", "`one` in column `turn`"),
        (",x,,0,1", ",x,,0,1,9", "43 cells where the header has 42"),
    ] {
        let file = format!("{good}{}", row.replacen(from, to, 1));
        let error = read(file.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let error = read(b"a,b\n1,2\n").unwrap_err().to_string();
    assert!(error.contains("no column `session`"), "{error}");
}
