//! What a run is to do: the plan, and how it is to be carried out.

use std::sync::Arc;
use std::time::Duration;

use super::errand::Errands;
use crate::measure::Layout;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::secret::Secret;
use crate::units::Offset;

/// A run to be carried out.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is to be done: a plan for each scenario that is run; never empty. Their scenarios have
    /// target and limits in common.
    pub plans: Vec<Plan>,
    /// Fresh session ids are this and the session's number, so that they are never equal across
    /// runs: agents remember sessions.
    pub run_id: Arc<str>,
    /// How many threads carry it out; at least 1.
    pub workers: usize,
    /// Which series of figures are kept.
    pub layout: Arc<Layout>,
    /// What is kept of what was said.
    pub record: Record,
    /// What may stand in no message: the key, and the values of headers like one.
    pub secrets: Vec<Secret>,
    /// Hands out the sessions of a load of everything once, in place of the plan.
    pub errands: Option<Arc<dyn Errands>>,
}

/// What is kept of what was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Record {
    /// Nothing.
    #[default]
    Nothing,
    /// Messages and answers.
    Answers,
    /// Also when each chunk came.
    Chunks,
}

impl Job {
    /// What the scenarios of the run have in common: target and limits.
    pub fn shared(&self) -> &Scenario {
        self.plans[0].scenario()
    }

    /// When no more turns are started, where every load is bounded by time.
    pub fn load_end(&self) -> Option<Offset> {
        let ends = self.plans.iter().map(Plan::load_end).collect::<Option<Vec<Offset>>>();
        ends.and_then(|ends| ends.into_iter().max())
    }

    /// The longest that turns on their way may go on after the end of their load.
    pub fn drain(&self) -> Duration {
        self.plans.iter().map(|plan| plan.scenario().drain).max().unwrap_or_default()
    }

    /// How many turns there will be, where their number ends every load.
    pub fn turn_count(&self) -> Option<u64> {
        let bounded = |plan: &Plan| plan.turn_count().filter(|_| plan.load_end().is_none());
        self.plans.iter().map(bounded).sum()
    }

    /// Names of the session kinds, by the number that samples have.
    pub fn kind_names(&self) -> Vec<String> {
        let kinds = self.plans.iter().flat_map(Plan::kinds);
        kinds.map(|kind| kind.name.to_string()).collect()
    }
}
