//! A reply before it is played: every byte of it, and when each is due. Pure; the faults are in.

use std::io::Write;
use std::time::Duration;

use rand::Rng;

use super::ask::{Api, Asked};
use super::dress::{Dress, Escape, Form};
use super::fault::{Fault, RetryAfter};
use super::options::{Behaviour, Framing};
use super::refusal::{Refusal, reason};
use super::replay::{Recorded, Recording};
use super::sessions::Context;
use super::text::{self, Pieces};

/// A reply, ready to be played.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Head and body, as they go over the wire.
    pub(super) wire: Vec<u8>,
    /// Where the head ends (with what follows it at once, if that is not a part).
    pub(super) head_end: usize,
    /// The head comes byte by byte over this time.
    pub(super) slow_head: Option<Duration>,
    /// What follows, in order of due times.
    pub(super) parts: Vec<Part>,
    pub(super) finish: Finish,
    /// Whether the connection can take another request afterwards.
    pub(super) keep_alive: bool,
    /// What was said, for the session's history.
    pub(super) answer: String,
}

/// A stretch of the body that is due at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Counted from the moment the request was admitted.
    pub(super) due: Duration,
    /// Where it ends in [`Reply::wire`].
    pub(super) end: usize,
    /// Bytes of body in it, without the framing of HTTP.
    pub(super) payload: usize,
    /// Chunks with text that it completes.
    pub(super) chunks: u32,
}

/// What happens to the connection after the last part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Finish {
    /// The reply is complete.
    #[default]
    Done,
    /// It is complete, and closing the connection says so.
    DoneByClose,
    /// It is not, and the connection is closed.
    Cut,
    /// It is not, and the connection is reset.
    Reset,
    /// Nothing more happens until the client goes.
    Hold,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimited {
    Chunked,
    Length(usize),
    Close,
}

/// What a reply is made from.
pub(super) struct Order<'a> {
    pub(super) api: Api,
    pub(super) asked: &'a Asked,
    pub(super) context: &'a Context,
    pub(super) behaviour: &'a Behaviour,
    pub(super) faults: &'a [&'a Fault],
    /// A recorded turn that is to be told again, instead of words of our own.
    pub(super) recorded: Option<(&'a Recording, &'a Recorded)>,
    pub(super) seq: u64,
    /// Seconds since the Unix epoch.
    pub(super) created: u64,
    pub(super) date: &'a str,
    pub(super) keep_alive: bool,
    pub(super) http10: bool,
}

/// The faults of one reply, sorted by what they touch.
#[derive(Default)]
struct Twist {
    /// No more than so many chunks.
    after: Option<u32>,
    then: Option<Then>,
    stall: Option<(u32, Duration)>,
    silence: Duration,
    slow_head: Option<Duration>,
    unframed: bool,
    no_done: bool,
    empty: bool,
    crlf: bool,
    comments: bool,
    split_utf8: bool,
    split_escape: bool,
}

/// What happens once there are no more chunks, if it is not the regular end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Finish(Finish),
    Tear,
    Error,
}

impl Twist {
    fn of(faults: &[&Fault]) -> Self {
        let mut twist = Self::default();
        for fault in faults {
            let mut stop = |after: u32, then: Then| {
                if twist.after.is_none_or(|earlier| after < earlier) {
                    (twist.after, twist.then) = (Some(after), Some(then));
                }
            };
            match fault {
                Fault::ResetAfter(after) => stop(*after, Then::Finish(Finish::Reset)),
                Fault::Cut(after) => stop(*after, Then::Finish(Finish::Cut)),
                Fault::CutInside(after) => stop(*after, Then::Tear),
                Fault::CutUnframed(after) => {
                    stop(*after, Then::Finish(Finish::Cut));
                    twist.unframed = true;
                }
                Fault::Stall(after, None) => stop(*after, Then::Finish(Finish::Hold)),
                Fault::ErrorEvent(after) => stop(*after, Then::Error),
                Fault::Stall(after, Some(lasting)) => twist.stall = Some((*after, *lasting)),
                Fault::Silence(span) => twist.silence += *span,
                Fault::SlowHead(span) => twist.slow_head = Some(*span),
                Fault::CloseDelimited => twist.unframed = true,
                Fault::NoDone => twist.no_done = true,
                Fault::Empty => twist.empty = true,
                Fault::Crlf => twist.crlf = true,
                Fault::Comments => twist.comments = true,
                Fault::SplitUtf8 => twist.split_utf8 = true,
                Fault::SplitEscape => twist.split_escape = true,
                // These end before a reply is composed, or change its words.
                Fault::Status(_)
                | Fault::ToolNotFound
                | Fault::RetryAfter(..)
                | Fault::Credits
                | Fault::Reset
                | Fault::InvalidUtf8
                | Fault::Numeric
                | Fault::LineSeparators
                | Fault::BigEvent => {}
            }
        }
        twist
    }
}

/// Composes the reply that was ordered.
pub(super) fn compose(order: &Order<'_>, rng: &mut impl Rng) -> Reply {
    let mut twist = Twist::of(order.faults);
    if order.recorded.is_some_and(|(_, turn)| turn.broke_off()) && twist.then.is_none() {
        twist.then = Some(Then::Finish(Finish::Cut));
    }
    let dress = dress(order, &twist);
    let (pieces, reasoning) = pieces(order, &dress, rng);
    let dues = match order.recorded {
        Some((recording, turn)) => recorded_dues(recording, turn, &twist, pieces.len()),
        None => dues(order.behaviour, &twist, pieces.len(), rng),
    };
    let draft = if dress.is_document() {
        document(&dress, &twist, &pieces, reasoning, &dues)
    } else {
        stream(order.behaviour, &dress, &twist, &pieces, reasoning, &dues, rng)
    };
    let kept = twist.after.map_or(pieces.len(), |after| (after as usize).min(pieces.len()));
    let answer = said(&pieces, reasoning.min(kept)..kept, middle(&pieces), twist.split_escape);
    draft.finish(order, &dress, &twist, String::from_utf8_lossy(&answer).into_owned())
}

fn dress<'a>(order: &'a Order<'_>, twist: &Twist) -> Dress<'a> {
    let form = match (order.api, order.behaviour.framing) {
        (Api::V3Stream, _) | (Api::V2Stream, Framing::Sse) => Form::Events,
        (Api::Chat, _) | (Api::V2Stream, Framing::Json) => Form::Document,
        (Api::V2Stream, Framing::Raw) => Form::Raw,
        (Api::Completions, _) if order.asked.stream => Form::CompletionEvents,
        (Api::Completions, _) => Form::Completion,
    };
    let words = |text: &str| text.split_whitespace().count();
    Dress {
        form,
        model: &order.asked.agent_id,
        seq: order.seq,
        created: order.created,
        include_usage: order.asked.include_usage,
        prompt_tokens: words(&order.asked.message)
            + order.asked.earlier.iter().map(|(_, text)| words(text)).sum::<usize>(),
        crlf: twist.crlf,
        no_done: twist.no_done,
    }
}

/// The pieces of text, and how many of the first are reasoning.
fn pieces(order: &Order<'_>, dress: &Dress<'_>, rng: &mut impl Rng) -> (Pieces, usize) {
    if let Some((_, turn)) = order.recorded {
        let mut all = Pieces::default();
        turn.chunks.iter().for_each(|(_, text)| all.push(text.as_bytes()));
        return (all, 0);
    }
    let behaviour = order.behaviour;
    let thinks = matches!(dress.form, Form::CompletionEvents | Form::Completion);
    let reasoning = match behaviour.reasoning.draw(rng) as usize {
        _ if !thinks => 0,
        // Asked for by the request, and nothing else was said: a little of it.
        0 if order.asked.reasoning => 5,
        drawn => drawn,
    };
    let mut all = Pieces::default();
    for index in 0..reasoning {
        all.push(if index == 0 { b"Let me think." } else { b" Hm." });
    }
    let chunks = behaviour.chunks.draw(rng) as usize;
    let sizes = behaviour.chunk_bytes.as_ref();
    let words = match &behaviour.answer {
        Some(answer) => text::verbatim(answer, chunks, sizes, rng),
        None => text::reply(order.context, &order.asked.message, chunks, sizes, rng),
    };
    let odd = order.faults.iter().filter_map(|fault| odd_words(fault));
    let odd: Vec<_> = odd.collect();
    for (index, piece) in words.iter().enumerate() {
        if index == words.len() / 2 {
            odd.iter().flatten().for_each(|piece| all.push(piece));
        }
        all.push(piece);
    }
    (all, reasoning)
}

/// The pieces that a fault puts in the middle of the text.
fn odd_words(fault: &Fault) -> Option<Vec<Vec<u8>>> {
    let pieces: Vec<Vec<u8>> = match fault {
        Fault::InvalidUtf8 => vec![b" \xff\xc0bytes".to_vec()],
        Fault::SplitUtf8 => vec![SPLIT.as_bytes().to_vec()],
        Fault::Numeric => {
            ["36", "true", "[]", "null", "{}"].iter().map(|word| word.as_bytes().to_vec()).collect()
        }
        Fault::LineSeparators => vec![" a\u{2028}b\u{85}c\u{c}d".into()],
        Fault::BigEvent => vec![vec![b'x'; 1024 * 1024]],
        _ => return None,
    };
    Some(pieces)
}

/// Characters of two, three and four bytes.
const SPLIT: &str = " é€😀";

/// When each piece is due, the stall and the silence included.
fn dues(behaviour: &Behaviour, twist: &Twist, count: usize, rng: &mut impl Rng) -> Vec<Duration> {
    let mut at =
        behaviour.first_chunk.draw(rng) + twist.silence + twist.slow_head.unwrap_or_default();
    (0..count)
        .map(|index| {
            if index > 0 {
                at += behaviour.gap.draw(rng);
            }
            if let Some((after, lasting)) = twist.stall
                && index == after as usize
            {
                at += lasting;
            }
            at
        })
        .collect()
}

/// When each recorded chunk is due, and last the end of the reply.
fn recorded_dues(
    recording: &Recording,
    turn: &Recorded,
    twist: &Twist,
    count: usize,
) -> Vec<Duration> {
    let before = twist.silence + twist.slow_head.unwrap_or_default();
    let last = turn.chunks.last().map_or(0, |(at, _)| *at);
    let ends = turn.total_us.unwrap_or(last).max(last);
    let mut latest = Duration::ZERO;
    let mut dues: Vec<Duration> = turn
        .chunks
        .iter()
        .map(|(at, _)| *at)
        .chain([ends])
        .enumerate()
        .map(|(index, at)| {
            let stalled = twist.stall.filter(|(after, _)| index >= *after as usize);
            let due = before + recording.at(at) + stalled.map_or(Duration::ZERO, |(_, span)| span);
            // A recording that goes back in time is told in its order all the same.
            latest = latest.max(due);
            latest
        })
        .collect();
    dues.truncate(count + 1);
    dues
}

/// The piece in the middle, where odd things happen.
fn middle(pieces: &Pieces) -> usize {
    pieces.len() / 2
}

fn said(pieces: &Pieces, which: std::ops::Range<usize>, middle: usize, newline: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for index in which {
        if newline && middle > 0 && index == middle {
            text.push(b'\n');
        }
        text.extend_from_slice(pieces.get(index));
    }
    text
}

/// The body before HTTP frames it.
#[derive(Default)]
struct Draft {
    payload: Vec<u8>,
    parts: Vec<Part>,
    /// The last part is only half of what its frame announces: bytes that are missing.
    torn: usize,
    length: Option<usize>,
    finish: Finish,
    /// When the reply is over, if that is later than its last part.
    ends: Duration,
}

impl Draft {
    /// Everything since the last part becomes one.
    fn close_part(&mut self, due: Duration, chunks: u32) {
        let start = self.parts.last().map_or(0, |part| part.end);
        let (end, payload) = (self.payload.len(), self.payload.len() - start);
        if payload > 0 {
            self.parts.push(Part { due, end, payload, chunks });
        }
    }
}

fn document(
    dress: &Dress<'_>,
    twist: &Twist,
    pieces: &Pieces,
    reasoning: usize,
    dues: &[Duration],
) -> Draft {
    let mut draft = Draft::default();
    if twist.empty {
        draft.length = Some(0);
        return draft;
    }
    let middle = middle(pieces);
    let answer = said(pieces, reasoning..pieces.len(), middle, twist.split_escape);
    let thought = said(pieces, 0..reasoning, middle, false);
    let due = dues.last().copied().unwrap_or_default();
    draft.payload = dress.document(&answer, &thought, pieces.len() - reasoning);
    draft.length = Some(draft.payload.len());
    match twist.then {
        Some(Then::Error) => {
            draft.payload.clear();
            dress.error(&mut draft.payload, OUT_OF_ORDER);
            draft.length = Some(draft.payload.len());
            draft.close_part(due, 0);
        }
        Some(then) => {
            // A document has one chunk; a cut after any number leaves half of it.
            draft.payload.truncate(draft.payload.len() / 2);
            draft.finish = if let Then::Finish(finish) = then { finish } else { Finish::Cut };
            draft.close_part(due, 0);
        }
        None => draft.close_part(due, 1),
    }
    draft
}

/// What an error inside a reply says.
const OUT_OF_ORDER: &str = "The agent could not finish its answer";

fn stream(
    behaviour: &Behaviour,
    dress: &Dress<'_>,
    twist: &Twist,
    pieces: &Pieces,
    reasoning: usize,
    dues: &[Duration],
    rng: &mut impl Rng,
) -> Draft {
    let mut draft = Draft::default();
    if twist.empty {
        return draft;
    }
    let middle = middle(pieces);
    let escape = |index: usize| match index {
        _ if !twist.split_escape || middle == 0 => Escape::Whole,
        index if index == middle => Escape::Closes,
        index if index + 1 == middle => Escape::Opens,
        _ => Escape::Whole,
    };
    dress.opening(&mut draft.payload);
    draft.close_part(twist.slow_head.unwrap_or_default(), 0);
    let first = dues.first().copied().unwrap_or_default();
    if twist.comments {
        dress.comment(&mut draft.payload);
        draft.close_part(first / 2, 0);
    }
    let limit = twist.after.map_or(pieces.len(), |after| (after as usize).min(pieces.len()));
    let mut index = 0;
    while index < limit {
        let group = (behaviour.per_write.draw(rng).max(1) as usize).min(limit - index);
        let start = draft.payload.len();
        for one in index..index + group {
            dress.chunk(&mut draft.payload, pieces.get(one), one < reasoning, escape(one));
            if twist.comments {
                dress.comment(&mut draft.payload);
            }
        }
        let last = index + group - 1;
        let split = split_at(behaviour, twist, &draft.payload[start..]);
        if let Some(split) = split {
            // The second half is due half a gap later.
            let rest = draft.payload.split_off(start + split);
            draft.close_part(dues[last], 0);
            draft.payload.extend_from_slice(&rest);
            let next =
                dues.get(last + 1).copied().unwrap_or(dues[last] * 2 - dues[last - last.min(1)]);
            draft.close_part(dues[last] + next.saturating_sub(dues[last]) / 2, group as u32);
        } else {
            draft.close_part(dues[last], group as u32);
        }
        index += group;
    }
    let end = dues.get(limit.saturating_sub(1)).copied().unwrap_or_default();
    let next = dues.get(limit).copied().unwrap_or(end);
    match twist.then {
        Some(Then::Finish(finish)) => draft.finish = finish,
        Some(Then::Tear) => {
            let start = draft.payload.len();
            let piece = if limit < pieces.len() { pieces.get(limit) } else { b"..".as_slice() };
            dress.chunk(&mut draft.payload, piece, limit < reasoning, Escape::Whole);
            draft.torn = (draft.payload.len() - start).div_ceil(2);
            draft.payload.truncate(draft.payload.len() - draft.torn);
            draft.close_part(next, 0);
            draft.finish = Finish::Cut;
        }
        Some(Then::Error) => {
            dress.error(&mut draft.payload, OUT_OF_ORDER);
            draft.close_part(next, 0);
        }
        None => {
            dress.closing(&mut draft.payload, pieces.len());
            let end = draft.parts.last().map_or(end, |part| part.due).max(next);
            draft.close_part(end, 0);
            draft.ends = end;
        }
    }
    draft
}

/// Where a write is to be split in two, if it is.
fn split_at(behaviour: &Behaviour, twist: &Twist, written: &[u8]) -> Option<usize> {
    if twist.split_utf8
        && let Some(found) = memchr::memmem::find(written, SPLIT.as_bytes())
    {
        // Two bytes into the last, which has four.
        return Some(found + SPLIT.len() - 2);
    }
    (behaviour.split_writes && written.len() > 1).then_some(written.len() / 2)
}

impl Draft {
    fn finish(self, order: &Order<'_>, dress: &Dress<'_>, twist: &Twist, answer: String) -> Reply {
        let delimited = match self.length {
            _ if twist.unframed => Delimited::Close,
            Some(length) => Delimited::Length(length),
            None if order.http10 => Delimited::Close,
            None => Delimited::Chunked,
        };
        let keep_alive =
            order.keep_alive && delimited != Delimited::Close && self.finish == Finish::Done;
        let mut wire = Vec::with_capacity(256 + self.payload.len() + 12 * self.parts.len());
        head(&mut wire, 200, dress.content_type(), delimited, order.keep_alive, order.date);
        wire.extend_from_slice(b"\r\n");
        let mut head_end = wire.len();
        let mut parts = self.parts;
        let (mut start, last) = (0, parts.len().saturating_sub(1));
        for (index, part) in parts.iter_mut().enumerate() {
            let payload = &self.payload[start..part.end];
            start = part.end;
            if delimited == Delimited::Chunked {
                let torn = if index == last { self.torn } else { 0 };
                chunk(&mut wire, payload, torn);
            } else {
                wire.extend_from_slice(payload);
            }
            part.end = wire.len();
        }
        if delimited == Delimited::Chunked && self.finish == Finish::Done {
            wire.extend_from_slice(b"0\r\n\r\n");
            match parts.last_mut() {
                Some(part) if part.due >= self.ends => part.end = wire.len(),
                None if self.ends.is_zero() => head_end = wire.len(),
                // Only the end mark itself is still to come.
                _ => parts.push(Part { due: self.ends, end: wire.len(), payload: 0, chunks: 0 }),
            }
        }
        let finish = match (self.finish, delimited) {
            (Finish::Done, Delimited::Close) => Finish::DoneByClose,
            (finish, _) => finish,
        };
        let slow_head = twist.slow_head;
        Reply { status: 200, wire, head_end, slow_head, parts, finish, keep_alive, answer }
    }
}

/// One HTTP chunk, or as much of it as is left after `torn` bytes went missing.
pub(super) fn chunk(out: &mut Vec<u8>, payload: &[u8], torn: usize) {
    // A Vec takes everything; a result is there only because it is a writer.
    let _ = write!(out, "{:x}\r\n", payload.len() + torn);
    out.extend_from_slice(payload);
    if torn == 0 {
        out.extend_from_slice(b"\r\n");
    }
}

/// Status line and headers, without the empty line that ends them.
pub(super) fn head(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    delimited: Delimited,
    keep_alive: bool,
    date: &str,
) {
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nserver: streamgauge-agent\r\ndate: {date}\r\n\
         content-type: {content_type}\r\n",
        reason(status)
    );
    match delimited {
        Delimited::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Delimited::Length(length) => {
            let _ = write!(out, "content-length: {length}\r\n");
        }
        Delimited::Close => {}
    }
    if content_type.starts_with("text/event-stream") {
        out.extend_from_slice(b"cache-control: no-cache\r\n");
    }
    if !keep_alive || delimited == Delimited::Close {
        out.extend_from_slice(b"connection: close\r\n");
    }
}

/// A reply with a body that is there at once.
pub(super) fn document_reply(
    status: u16,
    content_type: &str,
    body: &[u8],
    keep_alive: bool,
    date: &str,
    extra: &str,
) -> Reply {
    let mut wire = Vec::with_capacity(256 + body.len());
    head(&mut wire, status, content_type, Delimited::Length(body.len()), keep_alive, date);
    wire.extend_from_slice(extra.as_bytes());
    wire.extend_from_slice(b"\r\n");
    let head_end = wire.len();
    wire.extend_from_slice(body);
    let part = Part { due: Duration::ZERO, end: wire.len(), payload: body.len(), chunks: 0 };
    let parts = if body.is_empty() { Vec::new() } else { vec![part] };
    Reply { status, wire, head_end, parts, keep_alive, ..Reply::default() }
}

/// A refusal as a reply. `http_date` writes a moment so far ahead in HTTP's form.
pub(super) fn refusal_reply(
    refusal: &Refusal,
    openai: bool,
    keep_alive: bool,
    date: &str,
    http_date: impl FnOnce(Duration) -> String,
) -> Reply {
    let mut extra = String::new();
    match refusal.retry_after {
        Some((RetryAfter::Seconds, after)) => {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            extra = format!("retry-after: {seconds}\r\n");
        }
        Some((RetryAfter::Date, after)) => extra = format!("retry-after: {}\r\n", http_date(after)),
        Some((RetryAfter::Absent, _)) | None => {}
    }
    if let Some(allow) = refusal.allow {
        extra.push_str(&format!("allow: {allow}\r\n"));
    }
    let keep_alive = keep_alive && !refusal.closes;
    let body = refusal.body(openai);
    let mut reply = document_reply(
        refusal.status,
        "application/json",
        body.as_bytes(),
        keep_alive,
        date,
        &extra,
    );
    if !keep_alive {
        reply.finish = Finish::DoneByClose;
    }
    reply
}
