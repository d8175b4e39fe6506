//! What was said, session by session, in bounded memory.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Bytes of text kept over all sessions.
const ALL_TEXT: usize = 64 * 1024 * 1024;
/// Bytes of text kept of one session; its oldest entries leave.
const SESSION_TEXT: usize = 256 * 1024;
/// How many earlier messages a reply can refer to.
const RECALLED: usize = 3;

/// Who speaks to whom, where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) agent_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) session_id: &'a str,
}

/// What a reply may refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// Messages so far in this session, this one included; 1 in a one-off.
    pub(super) turn: usize,
    /// The most recent earlier ones, oldest first.
    pub(super) earlier: Vec<Arc<str>>,
    /// Requests of this session that were open already.
    pub(super) open: u32,
}

/// One entry of a session's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) role: &'static str,
    pub(super) content: String,
    pub(super) agent_id: String,
    pub(super) user_id: String,
}

/// All sessions, in shards so that threads rarely meet.
pub(super) struct Sessions {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

struct Shard {
    sessions: HashMap<Arc<str>, Session>,
    /// Uses in order, with those that were overtaken by a later use of the same session.
    uses: VecDeque<(u64, Arc<str>)>,
    clock: u64,
    bytes: usize,
    most_sessions: usize,
    most_bytes: usize,
}

struct Session {
    agent_id: Box<str>,
    user_id: Box<str>,
    session_id: Box<str>,
    entries: VecDeque<(Role, Arc<str>)>,
    messages: usize,
    bytes: usize,
    open: u32,
    used: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Assistant,
}

impl Sessions {
    pub(super) fn new(most: usize, threads: usize) -> Self {
        // A shard too small would forget a session while others have room.
        let shards = if threads == 1 { 1 } else { (most / 256).clamp(1, 16) };
        let shard = || {
            Mutex::new(Shard {
                sessions: HashMap::new(),
                uses: VecDeque::new(),
                clock: 0,
                bytes: 0,
                most_sessions: most.div_ceil(shards),
                most_bytes: ALL_TEXT / shards,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Takes a message in and says what was there before it.
    pub(super) fn ask(&self, whose: Whose<'_>, message: &str) -> Context {
        let mut shard = self.shard(whose.session_id);
        let session = shard.touch(whose);
        session.messages += 1;
        let mut earlier: Vec<Arc<str>> = session
            .entries
            .iter()
            .rev()
            .filter(|(role, _)| *role == Role::User)
            .take(RECALLED)
            .map(|(_, text)| Arc::clone(text))
            .collect();
        earlier.reverse();
        let context = Context { turn: session.messages, earlier, open: session.open };
        session.open += 1;
        let grown = session.add(Role::User, message.into());
        shard.grow(grown);
        context
    }

    /// What was said before the newest message, oldest first, with its roles.
    pub(super) fn before(&self, whose: Whose<'_>) -> Vec<(String, Arc<str>)> {
        let shard = self.shard(whose.session_id);
        let Some(session) = shard.sessions.get(key(whose).as_str()) else { return Vec::new() };
        let before = session.entries.len().saturating_sub(1);
        let name = |role: Role| if role == Role::User { "user" } else { "assistant" };
        session
            .entries
            .iter()
            .take(before)
            .map(|(role, text)| (name(*role).to_owned(), Arc::clone(text)))
            .collect()
    }

    /// Takes in what was answered; the session may have left meanwhile.
    pub(super) fn answered(&self, whose: Whose<'_>, answer: Option<&str>) {
        let mut shard = self.shard(whose.session_id);
        let Some(session) = shard.sessions.get_mut(key(whose).as_str()) else { return };
        session.open = session.open.saturating_sub(1);
        if let Some(answer) = answer {
            let grown = session.add(Role::Assistant, answer.into());
            shard.grow(grown);
        }
    }

    /// Everything said under a session id, whoever said it.
    pub(super) fn history(&self, session_id: &str) -> Vec<Entry> {
        let shard = self.shard(session_id);
        let mut found: Vec<&Session> =
            shard.sessions.values().filter(|session| *session.session_id == *session_id).collect();
        found.sort_by(|a, b| (&a.agent_id, &a.user_id).cmp(&(&b.agent_id, &b.user_id)));
        found
            .into_iter()
            .flat_map(|session| {
                session.entries.iter().map(|(role, text)| Entry {
                    role: if *role == Role::User { "user" } else { "assistant" },
                    content: text.to_string(),
                    agent_id: session.agent_id.to_string(),
                    user_id: session.user_id.to_string(),
                })
            })
            .collect()
    }

    fn shard(&self, session_id: &str) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(session_id) as usize % self.shards.len();
        // A panic elsewhere cannot leave a shard half written.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn touch(&mut self, whose: Whose<'_>) -> &mut Session {
        self.clock += 1;
        let clock = self.clock;
        let key: Arc<str> = key(whose).into();
        self.uses.push_back((clock, Arc::clone(&key)));
        while self.sessions.len() >= self.most_sessions.max(1) && !self.sessions.contains_key(&key)
        {
            self.forget_oldest();
        }
        if self.uses.len() > 2 * self.sessions.len() + 64 {
            let sessions = &self.sessions;
            self.uses.retain(|(used, key)| {
                *used == clock || sessions.get(key).is_some_and(|session| session.used == *used)
            });
        }
        let session = self.sessions.entry(key).or_insert_with(|| Session {
            agent_id: whose.agent_id.into(),
            user_id: whose.user_id.into(),
            session_id: whose.session_id.into(),
            entries: VecDeque::new(),
            messages: 0,
            bytes: 0,
            open: 0,
            used: 0,
        });
        session.used = clock;
        session
    }

    fn grow(&mut self, bytes: isize) {
        self.bytes = self.bytes.saturating_add_signed(bytes);
        while self.bytes > self.most_bytes && self.sessions.len() > 1 {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        while let Some((used, key)) = self.uses.pop_front() {
            if self.sessions.get(&key).is_some_and(|session| session.used == used) {
                if let Some(session) = self.sessions.remove(&key) {
                    self.bytes = self.bytes.saturating_sub(session.bytes);
                }
                return;
            }
        }
    }
}

impl Session {
    /// Adds an entry and says by how many bytes the session has grown.
    fn add(&mut self, role: Role, text: Arc<str>) -> isize {
        let before = self.bytes;
        self.bytes += text.len();
        self.entries.push_back((role, text));
        while self.bytes > SESSION_TEXT && self.entries.len() > 1 {
            if let Some((_, gone)) = self.entries.pop_front() {
                self.bytes -= gone.len();
            }
        }
        self.bytes.cast_signed() - before.cast_signed()
    }
}

/// The lengths make it impossible for one id to look like a piece of another.
fn key(whose: Whose<'_>) -> String {
    let Whose { agent_id, user_id, session_id } = whose;
    format!("{} {} {session_id}{user_id}{agent_id}", session_id.len(), user_id.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose<'a>(user_id: &'a str, session_id: &'a str) -> Whose<'a> {
        Whose { agent_id: "agent", user_id, session_id }
    }

    #[test]
    fn a_session_remembers_and_another_does_not_hear_of_it() {
        let sessions = Sessions::new(100, 1);
        assert_eq!(sessions.ask(whose("u", "s"), "one").turn, 1);
        sessions.answered(whose("u", "s"), Some("eins"));
        let second = sessions.ask(whose("u", "s"), "two");
        assert_eq!((second.turn, second.open), (2, 0));
        assert_eq!(second.earlier, ["one".into()]);
        // Not yet answered: the next one overlaps.
        assert_eq!(sessions.ask(whose("u", "s"), "three").open, 1);
        assert_eq!(sessions.ask(whose("other", "s"), "one").turn, 1);
        assert_eq!(sessions.ask(whose("u", "t"), "one").turn, 1);
        let history = sessions.history("s");
        let said: Vec<_> = history
            .iter()
            .map(|entry| (entry.user_id.as_str(), entry.role, entry.content.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("other", "user", "one"),
                ("u", "user", "one"),
                ("u", "assistant", "eins"),
                ("u", "user", "two"),
                ("u", "user", "three"),
            ]
        );
    }

    #[test]
    fn the_session_longest_unused_leaves_first() {
        let sessions = Sessions::new(2, 1);
        sessions.ask(whose("u", "a"), "1");
        sessions.ask(whose("u", "b"), "1");
        sessions.ask(whose("u", "a"), "2");
        sessions.ask(whose("u", "c"), "1");
        assert!(sessions.history("b").is_empty());
        assert_eq!(sessions.ask(whose("u", "a"), "3").turn, 3);
    }

    #[test]
    fn memory_is_bounded_in_bytes_and_in_bookkeeping() {
        let sessions = Sessions::new(50, 1);
        let long = "x".repeat(100_000);
        for round in 0..2_000 {
            sessions.ask(whose("u", &(round % 60).to_string()), &long);
            sessions.answered(whose("u", &(round % 60).to_string()), Some(&long));
        }
        let shard = sessions.shards[0].lock().unwrap();
        assert!(shard.sessions.len() <= 50);
        assert!(shard.bytes <= 50 * SESSION_TEXT, "{}", shard.bytes);
        assert_eq!(
            shard.bytes,
            shard.sessions.values().map(|session| session.bytes).sum::<usize>()
        );
        assert!(shard.uses.len() <= 2 * 50 + 66, "{}", shard.uses.len());
    }
}
