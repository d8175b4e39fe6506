//! The ways in: a scenario's text, its file, or a single message from the command line.

use std::path::Path;

use super::super::checker::{Checker, Fields};
use super::super::document::{Node, SyntaxProblem, Value, parse};
use super::super::fields::{SCENARIO, names};
use super::super::model::{History, Limits, Scenario, StopRule, Target};
use super::super::overrides::{Overrides, apply, from_flag};
use super::super::problem::{Problem, Problems};
use super::super::surroundings::Surroundings;
use super::super::together::{Scenarios, Together};
use super::Reading;
use super::together::ReadEntry;
use crate::threshold::{Named, Threshold};

const FIELDS: [&str; SCENARIO.len()] = names(SCENARIO);

/// Reads what a file says; `-` is standard input. Paths in it count from its folder.
///
/// # Errors
/// Everything that is wrong with it, in order of place.
pub fn read_file(
    path: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenarios, Problems> {
    let label = if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() };
    let bytes = world.read(path).map_err(|why| {
        Problem::new(format!("the scenario {label} cannot be read: {why}"))
            .with_help("give the path of a scenario file, or a message with -m")
    })?;
    let text = super::super::rows::text(&label, &bytes)?;
    read(&label, text, path.parent().unwrap_or(Path::new("")), overrides, world)
}

/// Reads the one scenario of a file, as [`read_file`].
///
/// # Errors
/// As there, and that the file lists several.
pub fn load_file(
    path: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenario, Problems> {
    only(read_file(path, overrides, world)?)
}

/// Reads the one scenario of a text, as [`read`].
///
/// # Errors
/// As there, and that the text lists several.
pub fn load(
    label: &str,
    text: &str,
    base_dir: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenario, Problems> {
    only(read(label, text, base_dir, overrides, world)?)
}

fn only(scenarios: Scenarios) -> Result<Scenario, Problems> {
    let name = scenarios.name.clone();
    scenarios.only().ok_or_else(|| {
        Problem::new(format!("`{name}` lists `scenarios`, and only one can be used here"))
            .with_help("`streamgauge run` and `plan` take several; give a file without `scenarios`")
            .into()
    })
}

/// Reads what a scenario file says from its text. `label` is what problems call it; its stem is the name of a
/// scenario without one. Paths in it count from `base_dir`.
///
/// # Errors
/// Everything that is wrong with it, in order of place.
pub fn read(
    label: &str,
    text: &str,
    base_dir: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenarios, Problems> {
    let mut checker = Checker::new();
    let source = checker.add_source(label, text, false);
    let mut root = match parse(source, text, 0) {
        Ok(root) => root,
        Err(SyntaxProblem { problem, place }) => {
            checker.note(&place, problem);
            return Err(checker.into_problems());
        }
    };
    if matches!(root.value, Value::Empty) {
        checker.note(
            &root.place,
            Problem::new("the scenario is empty").with_help("it needs `target` and `sessions`"),
        );
        return Err(checker.into_problems());
    }
    apply(overrides, &mut root, &mut checker);
    let stem = Path::new(label).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| "scenario".into());
    scenarios(&root, &name, Reading { checker, world, base_dir, recorded: false })
}

/// A scenario without a file: one session of one message, once for each of `-c` users.
///
/// # Errors
/// Everything that is wrong with the flags.
pub fn from_message(
    text: &str,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenario, Problems> {
    let mut checker = Checker::new();
    let message = from_flag("-m", text, &mut checker);
    let place = message.place.clone();
    let node = |value| Node { value, place: place.clone(), key_place: None };
    let map = |key: &str, value: Node| node(Value::Map(vec![(key.to_owned(), value)]));
    let session = map("messages", node(Value::List(vec![message])));
    let one = Node::word("1", place.clone());
    let mut root = node(Value::Map(vec![
        ("sessions".into(), node(Value::List(vec![session]))),
        ("load".into(), map("once", map("concurrency", one))),
    ]));
    apply(overrides, &mut root, &mut checker);
    if root.get("target").and_then(|target| target.get("url")).is_none() {
        checker.note_anywhere(
            Problem::new("-m sends to nobody: there is no --target")
                .with_help("add --target URL, or --target embedded for the embedded agent"),
        );
        return Err(checker.into_problems());
    }
    let base_dir = Path::new("");
    only(scenarios(&root, "message", Reading { checker, world, base_dir, recorded: false })?)
}

/// What the scenarios of a run have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) limits: Limits,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) stop_when: Vec<StopRule>,
}

fn scenarios(root: &Node, default_name: &str, mut r: Reading<'_>) -> Result<Scenarios, Problems> {
    let read = r.whole_file(root, default_name);
    match read {
        Some(scenarios) if r.checker.is_clean() => Ok(scenarios),
        _ => {
            if r.checker.is_clean() {
                // Every reader that gives up says why; should one not, this is still better than
                // silence.
                r.checker.note_anywhere(Problem::new("the scenario cannot be read"));
            }
            Err(r.checker.into_problems())
        }
    }
}

impl Reading<'_> {
    fn whole_file(&mut self, root: &Node, default_name: &str) -> Option<Scenarios> {
        let fields = self.checker.fields(root, "", &FIELDS)?;
        let listed = fields.get("scenarios");
        if fields.get("target").is_none() {
            let problem = Problem::new("the scenario has no `target`")
                .with_help("say who is asked: `target: { url: embedded }`, or give --target");
            self.checker.missing(fields, "target", problem);
        }
        let name = match fields.get("name") {
            Some(node) => self.name(node),
            None => Some(default_name.to_owned()),
        };
        let target = fields.get("target").and_then(|node| self.target(node));
        self.recorded = target.as_ref().is_some_and(|one| one.history == History::Recorded);
        let limits = match fields.get("limits") {
            Some(node) => self.limits(node),
            None => Some(Limits::default()),
        };
        let Some(list) = listed else {
            if fields.get("sessions").is_none() {
                let problem = Problem::new("the scenario has no `sessions`")
                    .with_help("say what is asked: `sessions: [{ messages: [\"Hello!\"] }]`");
                self.checker.missing(fields, "sessions", problem);
            }
            let read = self.own(fields);
            let kinds = read.kinds.as_deref();
            let named = kinds.map(|kinds| vec![Named { scenario: name.as_deref(), kinds }]);
            let (thresholds, stop_when) = self.holds(fields, named.as_deref());
            let shared = Shared {
                target: target?,
                limits: limits?,
                thresholds: thresholds?,
                stop_when: stop_when?,
            };
            return Some(read.own?.into_scenario(name?, shared).into());
        };
        let entries = self.entries(list, fields)?;
        let read = self.read_entries(&entries, list, fields.get("data"));
        let named: Option<Vec<Named<'_, String>>> = read
            .iter()
            .map(|one| {
                Some(Named {
                    scenario: Some(one.name.as_deref()?),
                    kinds: one.read.kinds.as_deref()?,
                })
            })
            .collect();
        let (thresholds, stop_when) = self.holds(fields, named.as_deref());
        let shared = Shared {
            target: target?,
            limits: limits?,
            thresholds: thresholds?,
            stop_when: stop_when?,
        };
        let together = read.into_iter().map(|ReadEntry { name, start_after, read }| {
            let scenario = read.own?.into_scenario(name?, shared.clone());
            Some(Together { start_after: start_after?, scenario })
        });
        Some(Scenarios { name: name?, all: together.collect::<Option<_>>()?, listed: true })
    }

    /// What a run has to hold, and what ends it. `named` is what tags can name, where that could be
    /// read.
    fn holds(
        &mut self,
        fields: Fields<'_>,
        named: Option<&[Named<'_, String>]>,
    ) -> (Option<Vec<Threshold>>, Option<Vec<StopRule>>) {
        let thresholds = match fields.get("thresholds") {
            Some(node) => self.thresholds(node, named),
            None => Some(Vec::new()),
        };
        let stop_when = match fields.get("stop_when") {
            Some(node) => self.stop_when(node, named),
            None => Some(Vec::new()),
        };
        (thresholds, stop_when)
    }

    /// The name becomes part of a folder's name.
    fn name(&mut self, node: &Node) -> Option<String> {
        let name = self.checker.text(node, "name")?;
        let fits = name.chars().count() <= 100
            && !name.starts_with('.')
            && !name.chars().any(|c| c.is_control() || c == '/' || c == '\\');
        if !fits {
            self.checker.note(
                &node.place,
                Problem::new("`name` cannot be part of a folder's name").with_help(
                    "use at most 100 characters, no slash, no line break, no dot at the start",
                ),
            );
            return None;
        }
        Some(name)
    }
}
