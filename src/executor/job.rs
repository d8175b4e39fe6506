//! What a run is to do: the plan, and how it is to be carried out.

use std::sync::Arc;
use std::time::Duration;

use super::errand::Errands;
use crate::measure::Layout;
use crate::plan::Plan;
use crate::secret::Secret;
use crate::units::Offset;

/// A run to be carried out.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is to be done.
    pub plan: Arc<Plan>,
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
    /// When no more turns are started, where the load is bounded by time.
    pub fn load_end(&self) -> Option<Offset> {
        self.plan.scenario().load.duration().map(|time| Offset::ZERO + time)
    }

    /// How long turns on their way may go on after that.
    pub fn drain(&self) -> Duration {
        self.plan.scenario().drain
    }
}
