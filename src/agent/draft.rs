//! A reply between its words and HTTP: the body, part by part, and the faults that break it.

use std::time::Duration;

use rand::Rng;

use super::dress::{Dress, Escape};
use super::options::Behaviour;
use super::reply::{Delimited, Finish, Part, Reply, chunk, head};
use super::text::Pieces;
use super::twist::{Then, Twist};

/// What the request says about how it is to be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) date: &'a str,
    pub(super) keep_alive: bool,
    pub(super) http10: bool,
}

/// Characters of two, three and four bytes.
pub(super) const SPLIT: &str = " é€😀";

/// The body before HTTP frames it.
#[derive(Default)]
pub(super) struct Draft {
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

pub(super) fn document(
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
    let answer = pieces.said(reasoning..pieces.len(), twist.split_escape);
    let thought = pieces.said(0..reasoning, false);
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

pub(super) fn stream(
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
    let middle = pieces.middle();
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
    pub(super) fn finish(
        self,
        terms: Terms<'_>,
        dress: &Dress<'_>,
        twist: &Twist,
        answer: String,
    ) -> Reply {
        let delimited = match self.length {
            _ if twist.unframed => Delimited::Close,
            Some(length) => Delimited::Length(length),
            None if terms.http10 => Delimited::Close,
            None => Delimited::Chunked,
        };
        let keep_alive =
            terms.keep_alive && delimited != Delimited::Close && self.finish == Finish::Done;
        let mut wire = Vec::with_capacity(256 + self.payload.len() + 12 * self.parts.len());
        head(&mut wire, 200, dress.content_type(), delimited, terms.keep_alive, terms.date);
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
