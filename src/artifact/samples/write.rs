//! Writing rows by hand: integers and a few quoted texts, at a fraction of a microsecond a row.

use std::io::{self, Write};

use super::COLUMNS;
use crate::measure::{micros, values};
use crate::metric::Metric;
use crate::sample::{Connect, Sample};
use crate::units::Offset;

/// Writes samples as rows. It buffers nothing but the row it is at.
#[derive(Debug)]
pub struct SampleWriter<W> {
    out: W,
    row: Vec<u8>,
    written: u64,
    /// Names of the session kinds and of their scenarios, as they stand in a row.
    kinds: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<W: Write> SampleWriter<W> {
    /// Begins the file with its header. `kinds` are the names of the session kinds in the plan's
    /// order, `scenario` the name of the scenario. Give it a buffered writer.
    pub fn new<S: AsRef<str>>(out: W, kinds: &[S], scenario: &str) -> io::Result<Self> {
        Self::together(out, kinds.iter().map(|kind| (kind.as_ref(), scenario)))
    }

    /// The same for a run of several scenarios: each session kind with the name of its own.
    pub fn together<'a>(
        mut out: W,
        kinds: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<Self> {
        writeln!(out, "{}", COLUMNS.join(","))?;
        Ok(Self::at(out, kinds, 0))
    }

    /// Continues a file that has its header and `written` rows.
    pub fn resume<S: AsRef<str>>(out: W, kinds: &[S], scenario: &str, written: u64) -> Self {
        Self::at(out, kinds.iter().map(|kind| (kind.as_ref(), scenario)), written)
    }

    fn at<'a>(out: W, kinds: impl Iterator<Item = (&'a str, &'a str)>, written: u64) -> Self {
        let quoted = |text: &str| {
            let mut cell = Vec::new();
            text_cell(&mut cell, text);
            cell
        };
        Self {
            out,
            row: Vec::with_capacity(512),
            written,
            kinds: kinds.map(|(kind, scenario)| (quoted(kind), quoted(scenario))).collect(),
        }
    }

    /// Writes one row. `Err` where the file cannot be written.
    pub fn write(&mut self, sample: &Sample) -> io::Result<()> {
        self.written += 1;
        let mut row = Cells { row: &mut self.row };
        row.row.clear();
        let time = &sample.timeline;
        let values = values(sample);
        let of = |metric: Metric| values[metric as usize];

        let names = self.kinds.get(usize::from(sample.kind));
        let (kind, scenario) =
            names.map_or((&[][..], &[][..]), |(kind, scenario)| (kind, scenario));

        row.number(self.written);
        row.text(&sample.session_id);
        row.raw(kind);
        row.text(&sample.user_id);
        row.number(u64::from(sample.turn));
        row.number(u64::from(sample.attempt));
        row.raw(sample.phase.word().as_bytes());
        row.millis(Some(time.intended.micros()));
        for at in [time.started, time.headers, time.first_chunk, time.last_chunk] {
            row.millis(at.map(Offset::micros));
        }
        row.millis(Some(time.ended.micros()));
        row.millis(of(Metric::Connect));
        row.millis(of(Metric::Ttfc));
        row.millis(of(Metric::Total));
        row.millis(of(Metric::TtfcService));
        row.millis(of(Metric::TotalService));
        row.millis(of(Metric::Lateness));
        row.number(sample.chunks);
        row.number(sample.bytes);
        row.number_if(sample.status.map(u64::from));
        row.raw(sample.outcome.word().as_bytes());
        row.raw(sample.outcome.error().as_bytes());
        // A turn that was never sent may have waited all the same.
        let waited = Some(micros(sample.queue)).filter(|&queue| queue > 0);
        row.millis(of(Metric::Queue).or(waited));
        row.text(sample.message.as_deref().unwrap_or(""));
        row.raw(scenario);
        row.raw(if sample.retried { b"1" } else { b"" });
        row.number(sample.reads);
        row.number(sample.session_number);
        row.millis(time.first_reasoning.map(Offset::micros));
        row.number(sample.tool_calls);
        for count in [sample.tokens.input, sample.tokens.output, sample.tokens.reasoning] {
            row.number_if(count);
        }
        row.raw(sample.part.word().as_bytes());
        row.number(u64::from(sample.session_turns));
        row.number_if(sample.connection);
        let opened = sample.connect.as_deref().copied();
        for part in [|one: Connect| one.dns, |one: Connect| one.tcp, |one: Connect| one.tls] {
            row.millis(opened.and_then(part).map(micros));
        }
        row.millis(sample.client_lag.map(micros));
        if let Some(last) = self.row.last_mut() {
            *last = b'\n';
        }
        self.out.write_all(&self.row)
    }

    /// Rows written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Hands everything on to the file. `Err` where it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The writer underneath.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends the writing.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// A row under construction; every cell ends with a comma.
struct Cells<'a> {
    row: &'a mut Vec<u8>,
}

impl Cells<'_> {
    fn raw(&mut self, cell: &[u8]) {
        self.row.extend_from_slice(cell);
        self.row.push(b',');
    }

    fn text(&mut self, text: &str) {
        text_cell(self.row, text);
        self.row.push(b',');
    }

    fn number(&mut self, number: u64) {
        digits(self.row, number);
        self.row.push(b',');
    }

    fn number_if(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.raw(b""),
        }
    }

    /// Milliseconds with three decimals: whole microseconds.
    fn millis(&mut self, micros: Option<u64>) {
        if let Some(micros) = micros {
            digits(self.row, micros / 1_000);
            let rest = micros % 1_000;
            let digit = |value: u64| b'0' + (value % 10) as u8;
            self.row.extend_from_slice(&[b'.', digit(rest / 100), digit(rest / 10), digit(rest)]);
        }
        self.row.push(b',');
    }
}

fn digits(row: &mut Vec<u8>, mut number: u64) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    row.extend_from_slice(&buffer[at..]);
}

/// A text as RFC 4180 has it: quoted where it has a comma, a quote or a line break.
fn text_cell(row: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        row.extend_from_slice(text.as_bytes());
        return;
    }
    row.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            row.push(b'"');
        }
        row.push(byte);
    }
    row.push(b'"');
}
