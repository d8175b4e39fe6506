//! What a batch asks of whom, from the command line and, where one is given, a scenario.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::options::{Concurrency, Role};
use super::prepare::MOST;
use super::{Args, Refused};
use crate::batch::{Fields, Input};
use crate::expect::Expectations;
use crate::scenario::{
    self, History, Load, OnError, Overrides, Problem, RowTemplate, Scenario, Surroundings, Warmup,
};
use crate::units::Rate;

/// Of whom is asked, and how.
pub(super) struct Asked {
    /// Target, limits and thresholds.
    pub(super) scenario: Scenario,
    /// A session goes on after a row that failed.
    pub(super) goes_on: bool,
    /// Digest of the file of `--expect`.
    pub(super) expect: Option<String>,
}

/// Reads the scenario and what the command line changes in it.
pub(super) fn scenario(world: &dyn Surroundings, args: &Args) -> Result<Asked, Refused> {
    let count = match args.concurrency {
        Concurrency::Fixed(count) => count,
        Concurrency::Auto => MOST,
    };
    let target = &args.target;
    let overrides = Overrides {
        set: target.set.clone(),
        target: target.target.clone(),
        protocol: target.protocol.clone(),
        agent_id: target.agent_id.clone(),
        headers: target.headers.clone(),
        resolve: target.resolve.clone(),
        ..Overrides::default()
    };
    let scenario = match &args.scenario {
        Some(path) => scenario::load_file(path, &overrides, world),
        None if target.target.is_none() => {
            return Err(Refused::usage(
                &"the prompts go to nobody: add --target URL, --target embedded for the embedded agent, or --scenario FILE",
            ));
        }
        None => {
            let concurrency = Some(count.to_string());
            scenario::from_message("-", &Overrides { concurrency, ..overrides }, world)
        }
    };
    let mut scenario = scenario.map_err(|problems| Refused::usage(&problems))?;
    if scenario.target.history == History::Recorded {
        return Err(Refused::usage(
            &"error: a batch has no recorded answers to send along\n  = help: write `history: live` or \
             `none`, or use `streamgauge run` with the file as sessions",
        ));
    }
    let expect = args.expect.as_deref().map(|path| expected(world, path)).transpose()?;
    let expect = expect.map(|(asked, digest)| {
        let all = scenario.expect.iter().chain(asked.iter()).cloned();
        scenario.expect = Expectations::new(all.collect());
        digest
    });
    let goes_on = scenario.on_error == OnError::Continue;
    scenario.load = Load::Once { concurrency: count };
    scenario.warmup = Warmup::default();
    scenario.on_error = OnError::EndSession;
    scenario.limits.retries = 0;
    // What was said of kinds of session is said of none that are here.
    scenario.thresholds.retain(|one| one.selection.kind.is_none());
    if let Some(rate) = args.rate.or(args.rpm.map(|rpm| Rate::per_second(f64::from(rpm) / 60.0))) {
        scenario.limits.requests = Some(rate);
    }
    Ok(Asked { scenario, goes_on, expect })
}

/// What every answer has to be, from a file of its own, and the digest of that file.
fn expected(world: &dyn Surroundings, path: &Path) -> Result<(Expectations, String), Refused> {
    let label = path.display().to_string();
    let unread =
        |why: &str| Refused::usage(&format!("the expectations {label} cannot be read: {why}"));
    let text = String::from_utf8(world.read(path).map_err(|why| unread(&why))?);
    let text = text.map_err(|_| unread("it is not UTF-8"))?;
    let all =
        scenario::expectations(&label, &text).map_err(|problems| Refused::usage(&problems))?;
    let digest = Sha256::digest(text.as_bytes());
    Ok((all, digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Puts the rows in the place of the scenario's sessions: their content is part of the fingerprint.
pub(super) fn name_scenario(
    scenario: &mut Scenario,
    prompts: &Path,
    args: &Args,
    input: &Input,
    world: &dyn Surroundings,
) -> Result<(), Refused> {
    let content = format!(
        "{} {:?} {:?} {:?} {} {:?} {:?}",
        input.sha256(),
        args.message,
        args.map,
        args.shard,
        args.repeat,
        (args.sample, args.head),
        args.where_
    );
    let content: String = content.bytes().map(|byte| format!("{byte:02x}")).collect();
    let embedded = Overrides { target: Some("embedded".into()), ..Overrides::default() };
    let stub = scenario::from_message(&content, &embedded, world)
        .map_err(|problems| Refused::usage(&problems))?;
    scenario.sessions = stub.sessions;
    for session in &mut scenario.sessions {
        session.name = "rows".into();
    }
    if args.scenario.is_none() {
        let stem = prompts.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        scenario.name = stem.filter(|stem| stem != "-").unwrap_or_else(|| "batch".into());
    }
    Ok(())
}

pub(super) fn fields(args: &Args) -> Result<Fields, Problem> {
    let mut fields = Fields { session: args.session_field.clone(), ..Fields::default() };
    for mapping in &args.map {
        let place = match mapping.role {
            Role::Message => &mut fields.message,
            Role::Id => &mut fields.id,
            Role::Session => &mut fields.session,
            Role::Expect => &mut fields.expect,
            Role::Vars => &mut fields.vars,
        };
        *place = Some(mapping.field.clone());
    }
    if let Some(text) = &args.message {
        if fields.message.is_some() {
            return Err(Problem::new("--message and --map message= both say what is sent")
                .with_help("leave one of them out"));
        }
        fields.template = Some(RowTemplate::new(text)?);
    }
    Ok(fields)
}
