//! The words of a reply: they show what the agent remembers of the session.

use rand::Rng;

use super::draw::Amount;
use super::sessions::Context;

/// A reply's text, cut into the pieces that will be its chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) text: Vec<u8>,
    /// Where each piece ends.
    pub(super) ends: Vec<usize>,
}

/// What follows when everything has been said.
const FILLER: &str = "A gauge in a stream does not hurry the water: it notes when the first of it \
came by, how it kept flowing, and when it ran dry. So it is with an answer that comes word by \
word. One waits for the first word, then for each that follows, and in the end for the silence.";

/// Longer messages are quoted up to here.
const QUOTED: usize = 60;

impl Pieces {
    /// A piece more.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.text.extend_from_slice(piece);
        self.ends.push(self.text.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// The piece in the middle, where odd things happen.
    pub(super) fn middle(&self) -> usize {
        self.len() / 2
    }

    /// Some of the pieces as one text; `newline` puts a line feed before the one in the middle.
    pub(super) fn said(&self, which: std::ops::Range<usize>, newline: bool) -> Vec<u8> {
        let mut text = Vec::new();
        for index in which {
            if newline && index > 0 && index == self.middle() {
                text.push(b'\n');
            }
            text.extend_from_slice(self.get(index));
        }
        text
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// So many pieces of a reply to `message`, each of a drawn size or else of whole words.
pub(super) fn reply(
    context: &Context,
    message: &str,
    chunks: usize,
    chunk_bytes: Option<&Amount>,
    rng: &mut impl Rng,
) -> Pieces {
    cut(&opening(context, message), chunks, chunk_bytes, rng, true)
}

/// `text` itself in so many pieces.
pub(super) fn verbatim(
    text: &str,
    chunks: usize,
    chunk_bytes: Option<&Amount>,
    rng: &mut impl Rng,
) -> Pieces {
    cut(text, chunks, chunk_bytes, rng, false)
}

fn opening(context: &Context, message: &str) -> String {
    let mut text = String::with_capacity(128);
    if context.turn > 1 {
        text.push_str("This is message ");
        text.push_str(&context.turn.to_string());
        text.push_str(" of our session. ");
    }
    text.push_str("You said: ");
    quote(&mut text, message);
    if let Some((last, before)) = context.earlier.split_last() {
        text.push_str(" Before that you said: ");
        for earlier in before {
            quote(&mut text, earlier);
            text.push_str(" then ");
        }
        quote(&mut text, last);
    }
    text
}

fn quote(text: &mut String, message: &str) {
    text.push('"');
    match message.char_indices().nth(QUOTED) {
        None => text.push_str(message),
        Some((end, _)) => {
            text.push_str(&message[..end]);
            text.push_str("...");
        }
    }
    text.push_str("\".");
}

fn cut(
    text: &str,
    chunks: usize,
    chunk_bytes: Option<&Amount>,
    rng: &mut impl Rng,
    fill: bool,
) -> Pieces {
    match chunk_bytes {
        Some(sizes) => by_size(text, chunks, sizes, rng, fill),
        None => by_word(text, chunks, fill),
    }
}

/// Pieces of drawn sizes; a character is never cut, so that a piece may be a little smaller.
fn by_size(text: &str, chunks: usize, sizes: &Amount, rng: &mut impl Rng, fill: bool) -> Pieces {
    let mut pieces = Pieces::default();
    let mut source = text;
    for _ in 0..chunks {
        let mut wanted = sizes.draw(rng).max(1) as usize;
        while wanted > 0 {
            if source.is_empty() {
                if !fill {
                    break;
                }
                pieces.text.push(b' ');
                source = FILLER;
                wanted -= 1;
                continue;
            }
            let mut end = wanted.min(source.len());
            while end > 0 && !source.is_char_boundary(end) {
                end -= 1;
            }
            if end == 0 && pieces.ends.last().copied().unwrap_or(0) == pieces.text.len() {
                // The first character is wider than the piece: it goes in whole.
                end = source.chars().next().map_or(0, char::len_utf8);
            }
            if end == 0 {
                break;
            }
            pieces.text.extend_from_slice(&source.as_bytes()[..end]);
            source = &source[end..];
            wanted = wanted.saturating_sub(end);
        }
        if pieces.ends.last().copied().unwrap_or(0) < pieces.text.len() {
            pieces.ends.push(pieces.text.len());
        }
    }
    pieces
}

/// Words with the space before them. More words than pieces: several share one.
fn by_word(text: &str, chunks: usize, fill: bool) -> Pieces {
    let mut pieces = Pieces::default();
    if chunks == 0 {
        return pieces;
    }
    let count = words(text).count();
    for (index, word) in words(text).enumerate() {
        pieces.text.extend_from_slice(word.as_bytes());
        // The pieces take the words evenly; the last of each share ends it.
        if count <= chunks || (index + 1) * chunks / count > index * chunks / count {
            pieces.ends.push(pieces.text.len());
        }
    }
    if fill {
        let mut more = words(FILLER).cycle();
        while pieces.len() < chunks {
            let word = more.next().unwrap_or(" more");
            if !word.starts_with(' ') {
                pieces.text.push(b' ');
            }
            pieces.push(word.as_bytes());
        }
    }
    pieces
}

/// Splits before each run of spaces; nothing is lost.
fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find(|c| c != ' ').unwrap_or(rest.len());
        let end = rest[start..].find(' ').map_or(rest.len(), |space| start + space);
        let (word, after) = rest.split_at(end.max(1));
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(1)
    }

    #[test]
    fn a_reply_shows_what_was_said_before() {
        let context = Context { turn: 2, earlier: vec!["My name is Ada.".into()], open: 0 };
        let pieces = reply(&context, "What is my name?", 30, None, &mut rng());
        assert_eq!(pieces.len(), 30);
        let text = String::from_utf8(pieces.text).unwrap();
        assert!(text.starts_with("This is message 2 of our session."), "{text}");
        assert!(text.contains("\"What is my name?\"") && text.contains("\"My name is Ada.\""));
    }

    #[test]
    fn a_short_reply_still_says_everything() {
        let context = Context { turn: 2, earlier: vec!["My name is Ada.".into()], open: 0 };
        let pieces = reply(&context, "What is my name?", 3, None, &mut rng());
        assert_eq!(pieces.len(), 3);
        assert!(String::from_utf8(pieces.text).unwrap().ends_with("\"My name is Ada.\"."));
    }

    proptest! {
        #[test]
        fn pieces_are_as_many_as_asked_for_and_never_cut_a_character(
            message in ".{0,80}", chunks in 1usize..60, size in 1u32..20, sized: bool,
        ) {
            let sizes = Amount::Fixed(size);
            let context = Context { turn: 1, ..Context::default() };
            let pieces =
                reply(&context, &message, chunks, sized.then_some(&sizes), &mut rng());
            prop_assert_eq!(pieces.len(), chunks);
            for piece in pieces.iter() {
                prop_assert!(!piece.is_empty());
                prop_assert!(std::str::from_utf8(piece).is_ok());
                prop_assert!(!sized || piece.len() <= (size as usize).max(4));
            }
            let whole = verbatim(&message, chunks, None, &mut rng());
            prop_assert_eq!(whole.text, message.into_bytes());
        }
    }
}
