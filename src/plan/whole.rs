//! The plan itself: numbers in, sessions and due times out.

use std::sync::Arc;

use minijinja::Environment;

use super::arrivals::{Arrivals, Shard};
use super::chance::{Purpose, generator, hash};
use super::curve::Curve;
use super::feed::Feed;
use super::mix::Mix;
use super::session::{Given, PlannedSession, Script};
use crate::scenario::{
    self, Content, Load, PromptRow, Scenario, Scenarios, Together, Until, template,
};
use crate::units::Offset;

/// What will be done. Cheap to clone: clones share everything.
#[derive(Debug, Clone)]
pub struct Plan(pub(super) Arc<Parts>);

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) scenario: Scenario,
    /// What everything random follows from: the run's seed, or one made of it.
    pub(super) own_seed: u64,
    /// The run's.
    seed: u64,
    pub(super) place: Place,
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

/// Where a plan stands among those that are carried out together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Which one it is, from 0.
    index: u64,
    /// Of how many; at least 1.
    of: u64,
    /// Kinds of session in the plans before it.
    pub(super) first_kind: u16,
    /// When its time begins.
    start: Offset,
}

impl Place {
    const ALONE: Self = Self { index: 0, of: 1, first_kind: 0, start: Offset::ZERO };

    /// The number in the run of its session number `number`: no two plans share one.
    fn in_run(self, number: u64) -> u64 {
        number.saturating_mul(self.of).saturating_add(self.index)
    }
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
        Self::at(scenario, seed, seed, Place::ALONE)
    }

    /// The same for scenarios that are run together: a plan for each. What is random in one follows
    /// from the seed and its position.
    pub fn together(scenarios: Scenarios, seed: u64) -> Vec<Self> {
        let of = scenarios.all.len() as u64;
        let mut first_kind = 0;
        (0..)
            .zip(scenarios.all)
            .map(|(index, Together { start_after, scenario })| {
                let place = Place { index, of, first_kind, start: Offset::ZERO + start_after };
                let kinds = u16::try_from(scenario.sessions.len()).unwrap_or(u16::MAX);
                first_kind = first_kind.saturating_add(kinds);
                let own = match index {
                    0 => seed,
                    _ => hash(seed, Purpose::Beside, index, 0),
                };
                Self::at(scenario, own, seed, place)
            })
            .collect()
    }

    fn at(scenario: Scenario, own_seed: u64, seed: u64, place: Place) -> Self {
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
                let kinds = scenario.sessions.iter().map(|one| one.takes_from(name)).collect();
                Feed::new(name, feeder, index, kinds)
            })
            .collect();
        let planned = match &scenario.load {
            Load::Once { .. } => mix.len(),
            Load::Closed { until: Until::Iterations(count), .. } => Some(*count),
            Load::Replay { trace, .. } => Some(trace.arrivals.len() as u64),
            Load::Closed { .. } | Load::Open { .. } => None,
        };
        let run_out = feeds.iter().filter_map(|feed| run_out(feed, &mix, own_seed)).min();
        let per_user = scenario.users.sessions_per_user;
        let used_up = per_user.map(|each| u64::from(each) * scenario.users.ids.len() as u64);
        let end = [planned, run_out, used_up].into_iter().flatten().min();
        Self(Arc::new(Parts {
            scenario,
            own_seed,
            seed,
            place,
            kinds,
            mix,
            feeds,
            templates,
            scripts,
            end,
        }))
    }

    /// The scenario it was made from.
    pub fn scenario(&self) -> &Scenario {
        &self.0.scenario
    }

    /// The seed of the run it was made for.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// When its time begins, in that of the run.
    pub fn start(&self) -> Offset {
        self.0.place.start
    }

    /// When no more turns are started, where the load is bounded by time.
    pub fn load_end(&self) -> Option<Offset> {
        self.0.scenario.load.duration().map(|time| self.start() + time)
    }

    /// The kinds of session, in the order of the scenario.
    pub fn kinds(&self) -> &[Kind] {
        &self.0.kinds
    }

    /// What `Sample::kind` is of the first of them; the others follow.
    pub fn first_kind(&self) -> u16 {
        self.0.place.first_kind
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
            let sessions = parts.mix.count_below(parts.own_seed, sessions, |one| one == kind);
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

    /// Session number `number` of this plan, asked by `identity` (taken modulo their count); `None`
    /// past the end. A load of everything once decides itself who asks an inline session.
    pub fn session(&self, number: u64, identity: u32) -> Option<PlannedSession> {
        let parts = &self.0;
        if parts.end.is_some_and(|end| number >= end) {
            return None;
        }
        let slot = parts.mix.slot(parts.own_seed, number)?;
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
                let ordinal =
                    parts.mix.count_below(parts.own_seed, number, |kind| feed.kinds[kind]);
                (index, feed.row(parts.own_seed, ordinal))
            })
            .collect();
        Some(PlannedSession {
            number: parts.place.in_run(number),
            kind: parts.place.first_kind + slot.kind as u16,
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
    pub fn given(&self, number: u64, identity: u64, given: Given) -> PlannedSession {
        let identity = identity % u64::from(self.identities());
        PlannedSession {
            number,
            kind: 0,
            user_id: Arc::clone(&self.0.scenario.users.ids[identity as usize]),
            fixed_session_id: None,
            identity: identity as u32,
            row: 0,
            feeds: Box::default(),
            given: Some(given),
            plan: self.clone(),
        }
    }

    /// The arrivals of an open load or a replay that belong to `shard`, in order; none in another load.
    ///
    /// Every shard goes through the whole schedule and keeps its own numbers, so that shards
    /// together are exactly the plan.
    pub fn arrivals(&self, shard: Shard) -> Arrivals {
        let sessions = self.0.end.unwrap_or(u64::MAX);
        let rng = || generator(self.0.own_seed, Purpose::Arrival, 0, 0);
        Arrivals::new(&self.0.scenario.load, self.start(), sessions, shard, rng)
    }

    /// When user number `place` of a closed load is there: from each coming to the going after it.
    ///
    /// Where users come and go in stages, as many are there as the level, rounded, says; a user who
    /// goes asks nothing any more, and what is on its way is waited for.
    pub fn spells(&self, place: u32) -> Vec<(Offset, Offset)> {
        let start = self.start();
        match &self.0.scenario.load {
            Load::Closed { until: Until::Stages(stages), .. } => {
                let levels = stages.iter().map(|one| (one.span, f64::from(one.to)));
                let spells = Curve::new(levels).spells(f64::from(place) + 0.5);
                let from_start = |at: Offset| start + at.since(Offset::ZERO);
                spells.into_iter().map(|(come, go)| (from_start(come), from_start(go))).collect()
            }
            Load::Closed { until: Until::Duration(time), .. } => {
                vec![(start, start + *time)]
            }
            Load::Once { .. } | Load::Closed { .. } => vec![(start, Offset::NEVER)],
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
