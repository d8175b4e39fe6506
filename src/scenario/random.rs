//! Random values in templates: `random_int`, `random_choice`, `random_uuid`, `random_text`.
//!
//! They are drawn from a generator that the context of one rendering carries, so that the same
//! turn of the same session gets the same values each time it is rendered with one seed.

use std::sync::Mutex;

use minijinja::value::{Object, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

/// The name the generator has in a context; no template can name it by accident.
pub(super) const CHANCE: &str = "__chance";

/// Most words of one `random_text`.
const MOST_WORDS: u32 = 100_000;

const WORDS: [&str; 64] = [
    "about", "after", "again", "always", "answer", "before", "better", "between", "book", "bring",
    "broken", "carry", "change", "clear", "close", "could", "customer", "delivery", "door",
    "early", "every", "find", "first", "follow", "garden", "green", "hand", "help", "house",
    "idea", "invoice", "kind", "large", "later", "letter", "light", "long", "message", "money",
    "morning", "never", "number", "often", "open", "order", "other", "parcel", "people", "place",
    "please", "price", "question", "quick", "reason", "receive", "right", "second", "small",
    "start", "still", "street", "today", "under", "without",
];

/// The generator of one rendering.
#[derive(Debug)]
struct Chance(Mutex<Xoshiro256PlusPlus>);

impl Object for Chance {}

/// A generator as a value of a context.
pub(super) fn value(seed: u64) -> Value {
    Value::from_object(Chance(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed))))
}

/// Makes the functions known.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_function("random_int", random_int);
    environment.add_function("random_choice", random_choice);
    environment.add_function("random_uuid", random_uuid);
    environment.add_function("random_text", random_text);
}

fn wrong(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

fn draw<T>(
    state: &State<'_, '_>,
    draw: impl FnOnce(&mut Xoshiro256PlusPlus) -> T,
) -> Result<T, Error> {
    let chance = state.lookup(CHANCE).ok_or_else(|| wrong("there are no random values here"))?;
    let chance = chance.downcast_object_ref::<Chance>();
    let chance = chance.ok_or_else(|| wrong("there are no random values here"))?;
    // A lock that was poisoned still guards a good generator.
    let mut generator = chance.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(draw(&mut generator))
}

/// A whole number from `low` to `high`, both included.
fn random_int(state: &State<'_, '_>, low: i64, high: i64) -> Result<i64, Error> {
    if low > high {
        return Err(wrong("random_int wants the lower number first: write `random_int(1, 6)`"));
    }
    draw(state, |generator| generator.random_range(low..=high))
}

/// One item of a list.
fn random_choice(state: &State<'_, '_>, list: &Value) -> Result<Value, Error> {
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(wrong("random_choice wants a list: write `random_choice([\"a\", \"b\"])`"));
    }
    let mut items: Vec<Value> = list.try_iter()?.collect();
    if items.is_empty() {
        return Err(wrong("random_choice has nothing to choose from"));
    }
    let at = draw(state, |generator| generator.random_range(0..items.len() as u64))?;
    Ok(items.swap_remove(at as usize))
}

/// A random UUID (version 4, RFC 9562).
fn random_uuid(state: &State<'_, '_>) -> Result<String, Error> {
    let mut bits = draw(state, Rng::next_u64)?;
    let mut text = String::with_capacity(36);
    let low = draw(state, Rng::next_u64)?;
    bits = bits & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | (0b10 << 62);
    let (a, b, c) = (bits >> 32, bits >> 16 & 0xffff, bits & 0xffff);
    let (d, e) = (low >> 48, low & 0xffff_ffff_ffff);
    text.push_str(&format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"));
    Ok(text)
}

/// So many ordinary English words.
fn random_text(state: &State<'_, '_>, words: u32) -> Result<String, Error> {
    if words == 0 || words > MOST_WORDS {
        return Err(wrong("random_text wants from 1 to 100000 words"));
    }
    draw(state, |generator| {
        let word = |_| WORDS[generator.random_range(0..WORDS.len() as u64) as usize];
        (0..words).map(word).collect::<Vec<_>>().join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::super::template::{environment, map};
    use super::*;

    fn render(text: &str, seed: u64) -> Result<String, String> {
        let context = map([(CHANCE, value(seed))]);
        environment().render_str(text, context).map_err(|error| error.to_string())
    }

    #[test]
    fn values_follow_from_the_seed_and_differ_within_one_text() {
        let text = "{{ random_int(1, 1000000) }} {{ random_int(1, 1000000) }} {{ random_uuid() }} \
                    {{ random_choice(['a', 'b', 'c']) }} {{ random_text(12) }}";
        let once = render(text, 1).unwrap();
        assert_eq!(once, render(text, 1).unwrap());
        assert_ne!(once, render(text, 2).unwrap());
        let parts: Vec<&str> = once.split(' ').collect();
        assert_ne!(parts[0], parts[1]);
        assert_eq!(parts.len(), 4 + 12);
        let uuid = parts[2];
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        assert!(["a", "b", "c"].contains(&parts[3]));
    }

    #[test]
    fn every_number_of_a_range_comes_both_ends_included() {
        let all = render("{% for i in range(200) %}{{ random_int(3, 5) }}{% endfor %}", 7).unwrap();
        assert!(all.bytes().all(|b| (b'3'..=b'5').contains(&b)));
        assert!(all.contains('3') && all.contains('4') && all.contains('5'));
        assert_eq!(render("{{ random_int(-2, -2) }}", 7).unwrap(), "-2");
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        for (text, why) in [
            ("{{ random_int(2, 1) }}", "lower number first"),
            ("{{ random_choice([]) }}", "nothing to choose from"),
            ("{{ random_choice('abc') }}", "wants a list"),
            ("{{ random_text(0) }}", "from 1 to"),
        ] {
            assert!(render(text, 0).unwrap_err().contains(why), "{text}");
        }
        assert!(environment().render_str("{{ random_uuid() }}", ()).is_err());
    }
}
