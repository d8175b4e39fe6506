//! Whether every inline message can be rendered, before anything is sent.
//!
//! Each name a template takes from outside must exist. Each template is then rendered with the
//! first rows, and with every row that lacks a field it names; what fails only for other values
//! (a division by a field that is zero) shows when that turn is due, as a failed turn.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Feeder, Row, Users};
use super::super::problem::{Problem, listed, nearest};
use super::super::template;
use super::Reading;
use super::data::columns;
use super::sessions::ReadSession;

/// What templates may name.
struct Known<'a> {
    user: BTreeSet<&'a str>,
    feeders: BTreeMap<&'a str, BTreeSet<&'a str>>,
    env: BTreeSet<&'a str>,
}

/// What stands for values that are only known when the turn is due.
struct Sample<'a> {
    session: &'a str,
    turn: u32,
    users: &'a Users,
    data: &'a BTreeMap<String, Feeder>,
    env: &'a BTreeMap<String, String>,
}

impl Reading<'_> {
    pub(super) fn check_messages(
        &mut self,
        sessions: &[ReadSession<'_>],
        users: &Users,
        data: &BTreeMap<String, Feeder>,
        env: &BTreeMap<String, String>,
    ) {
        let mut user = columns(&users.rows);
        user.extend(["index", "id"]);
        let feeders =
            data.iter().map(|(name, feeder)| (name.as_str(), columns(&feeder.rows))).collect();
        let env_names = env.keys().map(String::as_str).collect();
        let known = Known { user, feeders, env: env_names };
        for read in sessions {
            for (turn, message, node) in read.written() {
                if !template::is_template(&message.text) {
                    continue;
                }
                let names = match template::names(&message.text) {
                    Ok(names) => names,
                    Err(error) => {
                        let inside = error.range().and_then(|range| message.text.get(range));
                        let place = self.checker.narrowed(&node.place, inside.unwrap_or(""));
                        let problem = Problem::new(format!(
                            "this is not a template: {}",
                            template::sentence(&error)
                        ))
                        .with_help("`{{ name }}` is a value; for literal braces write {{ '{{' }}");
                        self.checker.note(&place, problem);
                        continue;
                    }
                };
                let mut all_known = true;
                for name in &names {
                    if let Err(problem) = known.check(name, turn) {
                        let place = self.checker.narrowed(&node.place, name);
                        self.checker.note(&place, problem);
                        all_known = false;
                    }
                }
                let session = read.session.name.as_str();
                let sample = Sample { session, turn, users, data, env };
                if all_known && let Err(problem) = try_rendering(&message.text, &names, &sample) {
                    self.checker.note(&node.place, problem);
                }
            }
        }
    }
}

/// What a template has: values, and functions.
const ROOTS: [&str; 10] = [
    "user",
    "session",
    "turn",
    "data",
    "env",
    "previous",
    "random_int",
    "random_choice",
    "random_uuid",
    "random_text",
];

impl Known<'_> {
    fn check(&self, name: &str, turn: u32) -> Result<(), Problem> {
        let mut parts = name.split('.');
        let root = parts.next().unwrap_or("");
        let (field, deeper) = (parts.next(), parts.next());
        let among = |known: &BTreeSet<&str>, prefix: &str, field: &str| {
            if known.contains(field) {
                return Ok(());
            }
            Err(unknown(name, prefix, field, known.iter().copied()))
        };
        match (root, field) {
            ("user", Some(field)) => among(&self.user, "user.", field),
            ("session", Some(field)) => {
                among(&["id", "name", "number"].into_iter().collect(), "session.", field)
            }
            ("data", Some(feeder)) => match (self.feeders.get(feeder), deeper) {
                (Some(columns), Some(column)) => among(columns, &format!("data.{feeder}."), column),
                (Some(_), None) => Ok(()),
                (None, _) => Err(unknown(name, "data.", feeder, self.feeders.keys().copied())),
            },
            ("env", Some(variable)) if self.env.contains(variable) => Ok(()),
            ("env", Some(variable)) => Err(Problem::new(format!(
                "the template names `{name}`, which the scenario does not ask for"
            ))
            .with_help(format!("add it: `env: [{variable}]`"))),
            ("previous", _) if turn == 1 => {
                Err(Problem::new("the first message has no answer before it")
                    .with_help("`previous.text` is the answer to the message before"))
            }
            ("previous", Some(field)) => among(&["text"].into_iter().collect(), "previous.", field),
            ("user" | "session" | "data" | "turn" | "env" | "previous", None) => Ok(()),
            _ => Err(unknown(name, "", root, ROOTS)),
        }
    }
}

/// A list for a hint, short enough to be read.
fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    listed(names.into_iter().take(12), "and")
}

fn unknown<'a>(
    name: &str,
    prefix: &str,
    field: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Problem {
    let problem = Problem::new(format!("the template names `{name}`, which does not exist"));
    if let Some(near) = nearest(field, known.clone()) {
        let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(field));
        let rest = rest.unwrap_or("");
        return problem.with_help(format!("did you mean `{prefix}{near}{rest}`?"));
    }
    let mut known = known.into_iter().peekable();
    if known.peek().is_none() {
        return problem.with_help("there is no such file in `data`: add it there");
    }
    let place = prefix.strip_suffix('.').map_or("a template".into(), |one| format!("`{one}`"));
    problem.with_help(format!("{place} has {}", some_of(known)))
}

/// Renders with the first row of every feeder, then with each row that lacks a field.
fn try_rendering(text: &str, names: &BTreeSet<String>, sample: &Sample<'_>) -> Result<(), Problem> {
    let Sample { users, data, .. } = *sample;
    let environment = template::environment();
    let render = |user: usize, changed: Option<(&str, &Row)>| {
        let feeds = data.iter().filter_map(|(name, feeder)| {
            let row = match changed {
                Some((changed, row)) if changed == name => Some(row),
                _ => feeder.rows.first(),
            };
            row.map(|row| (name.clone(), template::row_value(row)))
        });
        let id = users.ids.get(user).map(|id| &**id);
        let names = template::Names {
            user: template::user_value(user, users.rows.get(user), id),
            session: template::session_value(0, sample.session, "session-0"),
            turn: sample.turn,
            data: template::map(feeds),
            env: sample.env,
            previous: (sample.turn > 1).then_some("the answer before"),
            chance: 0,
        };
        environment.render_str(text, names.context())
    };
    let failed = |error: &minijinja::Error, row: String| {
        let sentence = template::sentence(error);
        let problem = Problem::new(format!("this message cannot be rendered{row}: {sentence}"));
        match error.kind() {
            minijinja::ErrorKind::UndefinedError => problem
                .with_help("for a value that may be missing write `{{ name | default(\"…\") }}`"),
            minijinja::ErrorKind::UnknownFilter | minijinja::ErrorKind::UnknownTest => problem
                .with_help("filters and tests are those of docs.rs/minijinja (`upper`, `trim`, …)"),
            _ => problem,
        }
    };
    match render(0, None) {
        Ok(rendered) if rendered.is_empty() => {
            return Err(Problem::new("this message is empty once it is rendered"));
        }
        Ok(_) => {}
        Err(error) => return Err(failed(&error, String::new())),
    }
    for (name, feeder) in data {
        let prefix = format!("data.{name}.");
        for (number, row) in lacking(&feeder.rows, names, &prefix) {
            render(0, Some((name, row))).map_err(|error| {
                failed(&error, format!(" with row {number} of {}", feeder.from.display()))
            })?;
        }
    }
    for (number, _) in lacking(&users.rows, names, "user.") {
        render(number - 1, None)
            .map_err(|error| failed(&error, format!(" for user {}", number - 1)))?;
    }
    Ok(())
}

/// Rows, counted from 1, that lack a field which is named after `prefix`.
fn lacking<'r>(
    rows: &'r [Row],
    names: &'r BTreeSet<String>,
    prefix: &'r str,
) -> impl Iterator<Item = (usize, &'r Row)> {
    let fields: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix(prefix))
        .filter_map(|rest| rest.split('.').next())
        .filter(|field| !matches!((prefix, *field), ("user.", "index" | "id")))
        .collect();
    rows.iter()
        .zip(1..)
        .filter(move |(row, _)| fields.iter().any(|field| !row.contains_key(*field)))
        .map(|(row, number)| (number, row))
}
