//! The plan itself: numbers in, sessions and due times out.

use std::sync::Arc;

use minijinja::Environment;

use super::arrivals::{Arrivals, Shard};
use super::chance::{Purpose, generator};
use super::curve::Curve;
use super::feed::Feed;
use super::mix::Mix;
use super::session::{PlannedSession, Script};
use crate::scenario::{self, Content, Load, PromptRow, Scenario, Until, template};
use crate::units::Offset;

/// What will be done. Cheap to clone: clones share everything.
#[derive(Debug, Clone)]
pub struct Plan(pub(super) Arc<Parts>);

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    kinds: Vec<Kind>,
    mix: Mix,
    pub(super) feeds: Vec<Feed>,
    /// Compiled once; [`template_name`] says which is which.
    pub(super) templates: Environment<'static>,
    /// What each kind says, with what of it is a template.
    pub(super) scripts: Vec<Script>,
    /// First number that is not planned any more; `None`: the load ends by time.
    end: Option<u64>,
}

/// A kind of session.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// Its name.
    pub name: Arc<str>,
    /// How often it comes against the others (not in a load of everything once).
    pub weight: u32,
    /// Rows it goes through; `None` for messages written in the scenario.
    pub rows: Option<u64>,
    /// Fewest and most turns of its sessions, set-up and closing included.
    pub turns: (u32, u32),
}

impl Plan {
    /// Decides what a checked scenario and a seed mean.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let kinds: Vec<Kind> = scenario.sessions.iter().map(Kind::of).collect();
        let mix = match scenario.load {
            Load::Once { .. } => {
                Mix::in_turn(scenario.sessions.iter().map(|session| match &session.content {
                    Content::Inline(_) => scenario.users.ids.len() as u64,
                    Content::Rows { rows, .. } => rows.len() as u64,
                }))
            }
            Load::Closed { .. } | Load::Open { .. } | Load::Replay { .. } => {
                let weights: Vec<u32> = scenario.sessions.iter().map(|one| one.weight).collect();
                Mix::weighted(&weights)
            }
        };
        let mut templates = template::environment();
        let scripts: Vec<Script> = scenario
            .sessions
            .iter()
            .enumerate()
            .map(|(kind, session)| Script::compile(kind, session, &mut templates))
            .collect();
        let feeds: Vec<Feed> = (0..)
            .zip(&scenario.data)
            .map(|(index, (name, feeder))| {
                let kinds = scenario.sessions.iter().map(|one| takes(one, name)).collect();
                Feed::new(name, feeder, index, kinds)
            })
            .collect();
        let planned = match &scenario.load {
            Load::Once { .. } => mix.len(),
            Load::Closed { until: Until::Iterations(count), .. } => Some(*count),
            Load::Replay { trace, .. } => Some(trace.arrivals.len() as u64),
            Load::Closed { .. } | Load::Open { .. } => None,
        };
        let run_out = feeds.iter().filter_map(|feed| run_out(feed, &mix, seed)).min();
        let per_user = scenario.users.sessions_per_user;
        let used_up = per_user.map(|each| u64::from(each) * scenario.users.ids.len() as u64);
        let end = [planned, run_out, used_up].into_iter().flatten().min();
        Self(Arc::new(Parts { scenario, seed, kinds, mix, feeds, templates, scripts, end }))
    }

    /// The scenario it was made from.
    pub fn scenario(&self) -> &Scenario {
        &self.0.scenario
    }

    /// The seed it was made with.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The kinds of session, in the order of the scenario; the index is `Sample::kind`.
    pub fn kinds(&self) -> &[Kind] {
        &self.0.kinds
    }

    /// How many identities sessions are dealt to; at least 1.
    pub fn identities(&self) -> u32 {
        u32::try_from(self.0.scenario.users.ids.len()).unwrap_or(u32::MAX)
    }

    /// How many sessions there are; `None` where only time ends the load.
    ///
    /// A load that ends by time *and* takes rows from a `unique` feeder has a number: no more
    /// than this, fewer if the time is over first.
    pub fn session_count(&self) -> Option<u64> {
        self.0.end
    }

    /// Whether all of [`Plan::session_count`] are certain to be started: nothing but their number
    /// ends the load.
    pub fn is_bounded_by_count(&self) -> bool {
        matches!(
            self.0.scenario.load,
            Load::Once { .. }
                | Load::Closed { until: Until::Iterations(_), .. }
                | Load::Replay { .. }
        )
    }

    /// How many turns those sessions have in all; `None` as there.
    pub fn turn_count(&self) -> Option<u64> {
        self.0.end.map(|end| self.turns_of_first(end))
    }

    /// How many turns the sessions numbered below `sessions` have.
    pub fn turns_of_first(&self, sessions: u64) -> u64 {
        let parts = &self.0;
        let turns = parts.scenario.sessions.iter().enumerate().map(|(kind, session)| {
            let sessions = parts.mix.count_below(parts.seed, sessions, |one| one == kind);
            let main = match &session.content {
                Content::Inline(messages) => sessions * messages.len() as u64,
                Content::Rows { rows, .. } => turns_of_rows(rows, sessions),
            };
            main + sessions * (session.setup.len() + session.closing.len()) as u64
        });
        turns.sum()
    }

    /// Feeders that no message takes a row from.
    pub fn idle_feeders(&self) -> impl Iterator<Item = &str> {
        self.0.feeds.iter().filter(|feed| !feed.kinds.contains(&true)).map(|feed| &*feed.name)
    }

    /// Session number `number`, asked by `identity` (taken modulo their count); `None` past the
    /// end. A load of everything once decides itself who asks an inline session.
    pub fn session(&self, number: u64, identity: u32) -> Option<PlannedSession> {
        let parts = &self.0;
        if parts.end.is_some_and(|end| number >= end) {
            return None;
        }
        let slot = parts.mix.slot(parts.seed, number)?;
        let session = &parts.scenario.sessions[slot.kind];
        let once = matches!(parts.scenario.load, Load::Once { .. });
        let (identity, row) = match &session.content {
            Content::Inline(_) if once => (slot.ordinal, 0),
            Content::Inline(_) => (u64::from(identity), 0),
            Content::Rows { rows, .. } => (u64::from(identity), slot.ordinal % rows.len() as u64),
        };
        let identity = identity % u64::from(self.identities());
        let feeds = parts
            .feeds
            .iter()
            .enumerate()
            .filter(|(_, feed)| feed.kinds[slot.kind])
            .map(|(index, feed)| {
                let ordinal = parts.mix.count_below(parts.seed, number, |kind| feed.kinds[kind]);
                (index, feed.row(parts.seed, ordinal))
            })
            .collect();
        Some(PlannedSession {
            number,
            kind: slot.kind as u16,
            user_id: match &parts.scripts[slot.kind].fixed_user_id {
                Some(fixed) => Arc::clone(fixed),
                None => Arc::clone(&parts.scenario.users.ids[identity as usize]),
            },
            fixed_session_id: parts.scripts[slot.kind].fixed_session_id.clone(),
            identity: identity as u32,
            row: row as usize,
            feeds,
            given: None,
            plan: self.clone(),
        })
    }

    /// A session of the first kind that says what is given, literally: for rows that are read while
    /// the run goes. `identity` is taken modulo the number of identities.
    pub fn given(&self, number: u64, identity: u64, turns: Arc<[Arc<str>]>) -> PlannedSession {
        let identity = identity % u64::from(self.identities());
        PlannedSession {
            number,
            kind: 0,
            user_id: Arc::clone(&self.0.scenario.users.ids[identity as usize]),
            fixed_session_id: None,
            identity: identity as u32,
            row: 0,
            feeds: Box::default(),
            given: Some(turns),
            plan: self.clone(),
        }
    }

    /// The arrivals of an open load or a replay that belong to `shard`, in order; none in another load.
    ///
    /// Every shard goes through the whole schedule and keeps its own numbers, so that shards
    /// together are exactly the plan.
    pub fn arrivals(&self, shard: Shard) -> Arrivals {
        let sessions = self.0.end.unwrap_or(u64::MAX);
        let rng = || generator(self.0.seed, Purpose::Arrival, 0, 0);
        Arrivals::new(&self.0.scenario.load, sessions, shard, rng)
    }

    /// When user number `place` of a closed load is there: from each coming to the going after it.
    ///
    /// Where users come and go in stages, as many are there as the level, rounded, says; a user who
    /// goes asks nothing any more, and what is on its way is waited for.
    pub fn spells(&self, place: u32) -> Vec<(Offset, Offset)> {
        match &self.0.scenario.load {
            Load::Closed { until: Until::Stages(stages), .. } => {
                let levels = stages.iter().map(|one| (one.span, f64::from(one.to)));
                Curve::new(levels).spells(f64::from(place) + 0.5)
            }
            Load::Closed { until: Until::Duration(time), .. } => {
                vec![(Offset::ZERO, Offset::ZERO + *time)]
            }
            Load::Once { .. } | Load::Closed { .. } => vec![(Offset::ZERO, Offset::NEVER)],
            Load::Open { .. } | Load::Replay { .. } => Vec::new(),
        }
    }
}

impl Kind {
    fn of(session: &scenario::Session) -> Self {
        let (rows, turns) = match &session.content {
            Content::Inline(messages) => (None, (messages.len(), messages.len())),
            Content::Rows { rows, .. } => {
                let turns = || rows.iter().map(|row| row.turns.len());
                (Some(rows.len() as u64), (turns().min().unwrap_or(0), turns().max().unwrap_or(0)))
            }
        };
        let aside = session.setup.len() + session.closing.len();
        let narrow = |turns: usize| u32::try_from(turns + aside).unwrap_or(u32::MAX);
        Self {
            name: Arc::from(session.name.as_str()),
            weight: session.weight,
            rows,
            turns: (narrow(turns.0), narrow(turns.1)),
        }
    }
}

/// Turns of so many sessions that go through the rows again and again.
fn turns_of_rows(rows: &[PromptRow], sessions: u64) -> u64 {
    let turns = |rows: &[PromptRow]| rows.iter().map(|row| row.turns.len() as u64).sum::<u64>();
    let count = rows.len() as u64;
    let (passes, rest) = (sessions / count, (sessions % count) as usize);
    let whole = if passes == 0 { 0 } else { passes * turns(rows) };
    whole + turns(&rows[..rest])
}

/// Whether sessions of a kind take a row of this feeder.
fn takes(session: &scenario::Session, feeder: &str) -> bool {
    let inline = match &session.content {
        Content::Inline(messages) => messages.as_slice(),
        Content::Rows { .. } => &[],
    };
    session.setup.iter().chain(inline).chain(&session.closing).any(|message| {
        template::is_template(&message.text) && template::uses_feeder(&message.text, feeder)
    })
}

/// The first number that finds no row any more, where a feeder can run out and sessions take from
/// it: the largest `n` with at most `rows` takers below it.
fn run_out(feed: &Feed, mix: &Mix, seed: u64) -> Option<u64> {
    let rows = feed.lasts()?;
    if !feed.kinds.contains(&true) {
        return None;
    }
    let takers = |n: u64| mix.count_below(seed, n, |kind| feed.kinds[kind]);
    let (mut low, mut high) = (0u64, mix.len().unwrap_or(1 << 50));
    if takers(high) <= rows {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if takers(middle) <= rows { low = middle } else { high = middle }
    }
    // The one that finds no row is the next.
    Some(if feed.fails_at_end() { low + 1 } else { low })
}
