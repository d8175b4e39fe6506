//! Stopping a run: once to drain, twice to cut.

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
pub struct Stop(watch::Sender<StopPhase>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(StopPhase::Running))
    }
}

impl Stop {
    /// A run that is not being stopped.
    pub fn new() -> Self {
        Self::default()
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
        *self.0.borrow()
    }

    fn advance(&self, to: StopPhase) {
        self.0.send_if_modified(|phase| {
            let further = to > *phase;
            *phase = (*phase).max(to);
            further
        });
    }

    /// Waits until the phase is at least `phase`.
    pub(super) async fn reached(&self, phase: StopPhase) {
        // It ends only when every sender is gone, and `self` is one.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }
}
