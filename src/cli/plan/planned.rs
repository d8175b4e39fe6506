//! Everything a file plans: one scenario, or several that are run together.

use serde_json::{Value, json};

use super::preview::{Key, Preview, Size, key};
use crate::plan::Plan;
use crate::scenario::{Scenario, Scenarios, Surroundings};
use crate::units::Offset;

/// What a file plans, summed up.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) fingerprint: String,
    /// Whether the file lists its scenarios.
    pub(super) listed: bool,
    pub(super) key: Key,
    resolved: Value,
    pub(super) plans: Vec<(Plan, Preview)>,
}

impl Planned {
    /// Sums up what `scenarios` plan; `Err` where the first requests cannot be made.
    pub(super) fn new(
        scenarios: Scenarios,
        seed: u64,
        world: &dyn Surroundings,
    ) -> Result<Self, String> {
        let key = key(scenarios.shared(), world);
        let (name, listed) = (scenarios.name.clone(), scenarios.listed);
        let (fingerprint, resolved) = (scenarios.fingerprint(), scenarios.resolved());
        let previewed = |plan: Plan| {
            let preview = Preview::of(&plan, world)?;
            Ok((plan, preview))
        };
        let plans = Plan::together(scenarios, seed).into_iter().map(previewed);
        let plans = plans.collect::<Result<_, String>>()?;
        Ok(Self { name, seed, fingerprint, listed, key, resolved, plans })
    }

    /// What the scenarios have in common.
    pub(super) fn shared(&self) -> &Scenario {
        self.plans[0].0.scenario()
    }

    /// What is worth knowing before it is run; each with its scenario, where they are listed.
    pub(super) fn notes(&self) -> Vec<String> {
        let missing = match &self.key {
            Key::Missing(why) => Some(format!("{why}: `run` would stop here with exit code 2")),
            _ => None,
        };
        let own = self.plans.iter().flat_map(|(plan, preview)| {
            preview.notes.iter().map(|note| match self.listed {
                true => format!("{}: {note}", plan.scenario().name),
                false => note.clone(),
            })
        });
        missing.into_iter().chain(own).collect()
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        let mut whole = json!({
            "format": 1,
            "name": self.name,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "scenario": self.resolved,
            "notes": self.notes(),
        });
        match self.plans.as_slice() {
            [(plan, preview)] if !self.listed => whole["plan"] = preview.json(plan),
            plans => {
                let scenarios = plans.iter().map(|(plan, preview)| {
                    json!({
                        "name": plan.scenario().name,
                        "start_s": plan.start().as_secs_f64(),
                        "plan": preview.json(plan),
                    })
                });
                whole["scenarios"] = scenarios.collect();
                whole["plan"] = self.sum();
            }
        }
        whole
    }

    /// What the scenarios come to together.
    fn sum(&self) -> Value {
        let sizes: Vec<Size> = self.plans.iter().map(|(_, preview)| preview.size).collect();
        let all = |of: fn(&Size) -> Option<u64>| sizes.iter().map(of).sum::<Option<u64>>();
        let ends = self.plans.iter().map(|(plan, _)| plan.load_end());
        let last = ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
        json!({
            "exact": sizes.iter().all(|size| matches!(size, Size::Exact { .. })),
            "sessions": all(Size::sessions),
            "turns": all(Size::turns),
            "duration_s": last.map(Offset::as_secs_f64),
        })
    }
}
