//! The APIs an agent may speak: how to ask, how to read the answer.

use std::sync::Arc;

use super::lyzr_v2::{self, LyzrV2Decoder};
use super::openai::{self, OpenAiDecoder};
use super::tokens::TokenStream;
use super::{Breach, Reply, lyzr_v3};
use crate::sample::Failure;
use crate::scenario::{Framing, Protocol};
use crate::units::Offset;

/// One turn to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking<'a> {
    /// Who speaks.
    pub user_id: &'a str,
    /// Who answers.
    pub agent_id: &'a str,
    /// Which conversation.
    pub session_id: &'a str,
    /// What is said.
    pub message: &'a str,
    /// What was said before, for a dialect that sends it.
    pub history: &'a [Message],
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: Arc<str>,
}

impl Message {
    /// What was asked and answered, one after the other.
    pub fn exchanges<'a>(said: impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>)>) -> Vec<Self> {
        let message = |role, text: &Arc<str>| Self { role, text: Arc::clone(text) };
        said.flat_map(|(asked, answered)| {
            [message(Role::User, asked), message(Role::Assistant, answered)]
        })
        .collect()
    }
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The agent.
    Assistant,
}

/// The API an agent speaks, with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /v2/stream/` of the Lyzr Agent API.
    LyzrV2(Framing),
    /// `POST /v3/inference/stream/` of the Lyzr Agent API.
    LyzrV3,
    /// OpenAI-compatible `POST /v1/chat/completions`.
    OpenAi,
}

impl Dialect {
    /// The dialect of a protocol.
    pub fn new(protocol: Protocol, framing: Framing) -> Self {
        match protocol {
            Protocol::LyzrV2 => Self::LyzrV2(framing),
            Protocol::LyzrV3 => Self::LyzrV3,
            Protocol::OpenAi => Self::OpenAi,
        }
    }

    /// Whether a request carries what was said before, because the agent does not remember it.
    pub fn sends_history(&self) -> bool {
        match self {
            Self::LyzrV2(_) | Self::LyzrV3 => false,
            Self::OpenAi => true,
        }
    }

    /// Appends the body of the request that asks this turn.
    ///
    /// # Errors
    /// The body cannot be written as JSON.
    pub fn body(&self, asking: &Asking<'_>, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match self {
            Self::LyzrV2(_) => lyzr_v2::body(asking, out),
            Self::LyzrV3 => lyzr_v3::body(asking, out),
            Self::OpenAi => openai::body(asking, out),
        }
    }

    /// A decoder for one reply.
    pub fn decoder(&self) -> Decoder {
        Decoder(match self {
            Self::LyzrV2(framing) => Kind::LyzrV2(LyzrV2Decoder::new(*framing)),
            Self::LyzrV3 => Kind::LyzrV3(lyzr_v3::decoder()),
            Self::OpenAi => Kind::OpenAi(OpenAiDecoder::new()),
        })
    }
}

/// Decodes the body of one 2xx reply, read by read.
#[derive(Debug)]
pub struct Decoder(Kind);

#[derive(Debug)]
enum Kind {
    LyzrV2(LyzrV2Decoder),
    LyzrV3(TokenStream),
    OpenAi(OpenAiDecoder),
}

impl Decoder {
    /// Takes one read, stamped when it returned.
    ///
    /// # Errors
    /// The reply is not an answer; what was noted before stands.
    pub fn feed(&mut self, bytes: &[u8], at: Offset, reply: &mut Reply) -> Result<(), Breach> {
        match &mut self.0 {
            Kind::LyzrV2(decoder) => decoder.feed(bytes, at, reply),
            Kind::LyzrV3(decoder) => decoder.feed(bytes, at, reply),
            Kind::OpenAi(decoder) => decoder.feed(bytes, at, reply),
        }
    }

    /// The body has ended where HTTP says it ends; `at` stamps what only the end completes.
    ///
    /// # Errors
    /// The reply is not an answer: cut, empty, or not what the protocol allows.
    pub fn end(&mut self, at: Offset, reply: &mut Reply) -> Result<(), Breach> {
        match &mut self.0 {
            Kind::LyzrV2(decoder) => decoder.end(at, reply)?,
            Kind::LyzrV3(decoder) => decoder.end(at, reply)?,
            Kind::OpenAi(decoder) => decoder.end(at, reply)?,
        }
        // An agent that only asks for tools to be called has answered.
        if reply.chunks() == 0 && reply.tool_calls() == 0 {
            return Err(Breach::new(Failure::Empty, "the reply carried no text"));
        }
        Ok(())
    }

    /// Bytes of the answer have come although no chunk has been noted yet.
    pub fn holds_back(&self) -> bool {
        match &self.0 {
            Kind::LyzrV2(decoder) => decoder.holds_back(),
            Kind::LyzrV3(_) | Kind::OpenAi(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    struct Read {
        text: String,
        stamps: Vec<u64>,
        end: Result<(), Failure>,
    }

    fn decode(framing: Framing, reads: &[&[u8]]) -> Read {
        let mut reply = Reply::default();
        reply.clear(true, true);
        let mut decoder = Dialect::LyzrV2(framing).decoder();
        let mut end = Ok(());
        for (i, read) in reads.iter().enumerate() {
            end =
                end.and_then(|()| decoder.feed(read, Offset::from_nanos(i as u64 + 1), &mut reply));
        }
        let at = Offset::from_nanos(reads.len() as u64 + 1);
        let end = end.and_then(|()| decoder.end(at, &mut reply)).map_err(|breach| breach.failure);
        Read {
            text: reply.text().to_owned(),
            stamps: reply.pieces().iter().map(|piece| piece.at.nanos()).collect(),
            end,
        }
    }

    fn text(text: &str, stamps: &[u64]) -> Read {
        Read { text: text.into(), stamps: stamps.to_vec(), end: Ok(()) }
    }

    #[test]
    fn the_framing_is_found_out_from_the_reply() {
        for (reads, expected) in [
            // Text, also where it looks like something else at first.
            (&[&b"Hello"[..], b" there"][..], text("Hello there", &[1, 2])),
            (&[b":-) hi\n", b"you"], text(":-) hi\nyou", &[1, 2])),
            (&[b":-)\n\nhi"], text(":-)\n\nhi", &[1])),
            (&[b"{\"total\":", b"3}"], text("{\"total\":3}", &[1, 2])),
            (&[b"{\"response\": 3}"], text("{\"response\": 3}", &[1])),
            (&[b"{a} set"], text("{a} set", &[1])),
            (&[b"dat", b"a is"], text("data is", &[1, 2])),
            (&[b"\n\nhi"], text("\n\nhi", &[1])),
            (&[b"As YAML:\ndata: 1\n"], text("As YAML:\ndata: 1\n", &[1])),
            // Event streams.
            (&[b"data: To\n\ndata:  do\n\n", b"data: [DONE]\n\n"], text("To do", &[1, 1])),
            (&[b"da", b"ta: a\n", b"\n"], text("a", &[3])),
            (&[b": ping\n\n", b"data: a\n\n"], text("a", &[2])),
            (&[b"event: token\ndata: a\n\n"], text("a", &[1])),
            (&[b"data: a\\", b"\n\ndata: nb\n\n"], text("a\nb", &[2, 2])),
            (&[b"data: 36\n\ndata: {\"trace_id\":1}\n\n"], text("36", &[1])),
            // JSON.
            (&[b"{\"respon", b"se\": \"hi\"}"], text("hi", &[2])),
            (&[b"{\"response\": \"a\"}\n{\"resp", b"onse\": \"b\"}\n"], text("ab", &[1, 2])),
        ] {
            assert_eq!(decode(Framing::Auto, reads), expected, "{:?}", reads.concat());
        }
    }

    #[test]
    fn what_is_not_an_answer_is_told_apart() {
        for (framing, reads, failure) in [
            (Framing::Auto, &[][..], Failure::Empty),
            (Framing::Auto, &[&b"data: [DONE]\n\n"[..]][..], Failure::Empty),
            (Framing::Auto, &[b": ping\n\n"], Failure::Empty),
            (Framing::Auto, &[b"data: a\n\ndata: [ERROR] no\n\n"], Failure::Agent),
            (Framing::Auto, &[b"caf\xff"], Failure::Protocol),
            (Framing::Auto, &[b"data: \xff\n\n"], Failure::Protocol),
            (Framing::Auto, &[b"caf\xc3"], Failure::Truncated),
            (Framing::Json, &[b"{\"response\": \"a"], Failure::Truncated),
            (Framing::Json, &[b"{\"detail\": \"no\"}"], Failure::Agent),
            (Framing::Json, &[b"hello"], Failure::Protocol),
            (Framing::Json, &[b"{}"], Failure::Protocol),
        ] {
            assert_eq!(decode(framing, reads).end, Err(failure), "{:?}", reads.concat());
        }
    }

    #[test]
    fn a_forced_framing_is_not_second_guessed() {
        assert_eq!(decode(Framing::Raw, &[b"data: a\n\n"]), text("data: a\n\n", &[1]));
        assert_eq!(decode(Framing::Sse, &[b"data: a\n\n"]), text("a", &[1]));
    }

    #[test]
    fn the_request_has_the_four_documented_strings() {
        let mut body = Vec::new();
        let asking = Asking {
            user_id: "u",
            agent_id: "a",
            session_id: "s",
            message: "say \"hi\"\n\u{2028}",
            history: &[Message { role: Role::User, text: "the agent remembers it".into() }],
        };
        let expected = serde_json::json!({
            "user_id": "u", "agent_id": "a", "session_id": "s", "message": "say \"hi\"\n\u{2028}",
        });
        for dialect in [Dialect::LyzrV2(Framing::Auto), Dialect::LyzrV3] {
            body.clear();
            dialect.body(&asking, &mut body).unwrap();
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value, expected);
        }
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same_text_and_the_same_verdict(
            parts in proptest::collection::vec(prop_oneof![
                Just("data: a\n\n"), Just("data: \\"), Just("n\n\n"), Just(": c\n"), Just("\n"), Just("\r\n"), Just("{\"response\": \"é\"}"),
                Just("é"), Just("hello"), Just("event: x\n"), Just("[ERROR]"), Just("data: [DONE]\n\n"), Just("{"), Just(":-)"),
            ], 0..8),
            cut in 0usize..80, other in 0usize..80,
        ) {
            let whole = parts.concat().into_bytes();
            let (low, high) = (cut.min(other).min(whole.len()), cut.max(other).min(whole.len()));
            let one = decode(Framing::Auto, &[&whole]);
            let split = decode(Framing::Auto, &[&whole[..low], &whole[low..high], &whole[high..]]);
            prop_assert_eq!(one.text, split.text);
            prop_assert_eq!(one.end, split.end);
        }
    }
}
