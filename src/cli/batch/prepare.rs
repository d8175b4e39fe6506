//! Everything that can be refused is refused here, before anything is sent; and what an earlier leg
//! left is taken up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::asked::{Asked, fields, name_scenario, scenario};
use super::{Args, Refused, place};
use crate::agent::{self, Agent};
use crate::artifact::RunDirectory;
use crate::artifact::manifest::Manifest;
use crate::batch::{Account, Begin, Choice, FORMAT, Format, Input, Items, Record, Shape, absolute};
use crate::cli::exit::Exit;
use crate::cli::onlookers::{Onlookers, Wanted};
use crate::cli::run::prepare::{Kept, default_workers, manifest};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::protocol::Endpoint;
use crate::scenario::{Scenario, Surroundings, TargetUrl};

/// Most rows under way where the number is found out.
pub(super) const MOST: u32 = 256;

/// What there is to do.
pub(super) enum Ready {
    /// Nothing more.
    Over(Exit),
    /// A leg.
    Begin(Box<Prepared>),
}

/// A leg that is ready to begin.
pub(super) struct Prepared {
    pub(super) scenario: Scenario,
    pub(super) goes_on: bool,
    pub(super) input: Arc<Input>,
    pub(super) items: Items,
    /// The same once more, for csv results.
    pub(super) items_again: Items,
    pub(super) endpoint: Endpoint,
    pub(super) embedded: Option<Agent>,
    pub(super) directory: RunDirectory,
    pub(super) manifest: Manifest,
    pub(super) begin: Begin,
    pub(super) journal: Journal,
    pub(super) account: Account,
    pub(super) results: PathBuf,
    pub(super) shape: Shape,
    pub(super) workers: usize,
    /// From the origin of the first leg until now.
    pub(super) base: Duration,
    pub(super) onlookers: Onlookers,
}

/// Reads the prompts, finds the batch or makes one, and says what stands in the way.
pub(super) fn prepare(
    world: &dyn Surroundings,
    args: &Args,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Ready, Refused> {
    let Some(prompts) = &args.prompts else {
        return Err(Refused::usage(&"there are no prompts: name a file"));
    };
    // Found out before anything is made.
    args.stdout()?;
    let Asked { mut scenario, goes_on, expect } = scenario(world, args)?;
    let (input, rows) = Input::open(
        prompts,
        args.input_format,
        fields(args).map_err(|problem| Refused::usage(&problem))?,
        args.bad_rows,
        |record| args.where_.iter().all(|pair| record.word(&pair.0).as_ref() == Some(&pair.1)),
    )
    .map_err(|error| Refused::usage(&error))?;
    let choice = Choice {
        shard: args.shard.map(|part| (part.0, part.1)),
        sample: args.sample,
        head: args.head,
        seed: args.target.seed,
    };
    let rows = choice.choose(rows);
    let items = Items::new(&input, rows.clone(), args.repeat);
    if items.is_empty() {
        return Err(Refused::usage(&"the selection leaves no rows"));
    }
    name_scenario(&mut scenario, prompts, args, &input, world)?;
    if args.dry_run {
        return preview(args, &input, &items, &scenario, out);
    }
    let named = args.results_file();
    let key = absolute(named.unwrap_or(prompts));
    if named.is_none() && prompts.as_os_str() == "-" {
        return Err(Refused::usage(
            &"prompts from standard input need -o FILE: a batch is known by its results",
        ));
    }
    let api_key = scenario.key(world).map_err(|problem| Refused::usage(&problem))?;
    let Args { progress, quiet, color, prometheus, .. } = *args;
    let onlookers = Onlookers::new(Wanted { progress, quiet, color, prometheus }, world, err)?;
    let known = known(args, &key)?;
    let embedded = match scenario.target.url {
        TargetUrl::Embedded => Some(start_agent(args.target.seed)?),
        TargetUrl::Remote(_) => None,
    };
    let url = match (&scenario.target.url, &embedded) {
        (TargetUrl::Remote(url), _) => url.clone(),
        (TargetUrl::Embedded, agent) => agent.as_ref().map(Agent::base_url).unwrap_or_default(),
    };
    let endpoint =
        Endpoint::new(&url, &scenario.target, api_key).map_err(|error| Refused::usage(&error))?;
    let workers =
        args.workers.map_or_else(|| default_workers(std::iter::once(&scenario)), usize::from);
    let mut manifest = manifest(
        Kept::from(&scenario),
        &scenario.target,
        args.target.seed,
        &endpoint,
        embedded.is_some(),
        workers,
    );
    if let Some(sessions) = manifest.scenario.get_mut("sessions") {
        *sessions = serde_json::json!([{ "name": "rows", "from": prompts.display().to_string() }]);
    }
    let shape = args.output_format.unwrap_or_else(|| match named.map(Path::extension) {
        Some(Some(end)) if end.eq_ignore_ascii_case("csv") => Shape::Csv,
        _ => Shape::Native,
    });
    let mut begin = begin(args, prompts, &input, &items, &scenario, &manifest);
    if let Some(digest) = expect {
        // Only where it is given: batches of earlier versions do not know of it.
        begin.facts.push(("--expect".into(), format!("sha256 {digest}")));
    }
    let (directory, journal, account) = match known {
        None => make(args, &key, &manifest, &mut begin, shape)?,
        Some(path) => {
            let (directory, journal, account) = take_up(&path)?;
            if let Some(old) = account.begin() {
                let differences = old.differences(&begin);
                if !differences.is_empty() {
                    return Err(Refused::usage(&format!(
                        "the batch in {} is another one:\n  {}\nGive the command as it was, name other results with -o, or begin anew with --fresh.",
                        path.display(),
                        differences.join("\n  ")
                    )));
                }
                begin = old.clone();
                manifest.id.clone_from(&begin.run_id);
            }
            (directory, journal, account)
        }
    };
    let results = PathBuf::from(&begin.results);
    let finished = account.is_finished();
    let now = Clock::start().wall_origin();
    let first = account.legs().first().map(|millis| Duration::from_millis(*millis));
    let prepared = Prepared {
        items_again: Items::new(&input, rows, args.repeat),
        input: Arc::new(input),
        goes_on,
        scenario,
        items,
        endpoint,
        embedded,
        directory,
        manifest,
        begin,
        journal,
        account,
        results,
        shape,
        workers,
        base: first.map_or(Duration::ZERO, |first| now.saturating_sub(first)),
        onlookers,
    };
    if finished {
        return super::conclude::finished_before(args, prepared, out, err).map(Ready::Over);
    }
    if prepared.account.finished() > 0 || !prepared.account.unfinished().is_empty() {
        let _ = writeln!(err, "Going on: {}.", prepared.account.words());
    }
    Ok(Ready::Begin(Box::new(prepared)))
}

fn start_agent(seed: u64) -> Result<Agent, Refused> {
    let options = agent::Options { seed, ..agent::Options::default() };
    agent::start(([127, 0, 0, 1], 0).into(), options, Clock::start())
        .map_err(|error| Refused::broken(&error))
}

/// The run directory to go on with.
fn known(args: &Args, key: &Path) -> Result<Option<PathBuf>, Refused> {
    if args.fresh {
        return Ok(None);
    }
    if let Some(Some(directory)) = &args.resume {
        if directory.join(place::JOURNAL).is_file() {
            return Ok(Some(directory.clone()));
        }
        if directory.exists() {
            return Err(Refused::usage(&format!(
                "{} is no directory of a batch: there is no journal in it",
                directory.display()
            )));
        }
    }
    Ok(place::find(&args.out, key))
}

fn begin(
    args: &Args,
    prompts: &Path,
    input: &Input,
    items: &Items,
    scenario: &Scenario,
    manifest: &Manifest,
) -> Begin {
    let mut facts = Vec::new();
    let mut fact = |name: &str, said: String| facts.push((name.to_owned(), said));
    if let Some(target) = manifest.scenario.get("target").and_then(|target| target.as_object()) {
        for name in ["url", "protocol", "framing", "agent_id"] {
            let said = target.get(name).and_then(|value| value.as_str()).unwrap_or("");
            fact(&format!("target {name}"), format!("`{said}`"));
        }
    }
    fact("input", format!("{} rows, sha256 {}", input.len(), input.sha256()));
    fact("input format", input.format().name().to_owned());
    fact("rows to be asked", items.len().to_string());
    let fields: Vec<String> =
        args.map.iter().map(|one| format!("{:?}={}", one.role, one.field).to_lowercase()).collect();
    fact("--map", format!("`{}`", fields.join(",")));
    fact("--message", args.message.as_ref().map_or("none".into(), |text| format!("`{text}`")));
    fact("--session-field", args.session_field.clone().unwrap_or_else(|| "none".into()));
    fact("--session-ids", format!("{:?}", args.session_ids).to_lowercase());
    let wheres: Vec<String> =
        args.where_.iter().map(|pair| format!("{}={}", pair.0, pair.1)).collect();
    let number = |of: Option<u32>| of.map_or("all".to_owned(), |count| count.to_string());
    let part = args.shard.map_or("all".to_owned(), |part| format!("{}/{}", part.0, part.1));
    let drawn = match args.sample {
        Some(count) => format!("{count} (seed {})", args.target.seed),
        None => "all".into(),
    };
    fact(
        "selection",
        format!(
            "where [{}], shard {part}, sample {drawn}, head {}, repeat {}",
            wheres.join(" "),
            number(args.head),
            args.repeat
        ),
    );
    Begin {
        format: FORMAT,
        run_id: manifest.id.clone(),
        items: items.len(),
        facts,
        input: absolute(prompts).display().to_string(),
        input_format: input.format().name().to_owned(),
        results: String::new(),
        kinds: scenario.sessions.iter().map(|session| session.name.clone()).collect(),
        name: scenario.name.clone(),
    }
}

/// Makes a batch that was not there.
fn make(
    args: &Args,
    key: &Path,
    manifest: &Manifest,
    begin: &mut Begin,
    shape: Shape,
) -> Result<(RunDirectory, Journal, Account), Refused> {
    let broken = |error: &dyn std::fmt::Display| Refused::broken(error);
    if let Some(results) = args.results_file()
        && !args.fresh
        && std::fs::metadata(results).is_ok_and(|file| file.len() > 0)
    {
        return Err(Refused::usage(&format!(
            "{} is there already, and is not the result of a batch in {}: move it away, name another file, or write over it with --fresh",
            results.display(),
            args.out.display()
        )));
    }
    let directory =
        RunDirectory::create(&args.out, &manifest.id).map_err(|error| broken(&error))?;
    let results = match args.results_file() {
        Some(results) => absolute(results),
        None => {
            let name = if shape == Shape::Csv { "results.csv" } else { "results.jsonl" };
            absolute(directory.path()).join(name)
        }
    };
    begin.results = results.display().to_string();
    let mut journal =
        Journal::create(&directory.path().join(place::JOURNAL)).map_err(|error| broken(&error))?;
    let record = Record::Begin(Box::new(begin.clone()));
    journal.append(&record.payload()).map_err(|error| broken(&error))?;
    let mut account = Account::default();
    account.add(record).map_err(|error| broken(&error))?;
    place::remember(&args.out, key, &manifest.id)?;
    directory.point_latest();
    Ok((directory, journal, account))
}

/// Takes up a batch that is there.
pub(super) fn take_up(path: &Path) -> Result<(RunDirectory, Journal, Account), Refused> {
    let directory = RunDirectory::open(path).map_err(|error| Refused::usage(&error))?;
    let mut account = Account::default();
    let journal =
        Journal::open(&path.join(place::JOURNAL), |_, payload| account.add(Record::read(payload)?))
            .map_err(|error| Refused::usage(&error))?;
    if account.begin().is_none() {
        return Err(Refused::usage(&format!(
            "the journal in {} was cut before its first record: begin anew with --fresh",
            path.display()
        )));
    }
    Ok((directory, journal, account))
}

fn preview(
    args: &Args,
    input: &Input,
    items: &Items,
    scenario: &Scenario,
    out: &mut dyn Write,
) -> Result<Ready, Refused> {
    let (row, _) = items.row(0);
    let mut text = format!(
        "{} rows of {} ({}), {} to be asked\n",
        input.len(),
        args.prompts.as_deref().unwrap_or(Path::new("-")).display(),
        input.format().name(),
        items.len()
    );
    if let Format::Csv = input.format() {
        text.push_str(&format!("columns: {}\n", input.columns().join(", ")));
    }
    let target = match &scenario.target.url {
        TargetUrl::Embedded => "embedded",
        TargetUrl::Remote(_) => &scenario.target.written.url,
    };
    text.push_str(&format!("target: {target}, agent {}\n", scenario.target.agent_id));
    if let Ok((id, prompt)) = input.prompt(row) {
        for (number, turn) in prompt.turns.iter().enumerate() {
            text.push_str(&format!("first row {id}, turn {}: {turn}\n", number + 1));
        }
    }
    text.push_str("Nothing was sent.\n");
    out.write_all(text.as_bytes()).map_err(|error| Refused::broken(&error))?;
    Ok(Ready::Over(Exit::Done))
}
