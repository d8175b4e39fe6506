//! What a scenario file says: one scenario, or several that are run together.

use std::time::Duration;

use super::model::Scenario;

/// The scenarios of a run. They have target, limits, thresholds and `stop_when` in common: those of
/// each are the same.
#[derive(Debug, Clone)]
pub struct Scenarios {
    /// What the run is called.
    pub name: String,
    /// Each of them; never empty.
    pub all: Vec<Together>,
    /// Whether the file lists them under `scenarios`, so that they are reported apart.
    pub listed: bool,
}

/// A scenario that is run with others.
#[derive(Debug, Clone)]
pub struct Together {
    /// How long after the beginning of the run it starts.
    pub start_after: Duration,
    /// What it does from then on; its name is unique in the file.
    pub scenario: Scenario,
}

impl Scenarios {
    /// What they have in common.
    pub fn shared(&self) -> &Scenario {
        &self.all[0].scenario
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Scenario> {
        self.all.iter().map(|one| &one.scenario)
    }

    /// The one there is; `None` where the file lists several.
    pub fn only(self) -> Option<Scenario> {
        let Self { all, listed: false, .. } = self else { return None };
        all.into_iter().next().map(|one| one.scenario)
    }
}

impl From<Scenario> for Scenarios {
    fn from(scenario: Scenario) -> Self {
        let name = scenario.name.clone();
        let alone = Together { start_after: Duration::ZERO, scenario };
        Self { name, all: vec![alone], listed: false }
    }
}
