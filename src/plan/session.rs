//! One session of the plan: what is said, by whom, and after how long.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use minijinja::Environment;

use super::chance::{Purpose, generator};
use super::whole::Plan;
use crate::scenario::{Content, Session, template};
use crate::units::Delay;

/// One session, ready to be held. It owns what it needs and may go to any thread.
#[derive(Debug, Clone)]
pub struct PlannedSession {
    /// Its number in the plan, from 0.
    pub number: u64,
    /// Its kind, an index into [`Plan::kinds`].
    pub kind: u16,
    /// Who asks.
    pub user_id: Arc<str>,
    /// The `session_id`, where the scenario fixes one.
    pub fixed_session_id: Option<Arc<str>>,
    pub(super) identity: u32,
    /// Row of the prompt file.
    pub(super) row: usize,
    /// Which row of which feeder.
    pub(super) feeds: Box<[(usize, usize)]>,
    pub(super) plan: Plan,
}

/// A message that cannot be rendered: its turn fails, the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("message {turn} of session kind `{kind}` cannot be rendered: {why}")]
pub struct RenderError {
    kind: Arc<str>,
    turn: u32,
    why: String,
}

/// What a kind says, as far as it can be settled once.
#[derive(Debug)]
pub(super) struct Script {
    /// For each inline message: the name of its compiled template, or `None` where it is literal.
    templates: Vec<Option<String>>,
    pub(super) fixed_session_id: Option<Arc<str>>,
}

impl Script {
    pub(super) fn compile(
        kind: usize,
        session: &Session,
        environment: &mut Environment<'static>,
    ) -> Self {
        let messages = match &session.content {
            Content::Inline(messages) => messages.as_slice(),
            Content::Rows { .. } => &[],
        };
        let templates = messages.iter().enumerate().map(|(index, message)| {
            let name = template::is_template(&message.text).then(|| format!("{kind}.{index}"))?;
            // A checked scenario's templates compile; one that did not would be missing when it
            // is rendered, and its turn would fail with a sentence.
            let _ = environment.add_template_owned(name.clone(), message.text.clone());
            Some(name)
        });
        Self {
            templates: templates.collect(),
            fixed_session_id: session.session_id.as_deref().map(Arc::from),
        }
    }
}

impl PlannedSession {
    fn script(&self) -> &Session {
        &self.plan.0.scenario.sessions[usize::from(self.kind)]
    }

    /// How many turns it has; at least 1.
    pub fn turn_count(&self) -> u32 {
        let turns = match &self.script().content {
            Content::Inline(messages) => messages.len(),
            Content::Rows { rows, .. } => rows[self.row].turns.len(),
        };
        u32::try_from(turns).unwrap_or(u32::MAX)
    }

    /// The id of its row in the prompt file, where there is one.
    pub fn row_id(&self) -> Option<&str> {
        match &self.script().content {
            Content::Inline(_) => None,
            Content::Rows { rows, .. } => rows[self.row].id.as_deref(),
        }
    }

    /// How long the user thinks before turn `turn` (from 1) is due; the same each time it is
    /// asked for. Zero for a turn that does not exist.
    pub fn think(&self, turn: u32) -> Duration {
        let delay = match &self.script().content {
            Content::Inline(messages) => {
                index(turn).and_then(|at| messages.get(at)).map(|message| message.think)
            }
            Content::Rows { think, .. } => (turn > 1).then_some(*think),
        };
        match delay.unwrap_or(Delay::ZERO) {
            Delay::Fixed(span) => span.0,
            drawn => {
                let seed = self.plan.0.seed;
                drawn.draw(&mut generator(seed, Purpose::Think, self.number, u64::from(turn)))
            }
        }
    }

    /// What is said in turn `turn` (from 1). Rows and literal messages are lent, byte for byte;
    /// templates are rendered.
    ///
    /// # Errors
    /// A template that cannot be rendered with these values, or a turn that does not exist.
    pub fn text(&self, turn: u32, session_id: &str) -> Result<Cow<'_, str>, RenderError> {
        let missing = || self.broken(turn, "there is no such message".into());
        let at = index(turn).ok_or_else(missing)?;
        match &self.script().content {
            Content::Rows { rows, .. } => {
                rows[self.row].turns.get(at).map(|text| Cow::Borrowed(&**text)).ok_or_else(missing)
            }
            Content::Inline(messages) => {
                let message = messages.get(at).ok_or_else(missing)?;
                match &self.plan.0.scripts[usize::from(self.kind)].templates[at] {
                    None => Ok(Cow::Borrowed(&message.text)),
                    Some(name) => self.render(name, turn, session_id).map(Cow::Owned),
                }
            }
        }
    }

    fn render(&self, name: &str, turn: u32, session_id: &str) -> Result<String, RenderError> {
        let parts = &self.plan.0;
        let feeds = self.feeds.iter().map(|(feed, row)| {
            let feed = &parts.feeds[*feed];
            (&*feed.name, template::row_value(&feed.rows[*row]))
        });
        let users = &parts.scenario.users;
        let identity = self.identity as usize;
        let context = template::context(
            template::user_value(identity, users.rows.get(identity), Some(&self.user_id)),
            template::session_value(self.number, &self.script().name, session_id),
            turn,
            template::map(feeds),
        );
        let rendered = parts.templates.get_template(name).and_then(|one| one.render(context));
        rendered.map_err(|error| self.broken(turn, template::sentence(&error)))
    }

    fn broken(&self, turn: u32, why: String) -> RenderError {
        RenderError { kind: Arc::from(self.script().name.as_str()), turn, why }
    }
}

/// Turns count from 1.
fn index(turn: u32) -> Option<usize> {
    Some(turn.checked_sub(1)? as usize)
}
