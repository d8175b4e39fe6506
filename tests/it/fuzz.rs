//! The fuzz targets in a short form: so many inputs each, made from good ones by small changes, the same
//! every time. `STREAMGAUGE_FUZZ_INPUTS=1000000` makes it a long one.

use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

/// Good inputs, and pieces that are worth putting into others.
struct Corpus {
    good: Vec<Vec<u8>>,
    pieces: &'static [&'static str],
}

impl Corpus {
    /// An input: a good one, changed in a few places.
    fn input(&self, rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        let mut bytes = self.any(rng).to_vec();
        for _ in 0..rng.random_range(0..6u32) {
            let at = rng.random_range(0..=bytes.len());
            let end = (at + rng.random_range(0..24usize)).min(bytes.len());
            match rng.random_range(0..7u32) {
                0 if at < bytes.len() => bytes[at] = rng.random(),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let piece = self.pieces[rng.random_range(0..self.pieces.len())];
                    drop(bytes.splice(at..end, piece.bytes()));
                }
                3 => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                4 => {
                    let other = self.any(rng);
                    let from = rng.random_range(0..=other.len());
                    let to = (from + rng.random_range(0..200usize)).min(other.len());
                    drop(bytes.splice(at..end, other[from..to].iter().copied()));
                }
                5 => bytes.truncate(at),
                _ => bytes.insert(at, rng.random()),
            }
        }
        bytes
    }

    fn any(&self, rng: &mut Xoshiro256PlusPlus) -> &[u8] {
        &self.good[rng.random_range(0..self.good.len())]
    }

    /// Tries `usual` inputs, or as many as the environment says.
    #[expect(clippy::disallowed_methods, reason = "a long campaign is asked for by hand")]
    fn try_out(&self, usual: u64, mut target: impl FnMut(&mut Xoshiro256PlusPlus, &[u8])) {
        let asked = std::env::var("STREAMGAUGE_FUZZ_INPUTS").ok();
        let count = asked.map_or(usual, |count| count.parse().unwrap());
        for number in 0..count {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(number);
            let input = self.input(&mut rng);
            target(&mut rng, &input);
        }
    }
}

fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let wanted = paths.iter().filter(|path| path.extension().is_some_and(|one| one == ending));
    wanted.map(|path| std::fs::read(path).unwrap()).collect()
}

const STREAM: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    ":",
    "data:",
    "data: ",
    "event: error\n",
    "id: 1\n",
    "retry: 5\n",
    "\u{feff}",
    "[DONE]",
    "[ERROR] x",
    "{\"trace_id\":1}",
    "\\n",
    "\\\"",
    "\"",
    "{",
    "}",
    "é",
    "\u{2028}",
    "null",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
    "{\"error\":{\"message\":\"x\"}}",
];

#[test]
fn any_stream_in_any_two_reads_has_the_same_events() {
    let corpus = Corpus { good: files("tests/fixtures/sse", "sse"), pieces: STREAM };
    corpus.try_out(20_000, |rng, input| targets::sse(rng.random(), input));
}

#[test]
fn any_reply_in_any_two_reads_means_the_same() {
    let mut good = files("tests/fixtures/sse", "sse");
    good.extend([b"plain text".to_vec(), b"{\"response\": \"a\"}".to_vec(), b"[\"a\"]".to_vec()]);
    let corpus = Corpus { good, pieces: STREAM };
    corpus.try_out(20_000, |rng, input| targets::reply(rng.random(), rng.random(), input));
}

#[test]
fn any_chunked_body_in_any_two_reads_is_the_same() {
    let good = [
        "5\r\nhello\r\n0\r\n\r\n",
        "1;name=\"a;b\"\r\na\r\n00a\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n",
        "F\r\n{\"a\":\"\r\n0\r\n\"}\n\n\r\n000;last\r\n\r\nHTTP/1.1 200 OK",
    ];
    let good = good.map(|text| text.as_bytes().to_vec()).to_vec();
    let pieces = &[
        "\r\n",
        "\r",
        "\n",
        "0\r\n\r\n",
        "0\r\n",
        "1\r\na\r\n",
        ";",
        ";a=b",
        "\"",
        " ",
        "-1",
        "+1",
        "0x1",
        "ffffffffffffffff",
        "10000000000000000",
        "7fffffffffffffff",
        "a: b\r\n",
        "é",
    ];
    let corpus = Corpus { good, pieces };
    corpus.try_out(20_000, |rng, input| targets::chunked(rng.random(), input));
}

#[test]
fn any_scenario_is_read_or_refused() {
    let document = std::fs::read_to_string("docs/scenario.md").unwrap();
    let blocks = document.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let target = "target: { url: embedded }\n";
    let sessions = "sessions: [{ messages: [a] }]\n";
    let whole = |block: &str| {
        let target = if block.contains("target:") { "" } else { target };
        let sessions = if block.contains("sessions:") { "" } else { sessions };
        format!("{target}{sessions}{block}").into_bytes()
    };
    let mut good: Vec<Vec<u8>> = blocks.map(whole).collect();
    good.extend(files("scenarios", "yaml"));
    assert!(good.len() > 15);
    let pieces = &[
        "\n",
        "\n  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: ",
        "!!binary ",
        "? ",
        "| \n",
        "'",
        "\"",
        "null",
        "~",
        "-1",
        "0",
        "1e309",
        "99999999999999999999",
        "0s",
        "1h",
        "5/s",
        "0/s",
        "{{ x }}",
        "{% for i in range(3) %}",
        "rows.csv",
        "scenarios:\n",
        "start_after: 1s\n",
        "load: { once: {} }\n",
        "stages: [{ for: 1s, to: 1 }]",
        "\t",
        "\r",
        "é",
    ];
    let corpus = Corpus { good, pieces };
    corpus.try_out(3_000, |_, input| targets::scenario(&String::from_utf8_lossy(input)));
}

#[test]
fn any_trace_is_read_or_refused() {
    let good = [
        "{\"timestamp\": 0, \"input_length\": 5}\n{\"timestamp\": 27482.5}\n{\"timestamp\": 27482}\n",
        "TIMESTAMP,ContextTokens\n2023-11-16 18:15:46.6805900,374\n2023-11-16 18:15:47.1,2\n",
        "TIMESTAMP\n2024-05-10T00:00:00.009930+00:00\n2024-05-10T00:00:01Z\n",
        "sample,turn,attempt,intended_ms\n1,1,1,0.000\n2,2,1,5.125\n3,1,1,7.500\n",
        "[{\"timestamp\": 5}, {\"timestamp\": 1}]",
    ];
    let good = good.map(|text| text.as_bytes().to_vec()).to_vec();
    let pieces = &[
        "\n",
        "\r\n",
        ",",
        "\"",
        "{",
        "}",
        "timestamp",
        "TIMESTAMP",
        "intended_ms",
        "-1",
        "1e300",
        "NaN",
        "null",
        "99999999999999999999999",
        "2023-13-45",
        "0.0000000001",
        "\u{feff}",
        "é",
        " ",
    ];
    let corpus = Corpus { good, pieces };
    corpus.try_out(10_000, |rng, input| targets::trace(rng.random(), input));
}
