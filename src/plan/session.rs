//! One session of the plan: what is said, by whom, and after how long.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use minijinja::Environment;

use super::chance::{Purpose, generator, hash};
use super::whole::Plan;
use crate::expect::Expectations;
use crate::sample::Part;
use crate::scenario::{Content, Message, OnError, Session, template};
use crate::units::Delay;

/// One session, ready to be held. It owns what it needs and may go to any thread.
#[derive(Debug, Clone)]
pub struct PlannedSession {
    /// Its number in the run, from 0; unique also where several plans are carried out together.
    pub number: u64,
    /// Its kind in the run: its place in [`Plan::kinds`], counted from [`Plan::first_kind`].
    pub kind: u16,
    /// Who asks.
    pub user_id: Arc<str>,
    /// The `session_id`, where the scenario fixes one.
    pub fixed_session_id: Option<Arc<str>>,
    pub(super) identity: u32,
    /// Row of the prompt file.
    pub(super) row: usize,
    /// Which row of which feeder; no row where a `unique` feeder has none left.
    pub(super) feeds: Box<[(usize, Option<usize>)]>,
    /// What is said, where it comes from outside the plan.
    pub(super) given: Option<Given>,
    pub(super) plan: Plan,
}

/// A session's main part that comes from outside the plan.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// What is said, turn by turn, byte for byte.
    pub turns: Arc<[Arc<str>]>,
    /// What the answer to each has to be; empty where nothing is expected.
    pub expect: Arc<[Expectations]>,
}

/// A message that cannot be rendered: its turn fails, the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}: message {turn} of session kind `{kind}` cannot be rendered")]
pub struct RenderError {
    kind: Arc<str>,
    turn: u32,
    why: String,
}

/// What a kind says, as far as it can be settled once.
#[derive(Debug)]
pub(super) struct Script {
    /// For each message written in the scenario, set-up first, closing last.
    written: Vec<Written>,
    pub(super) fixed_session_id: Option<Arc<str>>,
    pub(super) fixed_user_id: Option<Arc<str>>,
}

/// What is known of a message once for all.
#[derive(Debug)]
struct Written {
    /// The name of its compiled template; `None` where it is literal.
    template: Option<String>,
    uses_previous: bool,
}

/// A message of a session, wherever it is from.
enum Said<'a> {
    /// Written in the scenario; the position counts set-up, main part and closing.
    Written { message: &'a Message, position: usize },
    /// From a prompt file, or from outside the plan: its index in the row.
    Row(usize),
}

impl Script {
    pub(super) fn compile(
        kind: usize,
        session: &Session,
        environment: &mut Environment<'static>,
    ) -> Self {
        let inline = match &session.content {
            Content::Inline(messages) => messages.as_slice(),
            Content::Rows { .. } => &[],
        };
        let all = session.setup.iter().chain(inline).chain(&session.closing);
        let written = all.enumerate().map(|(index, message)| {
            let template = template::is_template(&message.text).then(|| {
                let name = format!("{kind}.{index}");
                // A checked scenario's templates compile; one that did not would be missing when
                // it is rendered, and its turn would fail with a sentence.
                let _ = environment.add_template_owned(name.clone(), message.text.clone());
                name
            });
            let uses_previous = template.is_some() && template::uses_previous(&message.text);
            Written { template, uses_previous }
        });
        Self {
            written: written.collect(),
            fixed_session_id: session.session_id.as_deref().map(Arc::from),
            fixed_user_id: session.user_id.as_deref().map(Arc::from),
        }
    }
}

impl PlannedSession {
    fn session(&self) -> &Session {
        &self.plan.0.scenario.sessions[self.own_kind()]
    }

    /// The place of its kind in its own plan.
    fn own_kind(&self) -> usize {
        usize::from(self.kind - self.plan.0.place.first_kind)
    }

    /// Turns of its main part.
    fn main_turns(&self) -> usize {
        if let Some(given) = &self.given {
            return given.turns.len();
        }
        match &self.session().content {
            Content::Inline(messages) => messages.len(),
            Content::Rows { rows, .. } => rows[self.row].turns.len(),
        }
    }

    /// How many turns it has, set-up and closing included; at least 1.
    pub fn turn_count(&self) -> u32 {
        let session = self.session();
        let turns = session.setup.len() + self.main_turns() + session.closing.len();
        u32::try_from(turns).unwrap_or(u32::MAX)
    }

    /// Which part of the session turn `turn` (from 1) belongs to.
    pub fn part(&self, turn: u32) -> Part {
        let at = turn.saturating_sub(1) as usize;
        let setup = self.session().setup.len();
        if at < setup {
            Part::Setup
        } else if at < setup + self.main_turns() {
            Part::Main
        } else {
            Part::Closing
        }
    }

    /// The first turn (from 1) of its closing; one past the last where it has none.
    pub fn first_closing_turn(&self) -> u32 {
        let before = self.session().setup.len() + self.main_turns();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// What a failed turn does to the rest of it.
    pub fn on_error(&self) -> OnError {
        self.session().on_error.unwrap_or(self.plan.0.scenario.on_error)
    }

    /// What the answer to turn `turn` has to be: each of these. Set-up and closing messages are
    /// held to their own alone.
    pub fn expectations(&self, turn: u32) -> impl Iterator<Item = &Expectations> {
        let own = match self.said(turn) {
            Some(Said::Written { message, .. }) => Some(&message.expect),
            Some(Said::Row(at)) => self.given.as_ref().and_then(|given| given.expect.get(at)),
            None => None,
        };
        let main = self.part(turn) == Part::Main;
        let shared = [&self.plan.0.scenario.expect, &self.session().expect];
        shared.into_iter().filter(move |_| main).chain(own).filter(|one| !one.is_empty())
    }

    /// Whether the text of the answer to turn `turn` has to be kept until the next turn.
    pub fn needs_text(&self, turn: u32) -> bool {
        self.next_names_answer(turn) || self.expectations(turn).any(Expectations::needs_text)
    }

    /// Whether the message after turn `turn` names its answer.
    pub fn next_names_answer(&self, turn: u32) -> bool {
        let Some(Said::Written { position, .. }) = self.said(turn.saturating_add(1)) else {
            return false;
        };
        self.scripts().written[position].uses_previous
    }

    fn scripts(&self) -> &Script {
        &self.plan.0.scripts[self.own_kind()]
    }

    /// The message of turn `turn` (from 1); `None` past the end.
    fn said(&self, turn: u32) -> Option<Said<'_>> {
        let Session { setup, content, closing, .. } = self.session();
        let mut at = turn.checked_sub(1)? as usize;
        let mut position = at;
        if let Some(message) = setup.get(at) {
            return Some(Said::Written { message, position });
        }
        at -= setup.len();
        let turns = self.main_turns();
        if self.given.is_some() && at < turns {
            return Some(Said::Row(at));
        }
        match content {
            Content::Inline(messages) => {
                if let Some(message) = messages.get(at) {
                    return Some(Said::Written { message, position });
                }
            }
            Content::Rows { .. } if at < turns => return Some(Said::Row(at)),
            // A row's own messages are not written in the scenario.
            Content::Rows { .. } => position -= turns,
        }
        let message = closing.get(at - turns)?;
        Some(Said::Written { message, position })
    }

    /// What was asked and answered before turn `turn` in the recorded conversation it is from; nothing
    /// where it is from none.
    pub fn recorded_before(&self, turn: u32) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        let row = match (&self.session().content, &self.given) {
            (Content::Rows { rows, .. }, None) => Some(&rows[self.row]),
            _ => None,
        };
        let before = turn.saturating_sub(1) as usize;
        row.into_iter().flat_map(move |row| row.turns.iter().zip(&row.answers).take(before))
    }

    /// The id of its row in the prompt file, where there is one.
    pub fn row_id(&self) -> Option<&str> {
        match &self.session().content {
            Content::Inline(_) => None,
            Content::Rows { rows, .. } => rows[self.row].id.as_deref(),
        }
    }

    /// How long the user thinks before turn `turn` (from 1) is due; the same each time it is
    /// asked for. Zero for a turn that does not exist.
    pub fn think(&self, turn: u32) -> Duration {
        let delay = match (self.said(turn), &self.session().content) {
            (Some(Said::Written { message, .. }), _) => message.think,
            (Some(Said::Row(at)), Content::Rows { think, .. }) if at > 0 => *think,
            _ => Delay::ZERO,
        };
        match delay {
            Delay::Fixed(span) => span.0,
            drawn => {
                let seed = self.plan.0.own_seed;
                drawn.draw(&mut generator(seed, Purpose::Think, self.number, u64::from(turn)))
            }
        }
    }

    /// What is said in turn `turn` (from 1), in the session `session_id`, after the answer
    /// `previous`, where there was one. Rows and literal messages are lent, byte for byte;
    /// templates are rendered.
    ///
    /// # Errors
    /// A template that cannot be rendered with these values, or a turn that does not exist.
    pub fn text(
        &self,
        turn: u32,
        session_id: &str,
        previous: Option<&str>,
    ) -> Result<Cow<'_, str>, RenderError> {
        if let Some((feed, _)) = self.feeds.iter().find(|(_, row)| row.is_none()) {
            let name = &self.plan.0.feeds[*feed].name;
            return Err(self.broken(turn, format!("`data.{name}` has no unused row left")));
        }
        if let (Some(Said::Row(at)), Some(given)) = (self.said(turn), &self.given) {
            return Ok(Cow::Borrowed(&given.turns[at]));
        }
        match (self.said(turn), &self.session().content) {
            (Some(Said::Row(at)), Content::Rows { rows, .. }) => {
                Ok(Cow::Borrowed(&rows[self.row].turns[at]))
            }
            (Some(Said::Written { message, position }), _) => {
                match &self.scripts().written[position].template {
                    None => Ok(Cow::Borrowed(&message.text)),
                    Some(name) => self.render(name, turn, session_id, previous).map(Cow::Owned),
                }
            }
            _ => Err(self.broken(turn, "there is no such message".into())),
        }
    }

    fn render(
        &self,
        name: &str,
        turn: u32,
        session_id: &str,
        previous: Option<&str>,
    ) -> Result<String, RenderError> {
        let parts = &self.plan.0;
        let feeds = self.feeds.iter().filter_map(|(feed, row)| {
            let feed = &parts.feeds[*feed];
            Some((&*feed.name, template::row_value(&feed.rows[(*row)?])))
        });
        let users = &parts.scenario.users;
        let identity = self.identity as usize;
        let names = template::Names {
            user: template::user_value(identity, users.rows.get(identity), Some(&self.user_id)),
            session: template::session_value(self.number, &self.session().name, session_id),
            turn,
            data: template::map(feeds),
            env: &parts.scenario.env,
            previous,
            chance: hash(parts.own_seed, Purpose::Template, self.number, u64::from(turn)),
        };
        let compiled = parts.templates.get_template(name);
        let rendered = compiled.and_then(|one| one.render(names.context()));
        rendered.map_err(|error| self.broken(turn, template::sentence(&error)))
    }

    fn broken(&self, turn: u32, why: String) -> RenderError {
        RenderError { kind: Arc::from(self.session().name.as_str()), turn, why }
    }
}
