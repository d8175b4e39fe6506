//! One `chat.completion.chunk`, as far as it is looked into. What servers add, leave out or fill
//! otherwise is passed over; text is borrowed from the event, so that a token costs no memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use crate::sample::Tokens;

#[derive(Deserialize)]
pub(super) struct CompletionEvent<'a> {
    /// `None` where there is no such field: then it is an event of something else.
    #[serde(borrow, default)]
    pub(super) choices: Option<First<Choice<'a>>>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Text<'a>,
    #[serde(borrow, default)]
    pub(super) refusal: Text<'a>,
    /// The name that vLLM, DeepSeek and others use.
    #[serde(borrow, default)]
    pub(super) reasoning_content: Text<'a>,
    /// The name that OpenRouter and others use.
    #[serde(borrow, default)]
    pub(super) reasoning: Text<'a>,
    #[serde(default)]
    pub(super) tool_calls: CallPieces,
    /// What tool calls were before they were called so.
    #[serde(default)]
    pub(super) function_call: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.prompt_tokens,
            output: usage.completion_tokens,
            reasoning: usage.completion_tokens_details.and_then(|one| one.reasoning_tokens),
        }
    }
}

/// The first item of a list, where there is one.
pub(super) struct First<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = First<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First<T>, A::Error> {
                let first = items.next_element()?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Items(std::marker::PhantomData))
    }
}

/// A text, or a list of parts that have one. Anything else is no text.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Text<'de>, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text<'de>, A::Error> {
                #[derive(Deserialize)]
                struct Part<'p> {
                    #[serde(borrow, default)]
                    text: Text<'p>,
                }
                let mut whole = String::new();
                while let Some(part) = parts.next_element::<Part<'de>>()? {
                    whole.push_str(&part.text.0);
                }
                Ok(Text(Cow::Owned(whole)))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// The pieces of tool calls in one event.
#[derive(Default)]
pub(super) struct CallPieces {
    /// How many pieces.
    pub(super) pieces: u64,
    /// Calls there are by the numbers on the pieces.
    pub(super) numbered: u64,
    /// Pieces without a number that begin a call.
    pub(super) further: u64,
}

impl<'de> Deserialize<'de> for CallPieces {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Piece<'p> {
            #[serde(default)]
            index: Option<u64>,
            #[serde(borrow, default)]
            function: Option<Function<'p>>,
        }
        #[derive(Deserialize)]
        struct Function<'p> {
            #[serde(borrow, default)]
            name: Text<'p>,
        }
        struct Pieces;
        impl<'de> Visitor<'de> for Pieces {
            type Value = CallPieces;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tool calls")
            }

            fn visit_unit<E: de::Error>(self) -> Result<CallPieces, E> {
                Ok(CallPieces::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<CallPieces, A::Error> {
                let mut all = CallPieces::default();
                while let Some(piece) = items.next_element::<Piece<'de>>()? {
                    all.pieces += 1;
                    match piece.index {
                        Some(index) => all.numbered = all.numbered.max(index.saturating_add(1)),
                        None => {
                            let name = piece.function.map(|function| function.name);
                            all.further += u64::from(name.is_some_and(|name| !name.0.is_empty()));
                        }
                    }
                }
                Ok(all)
            }
        }
        deserializer.deserialize_any(Pieces)
    }
}
