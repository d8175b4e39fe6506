//! A reply before it is played: every byte of it, and when each is due. Pure; the faults are in.

use std::time::Duration;

use rand::Rng;

use super::ask::{Api, Asked};
use super::draft::{self, SPLIT, Terms};
use super::dress::{Dress, Form};
use super::fault::Fault;
use super::options::{Behaviour, Framing};
use super::replay::{Recorded, Recording};
use super::reply::{Finish, Reply};
use super::sessions::Context;
use super::text::{self, Pieces};
use super::twist::{Then, Twist};

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
    pub(super) terms: Terms<'a>,
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
        draft::document(&dress, &twist, &pieces, reasoning, &dues)
    } else {
        draft::stream(order.behaviour, &dress, &twist, &pieces, reasoning, &dues, rng)
    };
    let kept = twist.after.map_or(pieces.len(), |after| (after as usize).min(pieces.len()));
    let answer = pieces.said(reasoning.min(kept)..kept, twist.split_escape);
    draft.finish(order.terms, &dress, &twist, String::from_utf8_lossy(&answer).into_owned())
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
