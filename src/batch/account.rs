//! How far a batch has come, as its journal tells.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::record::{Begin, FORMAT, Last, Record, STATUSES, Status};
use super::result::in_doubt;

/// What the records of a journal add up to.
#[derive(Debug, Default)]
pub struct Account {
    begin: Option<Begin>,
    legs: Vec<u64>,
    done: Bits,
    counts: [u64; STATUSES.len()],
    open: HashMap<u64, Open>,
    attempts: u64,
}

/// An item that was begun and has no result yet.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// Its attempts so far.
    pub notes: Vec<Box<RawValue>>,
    /// How many sessions it has begun.
    pub sessions: u32,
    /// It was sent (or was about to be), and nobody knows what came of it.
    pub in_doubt: bool,
    /// The agent may have taken something of it.
    pub taken: bool,
}

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// Whether `number` is in it.
    pub fn has(&self, number: u64) -> bool {
        let word = self.0.get((number / 64) as usize).copied().unwrap_or(0);
        word >> (number % 64) & 1 == 1
    }

    /// Puts `number` in; `false` if it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        let at = (number / 64) as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        let new = !self.has(number);
        self.0[at] |= 1 << (number % 64);
        new
    }
}

impl Account {
    /// Adds the next record.
    ///
    /// # Errors
    /// It cannot follow those before: an invariant is broken.
    pub fn add(&mut self, record: Record) -> Result<(), String> {
        let begun = self.begin.is_some();
        match record {
            Record::Begin(begin) if !begun => {
                if begin.format != FORMAT {
                    return Err(format!(
                        "it was written by another version of streamgauge (format {}, not {FORMAT})",
                        begin.format
                    ));
                }
                self.begin = Some(*begin);
            }
            Record::Begin(_) => return Err("a second beginning".into()),
            _ if !begun => return Err("a record before the beginning".into()),
            Record::Leg { started_ms } => self.legs.push(started_ms),
            Record::Intent { item, sessions, .. } => {
                let open = self.open(item)?;
                // The one before has no end: a process died with it. It counts as an attempt.
                if std::mem::replace(&mut open.in_doubt, true) {
                    open.taken = true;
                    open.notes.push(in_doubt());
                }
                open.sessions = sessions;
            }
            Record::Withdrawn { item } => self.open(item)?.in_doubt = false,
            Record::Ended { item, safe, note, last, .. } => {
                let open = self.open(item)?;
                open.in_doubt = false;
                open.taken |= !safe;
                open.notes.push(note);
                self.attempts += 1;
                if let Some(last) = last {
                    self.end(item, &last)?;
                }
            }
            Record::Last { item, last } => self.end(item, &last)?,
        }
        Ok(())
    }

    fn open(&mut self, item: u64) -> Result<&mut Open, String> {
        self.known(item)?;
        if self.done.has(item) {
            return Err(format!("item {item} goes on after its result"));
        }
        Ok(self.open.entry(item).or_default())
    }

    fn known(&self, item: u64) -> Result<(), String> {
        match item < self.items() {
            true => Ok(()),
            false => Err(format!("there is no item {item}")),
        }
    }

    fn end(&mut self, item: u64, last: &Last) -> Result<(), String> {
        self.known(item)?;
        if !self.done.insert(item) {
            return Err(format!("item {item} has two results"));
        }
        self.open.remove(&item);
        self.counts[last.status as usize] += 1;
        Ok(())
    }

    /// What the batch is; `None` where the journal is empty.
    pub fn begin(&self) -> Option<&Begin> {
        self.begin.as_ref()
    }

    /// When each process took up the work, milliseconds since the Unix epoch.
    pub fn legs(&self) -> &[u64] {
        &self.legs
    }

    /// How many results there will be.
    pub fn items(&self) -> u64 {
        self.begin.as_ref().map_or(0, |begin| begin.items)
    }

    /// How many there are.
    pub fn finished(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many of a status there are.
    pub fn count(&self, status: Status) -> u64 {
        self.counts[status as usize]
    }

    /// Attempts that have ended.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Items begun and not ended.
    pub fn unfinished(&self) -> &HashMap<u64, Open> {
        &self.open
    }

    /// Items that have their result, and those begun that have not.
    pub fn into_parts(self) -> (Bits, HashMap<u64, Open>) {
        (self.done, self.open)
    }

    /// Whether every item has its result.
    pub fn is_finished(&self) -> bool {
        self.begin.is_some() && self.finished() == self.items()
    }

    /// The counts in one line.
    pub fn words(&self) -> String {
        let counts = STATUSES.iter().filter(|one| self.count(**one) > 0);
        let counts: Vec<String> =
            counts.map(|one| format!("{} {}", self.count(*one), one.word())).collect();
        let open = self.items() - self.finished();
        let doubt = self.open.values().filter(|open| open.in_doubt).count();
        let mut text = format!("{} of {} rows done", self.finished(), self.items());
        if !counts.is_empty() {
            text.push_str(&format!(": {}", counts.join(", ")));
        }
        if open > 0 {
            text.push_str(&format!("; {open} left"));
        }
        if doubt > 0 {
            text.push_str(&format!(" ({doubt} sent, outcome unknown)"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn begin(items: u64) -> Record {
        Record::Begin(Box::new(Begin {
            format: FORMAT,
            run_id: "r".into(),
            items,
            facts: vec![("target".into(), "x".into())],
            input: "i".into(),
            input_format: "txt".into(),
            results: "o".into(),
            kinds: vec!["rows".into()],
            name: "n".into(),
        }))
    }

    fn intent(item: u64) -> Record {
        Record::Intent { item, turn: 1, attempt: 1, session: "s".into(), sessions: 1 }
    }

    fn ended(item: u64, safe: bool, last: bool) -> Record {
        let last = last.then(|| Last { status: Status::Completed, line: raw("{}") });
        Record::Ended { item, sample: String::new(), safe, note: raw("{}"), last }
    }

    fn account(records: Vec<Record>) -> Result<Account, String> {
        let mut account = Account::default();
        for record in records {
            // As it is read again.
            account.add(Record::read(&record.payload())?)?;
        }
        Ok(account)
    }

    #[test]
    fn an_intent_without_an_end_is_in_doubt() {
        let account = account(vec![
            begin(4),
            intent(0),
            ended(0, false, true),
            intent(1),
            intent(2),
            Record::Withdrawn { item: 2 },
            intent(3),
            ended(3, true, false),
        ])
        .unwrap();
        let doubt = |item| account.unfinished()[&item].in_doubt;
        assert!(doubt(1) && !doubt(2) && !doubt(3));
        assert_eq!((account.finished(), account.is_finished()), (1, false));
        assert_eq!(
            account.words(),
            "1 of 4 rows done: 1 completed; 3 left (1 sent, outcome unknown)"
        );
    }

    #[test]
    fn every_attempt_in_doubt_is_counted_over_all_legs() {
        let account = account(vec![
            begin(1),
            intent(0),
            intent(0),
            ended(0, true, false),
            intent(0),
            intent(0),
        ]);
        let account = account.unwrap();
        let open = &account.unfinished()[&0];
        let doubts = open.notes.iter().filter(|note| note.get().contains("in_doubt")).count();
        // The last one is still open.
        assert_eq!((doubts, open.notes.len(), open.in_doubt), (2, 3, true));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for records in [
            vec![intent(0)],
            vec![begin(1), begin(1)],
            vec![begin(1), intent(1)],
            vec![begin(1), intent(0), ended(0, true, true), ended(0, true, true)],
            vec![begin(1), intent(0), ended(0, true, true), intent(0)],
        ] {
            assert!(account(records).is_err());
        }
    }

    #[test]
    fn differences_are_named() {
        let Record::Begin(one) = begin(1) else { unreachable!() };
        let mut other = (*one).clone();
        other.facts = vec![("target".into(), "y".into()), ("input".into(), "z".into())];
        let found = one.differences(&other);
        assert_eq!(found, ["target: was x, is y", "input: was not said, is z"]);
    }

    proptest! {
        #[test]
        fn bits_are_a_set(numbers in prop::collection::vec(0u64..500, 0..100)) {
            let mut bits = Bits::default();
            let mut set = std::collections::BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(bits.insert(number), set.insert(number));
            }
            for number in 0..600 {
                prop_assert_eq!(bits.has(number), set.contains(&number));
            }
        }
    }
}
