//! To which requests something applies: by number, share, message, session, user or agent.

use std::str::FromStr;

use rand::{Rng, RngExt};
use serde::{Deserialize, Deserializer, de};

use crate::units::{Share, UnitError};

/// What a condition looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The number of the request among those that ask for a reply, from 1.
    pub(super) number: u64,
    pub(super) agent_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) session_id: &'a str,
    pub(super) message: &'a str,
}

/// Conditions that must all hold; none at all holds always. Written `5%&message:*refund*`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Share(Share),
    Numbers(Vec<Numbers>),
    Text(Field, Pattern),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Message,
    Session,
    User,
    Agent,
}

/// Which requests, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Between(u64, u64),
    Every(u64),
}

/// Text in which `*` stands for any run of characters and `?` for any one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(Vec<char>);

impl When {
    /// Whether the conditions hold. A share draws from `rng` only when it is reached.
    pub(super) fn holds(&self, subject: &Subject<'_>, rng: &mut impl Rng) -> bool {
        self.0.iter().all(|condition| match condition {
            Condition::Share(share) => rng.random::<f64>() < share.fraction(),
            Condition::Numbers(numbers) => numbers.iter().any(|some| some.has(subject.number)),
            Condition::Text(field, pattern) => pattern.matches(match field {
                Field::Message => subject.message,
                Field::Session => subject.session_id,
                Field::User => subject.user_id,
                Field::Agent => subject.agent_id,
            }),
        })
    }
}

impl Numbers {
    fn has(self, number: u64) -> bool {
        match self {
            Self::Between(first, last) => (first..=last).contains(&number),
            Self::Every(step) => number.is_multiple_of(step),
        }
    }
}

impl FromStr for When {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.split('&').map(|part| condition(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn condition(text: &str) -> Result<Condition, UnitError> {
    if let Some((field, pattern)) = text.split_once(':') {
        let field = match field.trim() {
            "message" => Field::Message,
            "session" => Field::Session,
            "user" => Field::User,
            "agent" => Field::Agent,
            other => {
                return Err(UnitError(format!(
                    "`{text}` looks at `{other}`, which is none of message, session, user, agent"
                )));
            }
        };
        return Ok(Condition::Text(field, Pattern(pattern.chars().collect())));
    }
    if text.ends_with('%') {
        return text.parse().map(Condition::Share);
    }
    text.split(',').map(|part| numbers(part.trim())).collect::<Result<_, _>>().map(|list| {
        // A list of numbers is one condition: any of them.
        Condition::Numbers(list)
    })
}

fn numbers(text: &str) -> Result<Numbers, UnitError> {
    let bad = || {
        UnitError(format!(
            "`{text}` does not say which requests: use `7`, `3-9`, `10-`, `every 4`, `5%` or \
             `message:*refund*`, joined with `,` (numbers) or `&`"
        ))
    };
    let number =
        |word: &str| word.trim().parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(bad);
    if let Some(step) = text.strip_prefix("every ") {
        return number(step).map(Numbers::Every);
    }
    match text.split_once('-') {
        None => number(text).map(|number| Numbers::Between(number, number)),
        Some((first, "")) => number(first).map(|first| Numbers::Between(first, u64::MAX)),
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last { Err(bad()) } else { Ok(Numbers::Between(first, last)) }
        }
    }
}

impl Pattern {
    /// Greedy matching with one point of return: linear in practice, never exponential.
    fn matches(&self, text: &str) -> bool {
        let pattern = &self.0;
        let mut at = 0;
        let mut rest = text.chars();
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (pattern.get(at), rest.next()) {
                (Some('*'), _) => {
                    rest = before.clone();
                    star = Some((at, before));
                    at += 1;
                }
                (Some(wanted), Some(seen)) if *wanted == '?' || *wanted == seen => at += 1,
                (None, None) => return true,
                _ => {
                    // Let the last star take one character more.
                    let Some((place, mut from)) = star.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    at = place + 1;
                    rest = from.clone();
                    star = Some((place, from));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    fn holds(when: &str, number: u64, message: &str) -> bool {
        let subject = Subject { number, agent_id: "a", user_id: "u", session_id: "s-12", message };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(number);
        when.parse::<When>().unwrap().holds(&subject, &mut rng)
    }

    #[test]
    fn conditions_select_requests() {
        for (when, number, message, expected) in [
            ("7", 7, "", true),
            ("7", 8, "", false),
            ("1,3-5,10-", 4, "", true),
            ("1,3-5,10-", 6, "", false),
            ("1,3-5,10-", 1_000, "", true),
            ("every 4", 8, "", true),
            ("every 4", 9, "", false),
            ("message:*refund*", 1, "I want a refund now", true),
            ("message:*refund*", 1, "I want it", false),
            ("message:hell?", 1, "hello", true),
            ("message:a*b*c", 1, "a-b-b-c", true),
            ("message:a*b*c", 1, "a-b-b-d", false),
            ("message:*", 1, "", true),
            ("session:s-*&2-", 2, "", true),
            ("session:s-*&2-", 1, "", false),
            ("0%", 1, "", false),
            ("100%", 1, "", true),
        ] {
            assert_eq!(holds(when, number, message), expected, "{when} {number} {message}");
        }
    }

    #[test]
    fn what_selects_nothing_sensible_is_refused() {
        for text in ["", "0", "9-3", "every 0", "colour:red", "x", "5%%", "101%"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
