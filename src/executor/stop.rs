//! Stopping a run: once to drain, twice to cut.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// How far the stopping of a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopPhase {
    /// Turns are started as the plan says.
    #[default]
    Running,
    /// No turn is started any more; those on their way go on.
    Draining,
    /// Those on their way are cut.
    Cut,
}

/// The handle by which a run is stopped, from any thread.
#[derive(Debug, Clone)]
pub struct Stop {
    phase: watch::Sender<StopPhase>,
    /// The same for whoever only looks, many times a second.
    level: Arc<AtomicU8>,
    /// What is stopped with it.
    branches: Arc<Mutex<Vec<Stop>>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            phase: watch::Sender::new(StopPhase::Running),
            level: Arc::default(),
            branches: Arc::default(),
        }
    }
}

impl Stop {
    /// A run that is not being stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// The handle of a branch: it can be stopped alone, and is stopped with the whole.
    pub(super) fn branch(&self) -> Self {
        let branch = Self::new();
        self.branches.lock().unwrap_or_else(PoisonError::into_inner).push(branch.clone());
        // The whole may have been stopped before the branch was there.
        branch.advance(self.phase());
        branch
    }

    /// Starts no more turns and lets those on their way end.
    pub fn drain(&self) {
        self.advance(StopPhase::Draining);
    }

    /// Cuts what is on its way.
    pub fn cut(&self) {
        self.advance(StopPhase::Cut);
    }

    /// How far it has come.
    pub fn phase(&self) -> StopPhase {
        match self.level.load(Ordering::Acquire) {
            0 => StopPhase::Running,
            1 => StopPhase::Draining,
            _ => StopPhase::Cut,
        }
    }

    fn advance(&self, to: StopPhase) {
        // Before whoever waits is woken and looks.
        self.level.fetch_max(to as u8, Ordering::Release);
        self.phase.send_if_modified(|phase| {
            let further = to > *phase;
            *phase = (*phase).max(to);
            further
        });
        for branch in self.branches.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            branch.advance(to);
        }
    }

    /// Waits until the phase is at least `phase`.
    pub(super) async fn reached(&self, phase: StopPhase) {
        // It ends only when every sender is gone, and `self` is one.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }
}
