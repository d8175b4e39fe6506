//! Arguments that commands share: which scenario, and what is changed in it.

use std::path::PathBuf;

use clap::Args;

use crate::scenario::{self, Overrides, Problems, Scenarios, Surroundings};

/// Who is asked, and single fields of the scenario.
#[derive(Debug, Clone, Default, Args)]
pub struct TargetArgs {
    /// Ask this agent instead: a URL, or `embedded`
    #[arg(long, value_name = "URL", help_heading = "Target")]
    pub target: Option<String>,
    /// The API it speaks: lyzr-v2, lyzr-v3 or openai
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub protocol: Option<String>,
    /// The agent that answers
    #[arg(long, value_name = "ID", help_heading = "Target")]
    pub agent_id: Option<String>,
    /// Send a further header, as in -H 'x-team: search' (again for more)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", help_heading = "Target")]
    pub headers: Vec<String>,
    /// Connect to this address for the target's host, as in curl (again for more)
    #[arg(long, value_name = "HOST:PORT:ADDRESS", help_heading = "Target")]
    pub resolve: Vec<String>,
    /// Set one field of the scenario, as in --set sessions[0].weight=3 (again for more)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Everything random follows from this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// A scenario from a file or from a message, with what the command line changes.
#[derive(Debug, Clone, Default, Args)]
pub struct ScenarioArgs {
    /// The scenario file; - is standard input
    #[arg(value_name = "SCENARIO", required_unless_present = "message")]
    pub scenario: Option<PathBuf>,
    /// Send this message instead of a scenario's
    #[arg(
        short = 'm',
        long,
        value_name = "TEXT",
        conflicts_with = "scenario",
        allow_hyphen_values = true
    )]
    pub message: Option<String>,
    /// Who is asked, and single fields.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Sessions open at once
    #[arg(
        short = 'c',
        long,
        visible_alias = "vus",
        value_name = "N",
        allow_hyphen_values = true,
        help_heading = "Load"
    )]
    pub concurrency: Option<String>,
    /// A closed load for this long, as in 30s; with -r the open load's duration
    #[arg(
        short = 'z',
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        help_heading = "Load"
    )]
    pub duration: Option<String>,
    /// A closed load of this many sessions in all
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true, help_heading = "Load")]
    pub iterations: Option<String>,
    /// An open load: sessions arrive at this rate, as in 5/s
    #[arg(
        short = 'r',
        long,
        value_name = "RATE",
        allow_hyphen_values = true,
        help_heading = "Load"
    )]
    pub rate: Option<String>,
}

impl ScenarioArgs {
    /// What the command line changes.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            set: self.target.set.clone(),
            target: self.target.target.clone(),
            protocol: self.target.protocol.clone(),
            agent_id: self.target.agent_id.clone(),
            headers: self.target.headers.clone(),
            resolve: self.target.resolve.clone(),
            concurrency: self.concurrency.clone(),
            duration: self.duration.clone(),
            iterations: self.iterations.clone(),
            rate: self.rate.clone(),
        }
    }

    /// The checked scenarios and the seed.
    ///
    /// # Errors
    /// Everything that is wrong with the scenario or the flags, in order of place: exit code 2.
    pub fn load(&self, world: &dyn Surroundings) -> Result<(Scenarios, u64), Problems> {
        let overrides = self.overrides();
        let scenarios = match (&self.message, &self.scenario) {
            (Some(message), _) => scenario::from_message(message, &overrides, world)?.into(),
            (None, Some(path)) => scenario::read_file(path, &overrides, world)?,
            (None, None) => {
                return Err(scenario::Problem::new("there is no scenario")
                    .with_help("name a scenario file, or give a message with -m")
                    .into());
            }
        };
        Ok((scenarios, self.target.seed))
    }
}
