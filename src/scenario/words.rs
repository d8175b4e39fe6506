//! The words of the scenario file for what the model holds as enums: one table, read and written.

use super::loads::OnOverload;
use super::model::{Failures, Framing, History, Keep, OnEnd, OnError, Pick, Protocol, Via};

/// A value that the file writes as one of a few words.
pub(super) trait Worded: Copy + PartialEq + 'static {
    /// Every word with its value.
    const WORDS: &'static [(&'static str, Self)];

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl Worded for Protocol {
    const WORDS: &'static [(&'static str, Self)] =
        &[("lyzr-v2", Self::LyzrV2), ("lyzr-v3", Self::LyzrV3), ("openai", Self::OpenAi)];
}

impl Worded for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

impl Worded for History {
    const WORDS: &'static [(&'static str, Self)] =
        &[("live", Self::Live), ("recorded", Self::Recorded), ("none", Self::None)];
}

impl Worded for Keep {
    const WORDS: &'static [(&'static str, Self)] =
        &[("shared", Self::Shared), ("per_user", Self::PerUser), ("per_request", Self::PerRequest)];
}

impl Worded for Via {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("wire", Self::Wire), ("reqwest", Self::Reqwest)];
}

impl Worded for Framing {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("raw", Self::Raw), ("sse", Self::Sse), ("json", Self::Json)];
}

impl Worded for Pick {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("sequential", Self::Sequential),
        ("shuffled", Self::Shuffled),
        ("random", Self::Random),
        ("unique", Self::Unique),
    ];
}

impl Worded for OnEnd {
    const WORDS: &'static [(&'static str, Self)] = &[("stop", Self::Stop), ("fail", Self::Fail)];
}

impl Worded for OnOverload {
    const WORDS: &'static [(&'static str, Self)] = &[("queue", Self::Queue), ("drop", Self::Drop)];
}

impl Worded for OnError {
    const WORDS: &'static [(&'static str, Self)] =
        &[("end_session", Self::EndSession), ("continue", Self::Continue)];
}

impl std::fmt::Display for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

macro_rules! displayed {
    ($($type:ty),*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    )*};
}

displayed!(Protocol, Framing, History, Keep, Via, Pick, OnEnd, OnOverload, OnError);
