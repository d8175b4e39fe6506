//! Everything that can be refused is refused here, before a directory is made or a byte is sent.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::against::Baseline;
use super::room::too_little_room;
use super::{Args, Refused};
use crate::agent::{self, Agent};
use crate::artifact::RunDirectory;
use crate::artifact::manifest::{FORMAT, Manifest, RunState, TargetFacts, path_stamp, rfc3339};
use crate::calibration::Calibration;
use crate::cli::calibrate::place;
use crate::cli::ci;
use crate::cli::command_line;
use crate::cli::exit::Exit;
use crate::cli::onlookers::Onlookers;
use crate::client::transport_of;
use crate::clock::Clock;
use crate::executor::Job;
use crate::machine;
use crate::measure::{Goal, Layout};
use crate::plan::Plan;
use crate::protocol::Endpoint;
use crate::scenario::{Load, Scenario, Scenarios, Surroundings, Target, TargetUrl};
use crate::secret::{Secret, is_key_like};

/// A run that is ready to begin.
pub(super) struct Prepared {
    pub(super) job: Job,
    /// Whether its scenarios are listed, and reported apart.
    pub(super) listed: bool,
    pub(super) endpoint: Endpoint,
    pub(super) directory: RunDirectory,
    pub(super) manifest: Manifest,
    /// Kept for the length of the run.
    pub(super) embedded: Option<Agent>,
    pub(super) onlookers: Onlookers,
    /// The last of this machine, or the one that was named.
    pub(super) calibration: Option<Calibration>,
}

/// Reads the scenario, finds the key, starts the embedded agent, and makes the run directory.
pub(super) fn prepare(
    world: &dyn Surroundings,
    args: &Args,
    baseline: Option<&Baseline>,
    err: &mut dyn Write,
) -> Result<Prepared, Refused> {
    let usage = |why: String| Refused { exit: Exit::Usage, why };
    let (scenarios, seed) =
        args.scenario.load(world).map_err(|problems| usage(problems.to_string()))?;
    for note in scenarios.iter().filter_map(|one| one.load.note()).filter(|_| !args.quiet) {
        let _ = writeln!(err, "note: {note}");
    }
    let calibration = place::read(args.calibration.as_deref(), world)
        .map_err(|why| usage(format!("error: {why}")))?;
    let shared = scenarios.shared();
    let key = shared.key(world).map_err(|problem| usage(problem.to_string()))?;
    let embedded = match shared.target.url {
        TargetUrl::Embedded => Some(start_agent(seed)?),
        TargetUrl::Remote(_) => None,
    };
    let url = match (&shared.target.url, &embedded) {
        (TargetUrl::Remote(url), _) => url.clone(),
        (TargetUrl::Embedded, Some(agent)) => agent.base_url(),
        (TargetUrl::Embedded, None) => String::new(),
    };
    let endpoint = Endpoint::new(&url, &shared.target, key)
        .map_err(|error| usage(format!("error: {error}")))?;
    let workers = args.workers.map_or_else(|| default_workers(scenarios.iter()), usize::from);
    let most = most_on_the_wire(scenarios.iter());
    if let Some(warning) = too_little_room(most, embedded.is_some(), machine::raise_descriptors()) {
        let _ = writeln!(err, "{warning}");
    }
    let kept = Kept::from(&scenarios);
    let mut manifest = manifest(kept, &shared.target, seed, &endpoint, embedded.is_some(), workers);
    if let Some(git) = manifest.git.as_mut().filter(|git| git.branch.is_none()) {
        git.branch = ci::branch(world);
    }
    baseline.map_or(Ok(()), |baseline| baseline.check(&manifest))?;
    let onlookers = Onlookers::new(args.onlookers(), world, err)?;
    let directory = make_directory(args, &manifest)?;
    if args.verbose {
        let _ = writeln!(err, "run {} in {}", manifest.id, directory.path().display());
        let _ = writeln!(err, "asking {} from {workers} worker threads", endpoint.url);
    }
    let listed = scenarios.listed;
    let plans = Plan::together(scenarios, seed);
    let job = Job {
        run_id: manifest.id.as_str().into(),
        workers,
        layout: Arc::new(layout(&plans)),
        record: args.record(),
        secrets: secrets(&endpoint),
        errands: None,
        plans,
    };
    Ok(Prepared { job, listed, endpoint, directory, manifest, embedded, onlookers, calibration })
}

/// What a target may repeat when it refuses us, and no file may hold.
pub(in crate::cli) fn secrets(endpoint: &Endpoint) -> Vec<Secret> {
    let key = endpoint.key.iter().map(|(_, key)| key.clone());
    let headers = endpoint.headers.iter().filter(|(name, _)| is_key_like(name));
    key.chain(headers.map(|(_, value)| Secret::new(value.clone()))).collect()
}

fn start_agent(seed: u64) -> Result<Agent, Refused> {
    let options = agent::Options { seed, ..agent::Options::default() };
    agent::start(([127, 0, 0, 1], 0).into(), options, Clock::start())
        .map_err(|error| Refused::broken(&error))
}

/// One processor is left to the rest of the machine (and to the embedded agent); more threads than
/// turns that can be on the wire have nothing to do.
pub(in crate::cli) fn default_workers<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> usize {
    machine::cpus().saturating_sub(1).min(most_on_the_wire(scenarios) as usize).max(1)
}

/// The most turns that can be on the wire at once; [`u32::MAX`] where nothing bounds them.
fn most_on_the_wire<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> u32 {
    let most = scenarios.map(|scenario| match scenario.load {
        Load::Once { concurrency: most } | Load::Closed { users: most, .. } => most,
        Load::Open { max_in_flight, .. } | Load::Replay { max_in_flight, .. } => {
            max_in_flight.unwrap_or(u32::MAX)
        }
    });
    most.fold(0, u32::saturating_add)
}

/// The series of a run of these plans. Thresholds and rules are the same in each.
pub(in crate::cli) fn layout(plans: &[Plan]) -> Layout {
    let goal = |plan: &Plan| {
        let slo = plan.scenario().slo;
        (plan.kinds().len(), Goal { ttfc: slo.ttfc, total: slo.total })
    };
    let shared = plans.first().map(Plan::scenario);
    let thresholds = shared.iter().flat_map(|shared| {
        shared.thresholds.iter().chain(shared.stop_when.iter().map(|rule| &rule.condition))
    });
    Layout::together(plans.iter().map(goal), thresholds.map(|threshold| threshold.selection))
}

/// What `run.json` keeps of what was asked.
pub(in crate::cli) struct Kept {
    name: String,
    scenario: serde_json::Value,
    fingerprint: String,
}

impl From<&Scenario> for Kept {
    fn from(one: &Scenario) -> Self {
        Self { name: one.name.clone(), scenario: one.resolved(), fingerprint: one.fingerprint() }
    }
}

impl From<&Scenarios> for Kept {
    fn from(all: &Scenarios) -> Self {
        Self { name: all.name.clone(), scenario: all.resolved(), fingerprint: all.fingerprint() }
    }
}

pub(in crate::cli) fn manifest(
    kept: Kept,
    target: &Target,
    seed: u64,
    endpoint: &Endpoint,
    embedded: bool,
    workers: usize,
) -> Manifest {
    let now = Clock::start().wall_origin();
    Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        id: name_directory(&kept.name, now),
        name: kept.name,
        state: RunState::Running,
        scenario: kept.scenario,
        seed,
        command: Some(command_line::kept(&["--fresh"])),
        fingerprint: kept.fingerprint,
        target: TargetFacts {
            url: if embedded { endpoint.url.clone() } else { target.written.url.clone() },
            embedded,
            protocol: target.protocol.to_string(),
            agent_id: target.written.agent_id.clone(),
            with_key: endpoint.key.is_some(),
        },
        transport: transport_of(&endpoint.connections).to_string(),
        workers,
        git: machine::git(),
        machine: machine::machine(),
        started_at: rfc3339(now),
        ended_at: None,
        counts: None,
        health: None,
        validity: None,
    }
}

/// What a directory is called that is made now: never the same twice.
pub(super) fn name_directory(name: &str, now: Duration) -> String {
    let chance: u32 = rand::rng().random();
    format!("{}_{}_{chance:08x}", path_stamp(now), slug(name))
}

/// The directory is called as the run is.
fn make_directory(args: &Args, manifest: &Manifest) -> Result<RunDirectory, Refused> {
    let directory = RunDirectory::create(&args.out, &manifest.id);
    let directory = directory.map_err(|error| Refused::broken(&error))?;
    // Written now as well: of a run that is killed this stays, and says that it was.
    directory.json("run.json", manifest).map_err(|error| Refused::broken(&error))?;
    Ok(directory)
}

/// A name as it can stand in a path and in a session id.
fn slug(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(
            |letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' },
        )
        .collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let mut slug = parts.join("-");
    slug.truncate(40);
    if slug.is_empty() { "run".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_part_of_a_path() {
        assert_eq!(slug("Support desk/№ 3"), "support-desk-3");
        assert_eq!(slug("../../etc"), "etc");
        assert_eq!(slug("…"), "run");
    }
}
