//! One scenario of a run, as the workers share it: most runs have one.

use std::sync::Arc;
use std::time::Duration;

use super::admission::{Admission, RequestQuota};
use super::loops::Numbers;
use super::stop::{Stop, StopPhase};
use super::warmup::WarmupEnd;
use crate::plan::Plan;
use crate::sample::Phase;
use crate::scenario::Scenario;
use crate::units::Offset;

/// A plan being carried out, and what its sessions hold together.
#[derive(Debug)]
pub(super) struct Strand {
    pub(super) plan: Plan,
    /// Its own: the end of its time is not that of the others. A run that is stopped stops it.
    pub(super) stop: Stop,
    pub(super) admission: Admission,
    pub(super) numbers: Numbers,
    pub(super) warmup: WarmupEnd,
    /// When no more of its turns are started, where its load is bounded by time.
    pub(super) load_end: Option<Offset>,
}

impl Strand {
    pub(super) fn new(plan: Plan, stop: Stop, quota: Option<Arc<RequestQuota>>) -> Self {
        let scenario = plan.scenario();
        Self {
            admission: Admission::new(&scenario.load, quota),
            numbers: Numbers::new(&scenario.users),
            warmup: WarmupEnd::new(scenario.warmup, plan.start()),
            load_end: plan.load_end(),
            stop,
            plan,
        }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        self.plan.scenario()
    }

    /// How long turns on their way may go on after the end of the load.
    pub(super) fn drain(&self) -> Duration {
        self.scenario().drain
    }

    /// Whether no more turns may be started because the run is being stopped.
    pub(super) fn stopping(&self) -> bool {
        self.stop.phase() > StopPhase::Running
    }

    /// Where in its time a turn belongs that was due at `intended` and ended at `ended`.
    pub(super) fn phase(&self, intended: Offset, ended: Offset) -> Phase {
        if self.warmup.covers(intended) {
            return Phase::Warmup;
        }
        let over = self.load_end.is_some_and(|end| ended > end);
        if over || self.stopping() { Phase::Drain } else { Phase::Steady }
    }
}
