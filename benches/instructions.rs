//! How many instructions the work of one chunk, one turn and one arrival takes. Run by
//! `.ci/instructions`, which counts them under callgrind: `instructions CASE N` does the work N times,
//! so that the difference between two runs is the work alone. Without arguments: the cases.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use streamgauge::artifact::samples::SampleWriter;
use streamgauge::client::{Answered, Read, ReplyReader, Request, Transport, TransportFailure};
use streamgauge::clock::Clock;
use streamgauge::exchange::Exchange;
use streamgauge::measure::{Goal, Layout, Recorder};
use streamgauge::plan::{Plan, Shard};
use streamgauge::protocol::{Dialect, Reply};
use streamgauge::sample::{Outcome, Part, Phase, Sample, Timeline, Tokens};
use streamgauge::scenario::{self, Framing, Imagined, Overrides, Scenario, Timeouts};
use streamgauge::units::Offset;

/// A name, and what does the work so many times.
type Case = (&'static str, fn(u64));

const CASES: [Case; 9] = [
    ("decode raw chunk", |n| decode(Dialect::LyzrV2(Framing::Auto), b"words ", n)),
    ("decode sse event", |n| decode(Dialect::LyzrV3, b"data: words \n\n", n)),
    ("decode openai event", |n| decode(Dialect::OpenAi, OPENAI, n)),
    ("record turn", record),
    ("write row", write_row),
    ("schedule even arrival", |n| schedule("even", n)),
    ("schedule poisson arrival", |n| schedule("poisson", n)),
    ("plan session", plan_session),
    ("turn of 5 chunks", turn),
];

const OPENAI: &[u8] =
    b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"words \"}}]}\n\n";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [name, times] = words.as_slice() else {
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return;
    };
    let (_, work) = CASES.iter().find(|(known, _)| known == name).expect("a case");
    work(times.parse().expect("a number"));
}

fn at(micros: u64) -> Offset {
    Offset::from_nanos(micros * 1_000)
}

/// Feeds chunks to a decoder, in replies of 200.
fn decode(dialect: Dialect, chunk: &[u8], chunks: u64) {
    let mut reply = Reply::default();
    let mut decoder = dialect.decoder();
    reply.clear(false, false);
    for n in 0..chunks {
        if n % 200 == 199 {
            reply.clear(false, false);
            decoder = dialect.decoder();
        }
        decoder.feed(black_box(chunk), at(n * 100), &mut reply).expect("a chunk");
    }
    black_box(&reply);
}

fn sample(n: u64) -> Sample {
    let due = n * 100;
    Sample {
        session_number: n,
        kind: 0,
        session_id: "run-1".into(),
        user_id: "user-1".into(),
        turn: 1,
        part: Part::Main,
        session_turns: 1,
        attempt: 1,
        retried: false,
        phase: Phase::Steady,
        timeline: Timeline {
            intended: at(due),
            started: Some(at(due + 3)),
            headers: Some(at(due + 900)),
            first_chunk: Some(at(due + 20_000)),
            last_chunk: Some(at(due + 40_000)),
            first_reasoning: None,
            ended: at(due + 40_010),
        },
        queue: Duration::ZERO,
        connect: None,
        connection: Some(1),
        client_lag: Some(Duration::from_micros(12)),
        chunks: 5,
        reads: 5,
        bytes: 60,
        tool_calls: 0,
        tokens: Tokens::default(),
        status: Some(200),
        outcome: Outcome::Completed,
        message: None,
    }
}

fn record(turns: u64) {
    let mut recorder = Recorder::new(Arc::new(Layout::new(1, [], Goal::default())));
    let sample = sample(5_000);
    let mut reply = Reply::default();
    let mut decoder = Dialect::LyzrV2(Framing::Auto).decoder();
    reply.clear(false, false);
    (0..5).for_each(|n| decoder.feed(b"words ", at(n * 5_000), &mut reply).expect("a chunk"));
    for _ in 0..turns {
        recorder.started(sample.timeline.intended);
        recorder.sample(black_box(&sample), reply.within());
    }
    black_box(&recorder);
}

fn write_row(turns: u64) {
    let mut rows = SampleWriter::new(std::io::sink(), &["desk"], "desk").unwrap();
    let sample = sample(5_000);
    (0..turns).for_each(|_| rows.write(black_box(&sample)).unwrap());
}

fn scenario_of(set: &str) -> Scenario {
    let overrides = Overrides {
        target: Some("http://127.0.0.1:1".into()),
        rate: Some("1000/s".into()),
        duration: Some("1000h".into()),
        set: vec![set.into()],
        ..Overrides::default()
    };
    scenario::from_message("hello", &overrides, &Imagined::new()).expect("a scenario")
}

fn schedule(arrivals: &str, count: u64) {
    let plan = Plan::new(scenario_of(&format!("load.open.arrivals={arrivals}")), 0);
    let mut all = plan.arrivals(Shard::WHOLE);
    (0..count).for_each(|_| {
        black_box(all.next());
    });
}

fn plan_session(count: u64) {
    let plan = Plan::new(scenario_of("load.open.arrivals=even"), 0);
    for number in 0..count {
        let session = plan.session(number, 0).expect("a session");
        black_box(session.text(1, "run-1", None).expect("a text"));
    }
}

/// Answers at once with five chunks.
struct AtOnce;

struct Chunks {
    left: u32,
}

impl Transport for AtOnce {
    type Reply = Chunks;

    async fn send(&self, request: Request) -> Result<Answered<Chunks>, TransportFailure> {
        black_box(&request);
        Ok(Answered {
            status: 200,
            headers_at: at(1),
            lag: None,
            connect: None,
            connection: None,
            reply: Chunks { left: 5 },
        })
    }
}

impl ReplyReader for Chunks {
    async fn read(&mut self) -> Result<Read<'_>, TransportFailure> {
        let bytes: &[u8] = if self.left == 0 { b"" } else { b"words " };
        self.left = self.left.saturating_sub(1);
        Ok(Read { bytes, at: at(10 - u64::from(self.left)), lag: None })
    }

    fn header(&self, _: &str) -> Option<&str> {
        None
    }
}

fn turn(count: u64) {
    let second = Duration::from_secs(1);
    let timeouts =
        Timeouts { connect: second, first_chunk: second, idle: second, total: 2 * second };
    let dialect = Dialect::LyzrV2(Framing::Auto);
    let exchange = Exchange::new(AtOnce, dialect, timeouts, Clock::start(), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut reply = Reply::default();
        let body = Bytes::from_static(b"{}");
        for _ in 0..count {
            reply.clear(false, false);
            black_box(exchange.attempt(body.clone(), &mut reply, || false).await);
        }
    });
}
