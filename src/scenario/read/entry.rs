//! The ways in: a scenario's text, its file, or a single message from the command line.

use std::path::Path;
use std::time::Duration;

use super::super::checker::Checker;
use super::super::document::{Node, Value, parse};
use super::super::fields::{SCENARIO, names};
use super::super::loads::{Load, Warmup};
use super::super::model::{OnError, Scenario};
use super::super::overrides::{Overrides, apply, from_flag};
use super::super::problem::{Problem, Problems};
use super::super::surroundings::Surroundings;
use super::Reading;
use crate::units::Span;

const FIELDS: [&str; SCENARIO.len()] = names(SCENARIO);

/// Reads a scenario from a file; `-` is standard input. Paths in it count from its folder.
///
/// # Errors
/// Everything that is wrong with it, in order of place.
pub fn load_file(
    path: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenario, Problems> {
    let label = if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() };
    let bytes = world.read(path).map_err(|why| {
        Problem::new(format!("the scenario {label} cannot be read: {why}"))
            .with_help("give the path of a scenario file, or a message with -m")
    })?;
    let text = super::super::rows::text(&label, &bytes)?;
    load(&label, text, path.parent().unwrap_or(Path::new("")), overrides, world)
}

/// Reads a scenario from its text. `label` is what problems call it; its stem is the name of a
/// scenario without one. Paths in it count from `base_dir`.
///
/// # Errors
/// Everything that is wrong with it, in order of place.
pub fn load(
    label: &str,
    text: &str,
    base_dir: &Path,
    overrides: &Overrides,
    world: &dyn Surroundings,
) -> Result<Scenario, Problems> {
    let mut checker = Checker::new();
    let source = checker.add_source(label, text, false);
    let mut root = match parse(source, text, 0) {
        Ok(root) => root,
        Err(problem) => {
            checker.note(&problem.place, Problem::new(problem.message));
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
    scenario(&root, &name, Reading { checker, world, base_dir })
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
    scenario(&root, "message", Reading { checker, world, base_dir: Path::new("") })
}

fn scenario(root: &Node, default_name: &str, mut r: Reading<'_>) -> Result<Scenario, Problems> {
    let Some(fields) = r.checker.fields(root, "", &FIELDS) else {
        return Err(r.checker.into_problems());
    };
    for missing in ["target", "sessions"] {
        if fields.get(missing).is_none() {
            let help = match missing {
                "target" => "say who is asked: `target: { url: embedded }`, or give --target",
                _ => "say what is asked: `sessions: [{ messages: [\"Hello!\"] }]`",
            };
            let problem = Problem::new(format!("the scenario has no `{missing}`"));
            r.checker.missing(fields, missing, problem.with_help(help));
        }
    }
    let name = match fields.get("name") {
        Some(node) => r.name(node),
        None => Some(default_name.to_owned()),
    };
    let target = fields.get("target").and_then(|node| r.target(node));
    let load = match fields.get("load") {
        Some(node) => r.load(node),
        None => Some(Load::Once { concurrency: super::super::overrides::DEFAULT_CONCURRENCY }),
    };
    let users = r.users(fields.get("users"), load.as_ref());
    let data = fields.get("data").map_or_else(|| Some(Default::default()), |node| r.data(node));
    let env = fields.get("env").map_or_else(|| Some(Default::default()), |node| r.env(node));
    let expect = fields
        .get("expect")
        .map_or_else(|| Some(Default::default()), |node| r.expect(node, "expect"));
    let sessions = fields.get("sessions").and_then(|node| r.sessions(node));
    let warmup =
        fields.get("warmup").map_or(Some(Warmup::default()), |node| r.warmup(node, load.as_ref()));
    let drain = fields.get("drain").map_or(Some(Duration::from_secs(30)), |node| {
        r.checker.parsed::<Span>(node, "drain").map(|span| span.0)
    });
    let on_error = fields
        .get("on_error")
        .map_or(Some(OnError::default()), |node| r.checker.choice(node, "on_error"));
    let limits = fields.get("limits").map_or_else(|| Some(Default::default()), |n| r.limits(n));
    let slo = fields.get("slo").map_or_else(|| Some(Default::default()), |node| r.slo(node));
    let kinds = sessions.as_ref().map(|sessions| {
        sessions.iter().map(|one| one.session.name.clone()).collect::<Vec<String>>()
    });
    let thresholds = match fields.get("thresholds") {
        Some(node) => r.thresholds(node, kinds.as_deref()),
        None => Some(Vec::new()),
    };
    let stop_when = match fields.get("stop_when") {
        Some(node) => r.stop_when(node, kinds.as_deref()),
        None => Some(Vec::new()),
    };
    if let (Some(users), Some(data), Some(env), Some(sessions)) = (&users, &data, &env, &sessions) {
        r.check_messages(sessions, users, data, env);
    }
    if r.checker.is_clean()
        && let (Some(name), Some(target), Some(users), Some(sessions), Some(data), Some(load)) =
            (name, target, users, sessions, data, load)
        && let (
            Some(env),
            Some(warmup),
            Some(drain),
            Some(on_error),
            Some(expect),
            Some(limits),
            Some(slo),
            Some(thresholds),
            Some(stop_when),
        ) = (env, warmup, drain, on_error, expect, limits, slo, thresholds, stop_when)
    {
        let sessions = sessions.into_iter().map(|one| one.session).collect();
        return Ok(Scenario {
            name,
            target,
            users,
            sessions,
            data,
            env,
            load,
            warmup,
            drain,
            on_error,
            expect,
            limits,
            slo,
            thresholds,
            stop_when,
        });
    }
    if r.checker.is_clean() {
        // Every reader that gives up says why; should one not, this is still better than silence.
        r.checker.note_anywhere(Problem::new("the scenario cannot be read"));
    }
    Err(r.checker.into_problems())
}

impl Reading<'_> {
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
