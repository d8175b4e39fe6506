//! What the command line changes in a scenario before it is checked.
//!
//! A flag becomes a value in the tree that points back at the flag, so that a mistake in it is
//! reported as any other.

use super::checker::Checker;
use super::document::{Node, Place, SyntaxProblem, Value, parse};
use super::problem::Problem;

/// What the command line changes. Values are as typed; each is checked like the file's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--set path=value`, in order.
    pub set: Vec<String>,
    /// `--target`: `target.url`.
    pub target: Option<String>,
    /// `--protocol`: `target.protocol`.
    pub protocol: Option<String>,
    /// `--agent-id`: `target.agent_id`.
    pub agent_id: Option<String>,
    /// `-H 'name: value'`: `target.headers`.
    pub headers: Vec<String>,
    /// `--resolve host:port:address`: `target.resolve`.
    pub resolve: Vec<String>,
    /// `-c`: `once.concurrency` or `closed.users`; an error with `open`.
    pub concurrency: Option<String>,
    /// `-z`: a closed load for this long; with `-r` the duration of the open one.
    pub duration: Option<String>,
    /// `-n`: a closed load of so many sessions.
    pub iterations: Option<String>,
    /// `-r`: an open load at this rate.
    pub rate: Option<String>,
}

/// Sessions open at once where the scenario does not say.
pub(super) const DEFAULT_CONCURRENCY: u32 = 8;

/// Applies all of them to the tree: first `--set`, then the flags with a name of their own.
pub(super) fn apply(overrides: &Overrides, root: &mut Node, checker: &mut Checker) {
    for setting in &overrides.set {
        apply_setting(setting, root, checker);
    }
    let plain = [
        ("--target", "url", &overrides.target),
        ("--protocol", "protocol", &overrides.protocol),
        ("--agent-id", "agent_id", &overrides.agent_id),
    ];
    for (flag, field, text) in plain {
        if let Some(text) = text {
            let node = from_flag(flag, text, checker);
            set(root, &[Step::Key("target"), Step::Key(field)], node, checker);
        }
    }
    for header in &overrides.headers {
        apply_header(header, root, checker);
    }
    apply_resolve(&overrides.resolve, root, checker);
    apply_load(overrides, root, checker);
}

fn apply_resolve(entries: &[String], root: &mut Node, checker: &mut Checker) {
    let nodes: Vec<Node> =
        entries.iter().map(|entry| from_flag("--resolve", entry, checker)).collect();
    if let Some(first) = nodes.first() {
        let place = first.place.clone();
        let list = Node { value: Value::List(nodes), place, key_place: None };
        set(root, &[Step::Key("target"), Step::Key("resolve")], list, checker);
    }
}

/// A value that stands on the command line.
pub(super) fn from_flag(flag: &str, text: &str, checker: &mut Checker) -> Node {
    let source = checker.add_source(flag, text, true);
    Node::word(text, Place { source, bytes: 0..text.len() })
}

fn apply_header(header: &str, root: &mut Node, checker: &mut Checker) {
    let node = from_flag("-H", header, checker);
    let Some((name, value)) = header.split_once(':') else {
        checker.note(
            &node.place,
            Problem::new(format!("`{header}` is not a header"))
                .with_help("write name and value: -H 'x-team: search'"),
        );
        return;
    };
    let value = Node::word(value.trim(), node.place);
    let name = name.trim().to_ascii_lowercase();
    let path = [Step::Key("target"), Step::Key("headers"), Step::Key(&name)];
    set(root, &path, value, checker);
}

fn apply_setting(setting: &str, root: &mut Node, checker: &mut Checker) {
    let source = checker.add_source("--set", setting, true);
    let whole = Place { source, bytes: 0..setting.len() };
    let Some(equals) = outside(setting).find(|(_, c)| *c == '=').map(|(at, _)| at) else {
        checker.note(
            &whole,
            Problem::new(format!("`{setting}` sets nothing"))
                .with_help("write path and value: --set load.closed.users=5"),
        );
        return;
    };
    let Some(path) = steps(&setting[..equals]) else {
        let place = Place { source, bytes: 0..equals };
        checker.note(
            &place,
            Problem::new(format!("`{}` is not the path of a field", &setting[..equals]))
                .with_help("write names with dots and places in lists: sessions[0].weight"),
        );
        return;
    };
    match parse(source, setting, equals + 1) {
        Ok(mut node) => {
            node.key_place = Some(whole);
            set(root, &path, node, checker);
        }
        Err(SyntaxProblem { problem, place }) => checker.note(&place, problem),
    }
}

/// A step on the way to a field.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// The characters that stand in no braces: a threshold's tags may hold dots and equal signs.
fn outside(path: &str) -> impl Iterator<Item = (usize, char)> {
    let mut depth = 0u32;
    path.char_indices().filter(move |(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// Reads `sessions[0].messages.1.text`.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let dots = outside(path).filter(|(_, c)| *c == '.').map(|(at, _)| at);
    let mut steps = Vec::new();
    let mut start = 0;
    for end in dots.chain([path.len()]) {
        let part = &path[start..end];
        start = end + 1;
        let (name, mut rest) = match part.find('[') {
            Some(at) if !part.contains('{') => part.split_at(at),
            _ => (part, ""),
        };
        match name.parse() {
            Ok(item) if !steps.is_empty() => steps.push(Step::Item(item)),
            _ if !name.is_empty() => steps.push(Step::Key(name)),
            _ => return None,
        }
        while !rest.is_empty() {
            let (item, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Item(item.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

/// Puts a value in its place, making the maps on the way there.
fn set(root: &mut Node, path: &[Step<'_>], value: Node, checker: &mut Checker) {
    let origin = value.head().clone();
    let mut node = root;
    for (depth, step) in path.iter().enumerate() {
        let is_header = depth == 2 && path[..2] == [Step::Key("target"), Step::Key("headers")];
        // Nothing, or a single value, gives way to a map.
        if matches!(node.value, Value::Empty | Value::Word(_)) {
            node.value = Value::Map(Vec::new());
        }
        node = match (step, &mut node.value) {
            // A feeder or a header may have a number as its name.
            (Step::Key(_) | Step::Item(_), Value::Map(entries)) => {
                let key = match step {
                    Step::Key(key) => (*key).to_owned(),
                    Step::Item(item) => item.to_string(),
                };
                let same =
                    |name: &str| *name == key || is_header && name.eq_ignore_ascii_case(&key);
                let at = entries.iter().position(|(name, _)| same(name)).unwrap_or_else(|| {
                    let place = origin.clone();
                    let made = Node { value: Value::Empty, key_place: Some(place.clone()), place };
                    entries.push((key, made));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            (Step::Item(item), Value::List(items)) => {
                let count = items.len();
                if *item > count {
                    let problem = Problem::new(format!("there is no item {item} to set"))
                        .with_help(format!("the list has {count}, counted from 0"));
                    checker.note(&origin, problem);
                    return;
                }
                if *item == count {
                    let place = origin.clone();
                    items.push(Node { value: Value::Empty, place, key_place: None });
                }
                &mut items[*item]
            }
            (Step::Key(key), Value::List(_)) => {
                let problem = Problem::new(format!("`{key}` is set inside a list"))
                    .with_help("name the item first: sessions[0].weight");
                checker.note(&origin, problem);
                return;
            }
            (_, Value::Empty | Value::Word(_)) => return,
        };
    }
    *node = Node { key_place: Some(origin), ..value };
}

/// `-c`, `-z`, `-n` and `-r` change the load as a whole.
fn apply_load(overrides: &Overrides, root: &mut Node, checker: &mut Checker) {
    let mut flag = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| from_flag(name, text, checker))
    };
    let concurrency = flag("-c", &overrides.concurrency);
    let duration = flag("-z", &overrides.duration);
    let iterations = flag("-n", &overrides.iterations);
    let rate = flag("-r", &overrides.rate);
    if root.get("scenarios").is_some() {
        let given = [&concurrency, &duration, &iterations, &rate];
        if let Some(node) = given.into_iter().flatten().next() {
            let problem = Problem::new("this flag sets one load, and the file lists `scenarios`");
            let help = "change the load of one of them: --set scenarios[0].load.closed.users=5";
            checker.note(&node.place, problem.with_help(help));
        }
        return;
    }
    if let (Some(_), Some(second)) = (&duration, &iterations) {
        checker.note(
            &second.place,
            Problem::new("-n and -z cannot be given together")
                .with_help("a closed load ends after a time or after so many sessions"),
        );
        return;
    }
    if let Some(rate) = rate {
        apply_rate(rate, duration, iterations.as_ref(), concurrency.as_ref(), root, checker);
        return;
    }
    let model = |name: &str| root.get("load").and_then(|load| load.get(name)).cloned();
    if let Some(open) = model("open")
        && concurrency.is_some() | duration.is_some() | iterations.is_some()
    {
        let at = concurrency.as_ref().or(duration.as_ref()).or(iterations.as_ref());
        let bounded = duration.is_some() || iterations.is_some();
        if !(bounded && concurrency.is_some()) {
            let (message, help) = if bounded {
                (
                    "-z and -n turn this open load into a closed one, and how many users is not said",
                    "add -c, or keep the load open: --set load.open.duration=30s",
                )
            } else {
                (
                    "-c sets the concurrency of a load, and an open load has none",
                    "set how often sessions arrive with -r, or add -z for a closed load",
                )
            };
            let place = at.map_or(open.place, |node| node.place.clone());
            checker.note(&place, Problem::new(message).with_help(help));
            return;
        }
    }
    let carried = || {
        let closed = model("closed").and_then(|closed| closed.get("users").cloned());
        closed.or_else(|| model("once").and_then(|once| once.get("concurrency").cloned()))
    };
    if let Some(bound) = duration.or(iterations) {
        let field = if overrides.duration.is_some() { "duration" } else { "iterations" };
        let place = bound.place.clone();
        let users = concurrency
            .or_else(carried)
            .unwrap_or_else(|| Node::word(&DEFAULT_CONCURRENCY.to_string(), place.clone()));
        let closed = map([("users", users), (field, bound)], &place);
        set(root, &[Step::Key("load")], map([("closed", closed)], &place), checker);
    } else if let Some(concurrency) = concurrency {
        let path = match model("closed") {
            Some(_) => [Step::Key("load"), Step::Key("closed"), Step::Key("users")],
            None => [Step::Key("load"), Step::Key("once"), Step::Key("concurrency")],
        };
        set(root, &path, concurrency, checker);
    }
}

/// `-r` keeps what an open load says already, and takes the duration of a closed one.
fn apply_rate(
    rate: Node,
    duration: Option<Node>,
    iterations: Option<&Node>,
    concurrency: Option<&Node>,
    root: &mut Node,
    checker: &mut Checker,
) {
    for (node, flag) in [(concurrency, "-c"), (iterations, "-n")] {
        if let Some(node) = node {
            checker.note(
                &node.place,
                Problem::new(format!("{flag} does not go with -r"))
                    .with_help("an open load has a rate and a duration: -r 5/s -z 30s"),
            );
            return;
        }
    }
    let place = rate.place.clone();
    let load = root.get("load");
    let open = load.and_then(|load| load.get("open")).cloned();
    let closed = load.and_then(|load| load.get("closed"));
    let duration = duration.or_else(|| closed.and_then(|closed| closed.get("duration")).cloned());
    let mut open = match (open, &duration) {
        (Some(open), _) => open,
        (None, Some(_)) => map([], &place),
        (None, None) => {
            checker.note(
                &place,
                Problem::new("-r makes an open load, and how long it goes on is not said")
                    .with_help("add a duration: -z 30s"),
            );
            return;
        }
    };
    set(&mut open, &[Step::Key("rate")], rate, checker);
    if let Some(duration) = duration {
        set(&mut open, &[Step::Key("duration")], duration, checker);
    }
    set(root, &[Step::Key("load")], map([("open", open)], &place), checker);
}

fn map<const N: usize>(entries: [(&str, Node); N], place: &Place) -> Node {
    Node {
        value: Value::Map(entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect()),
        place: place.clone(),
        key_place: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_with_dots_and_brackets() {
        use Step::{Item, Key};
        for (path, expected) in [
            ("name", vec![Key("name")]),
            ("sessions[0].weight", vec![Key("sessions"), Item(0), Key("weight")]),
            ("sessions.0.weight", vec![Key("sessions"), Item(0), Key("weight")]),
            ("thresholds.ttfc{session=a.b}", vec![Key("thresholds"), Key("ttfc{session=a.b}")]),
        ] {
            assert_eq!(steps(path), Some(expected), "{path}");
        }
        for path in ["", ".name", "a..b", "a[x]", "a[0"] {
            assert_eq!(steps(path), None, "{path}");
        }
    }
}
