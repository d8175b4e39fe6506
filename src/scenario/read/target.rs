//! `target`: who is asked.

use std::time::Duration;

use super::super::checker::named;
use super::super::document::{Node, Value};
use super::super::expand::{expanded, is_variable_name};
use super::super::fields::{TARGET, TIMEOUTS, names};
use super::super::model::{Framing, History, Protocol, Target, TargetUrl, Timeouts, WrittenTarget};
use super::super::problem::{Problem, nearest};
use super::Reading;
use crate::units::Span;

const FIELDS: [&str; TARGET.len()] = names(TARGET);
const TIMEOUT_FIELDS: [&str; TIMEOUTS.len()] = names(TIMEOUTS);

/// The agent's id where the agent does not care: the embedded one, or one on this machine.
const LOCAL_AGENT_ID: &str = "streamgauge";

impl Reading<'_> {
    pub(super) fn target(&mut self, written: &Node) -> Option<Target> {
        let node = &expanded(written, &mut self.checker, self.world);
        let fields = self.checker.fields(node, "target", &FIELDS)?;
        let url = match fields.get("url") {
            Some(node) => self.url(node),
            None => {
                let problem = Problem::new("`target` has no `url`")
                    .with_help("write the agent's URL, or `url: embedded`");
                self.checker.missing(fields, "url", problem);
                None
            }
        };
        let protocol = fields
            .get("protocol")
            .map_or(Some(Protocol::LyzrV2), |node| self.checker.choice(node, "target.protocol"));
        let framing =
            fields.get("framing").map_or(Some(Framing::Auto), |node| self.framing(node, protocol));
        let history = fields
            .get("history")
            .map_or(Some(History::default()), |node| self.history(node, protocol));
        let connections = self.connections(fields, url.as_ref());
        let agent_id = match fields.get("agent_id") {
            Some(node) => self.checker.text(node, "target.agent_id"),
            None if url.as_ref().is_none_or(TargetUrl::is_local) => Some(LOCAL_AGENT_ID.into()),
            None => {
                let problem = Problem::new("`target` has no `agent_id`")
                    .with_help("say which agent answers: `agent_id: ID`, or --agent-id ID");
                self.checker.missing(fields, "agent_id", problem);
                None
            }
        };
        let api_key_env = match fields.get("api_key_env") {
            Some(node) => Some(self.variable(node)?),
            None => None,
        };
        let headers = fields.get("headers").map_or(Some(Vec::new()), |node| self.headers(node));
        let timeouts = self.timeouts(fields.get("timeouts"));
        let word = |name: &str, default: &str| match written.get(name).map(|node| &node.value) {
            Some(Value::Word(text)) => text.clone(),
            _ => default.to_owned(),
        };
        let written_headers = match written.get("headers").map(|node| &node.value) {
            Some(Value::Map(entries)) => entries
                .iter()
                .filter_map(|(name, node)| match &node.value {
                    Value::Word(text) => Some((name.clone(), text.clone())),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let agent_id = agent_id?;
        Some(Target {
            written: WrittenTarget {
                url: word("url", ""),
                agent_id: word("agent_id", &agent_id),
                headers: written_headers,
                proxy: word("proxy", ""),
                resolve: words(written.get("resolve")),
            },
            url: url?,
            protocol: protocol?,
            framing: framing?,
            agent_id,
            api_key_env,
            headers: headers?,
            timeouts: timeouts?,
            history: history?,
            connections: connections?,
        })
    }

    fn framing(&mut self, node: &Node, protocol: Option<Protocol>) -> Option<Framing> {
        let framing = self.checker.choice(node, "target.framing")?;
        match protocol {
            Some(protocol) if protocol != Protocol::LyzrV2 && framing != Framing::Auto => {
                let problem =
                    Problem::new(format!("`{protocol}` replies are always event streams"))
                        .with_help("`framing` is a choice with lyzr-v2 alone; take it away");
                self.checker.note(&node.place, problem);
                None
            }
            _ => Some(framing),
        }
    }

    fn history(&mut self, node: &Node, protocol: Option<Protocol>) -> Option<History> {
        let history = self.checker.choice(node, "target.history")?;
        match protocol {
            Some(protocol) if protocol.remembers() => {
                let problem =
                    Problem::new(format!("a `{protocol}` agent keeps the history itself"))
                        .with_help("`history` is a choice with openai alone; take it away");
                self.checker.note(&node.place, problem);
                None
            }
            _ => Some(history),
        }
    }

    fn url(&mut self, node: &Node) -> Option<TargetUrl> {
        let text = self.checker.text(node, "target.url")?;
        if text == "embedded" {
            return Some(TargetUrl::Embedded);
        }
        let (message, help) = match url::Url::parse(&text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                (format!("`{}` cannot be asked", url.scheme()), "write http:// or https://")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => (
                "`target.url` holds a name or password".to_owned(),
                "keys come from the environment: `api_key_env: NAME`",
            ),
            Ok(url) if url.fragment().is_some() => {
                ("`target.url` has a part after `#`".to_owned(), "take it away: it is never sent")
            }
            Ok(_) => return Some(TargetUrl::Remote(text)),
            Err(_) if nearest(&text, ["embedded"]).is_some() => {
                (format!("`{text}` is not a URL"), "did you mean `embedded`?")
            }
            Err(error) => (
                format!("`{text}` is not a URL: {error}"),
                "write it in full, as in https://agent.api.lyzr.app, or write `embedded`",
            ),
        };
        self.checker.note(&node.place, Problem::new(message).with_help(help));
        None
    }

    fn variable(&mut self, node: &Node) -> Option<String> {
        let name = self.checker.text(node, "target.api_key_env")?;
        if is_variable_name(&name) {
            return Some(name);
        }
        // What stands here may be the key itself: do not repeat it.
        let problem = Problem::new("`target.api_key_env` is not the name of a variable")
            .with_help("write the name of the variable that holds the key, never the key");
        self.checker.note_anywhere(problem);
        None
    }

    fn headers(&mut self, node: &Node) -> Option<Vec<(String, String)>> {
        let Value::Map(entries) = &node.value else {
            let problem = Problem::new(format!(
                "{} wants names and values, not {}",
                named("target.headers"),
                node.noun()
            ));
            self.checker
                .note(node.head(), problem.with_help("write `headers: { x-team: search }`"));
            return None;
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in entries {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            let lower = name.to_ascii_lowercase();
            let mistake = if name.is_empty() || !name.chars().all(is_token) {
                Some((format!("`{name}` is not the name of a header"), "use letters, digits and -"))
            } else if matches!(
                lower.as_str(),
                "host" | "content-length" | "transfer-encoding" | "connection" | "accept-encoding"
            ) {
                Some((
                    format!("the header `{name}` is set by the client itself"),
                    "take it away: another value would break the request or the figures",
                ))
            } else if headers.iter().any(|(other, _)| *other == lower) {
                Some((format!("the header `{name}` stands here twice"), "keep one of them"))
            } else {
                None
            };
            if let Some((message, help)) = mistake {
                self.checker.note(value.head(), Problem::new(message).with_help(help));
                continue;
            }
            let Some(text) = self.checker.word(value, &format!("target.headers.{name}")) else {
                continue;
            };
            if text.chars().any(|c| c.is_control() && c != '\t') {
                let problem = Problem::new(format!("the header `{name}` holds a line break"));
                self.checker.note(value.head(), problem.with_help("a header is one line"));
                continue;
            }
            headers.push((lower, text.to_owned()));
        }
        Some(headers)
    }

    fn timeouts(&mut self, node: Option<&Node>) -> Option<Timeouts> {
        let mut timeouts = Timeouts {
            connect: Duration::from_secs(5),
            first_chunk: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(300),
        };
        let Some(node) = node else { return Some(timeouts) };
        let fields = self.checker.fields(node, "target.timeouts", &TIMEOUT_FIELDS)?;
        let slots = [
            &mut timeouts.connect,
            &mut timeouts.first_chunk,
            &mut timeouts.idle,
            &mut timeouts.total,
        ];
        for (name, slot) in TIMEOUT_FIELDS.iter().zip(slots) {
            if let Some(node) = fields.get(name) {
                *slot = self.positive(node, &format!("target.timeouts.{name}"))?;
            }
        }
        Some(timeouts)
    }

    /// A duration above zero.
    pub(super) fn positive(&mut self, node: &Node, path: &str) -> Option<Duration> {
        let span: Span = self.checker.parsed(node, path)?;
        if span.0.is_zero() {
            let problem = Problem::new(format!("{} has to be above zero", named(path)))
                .with_help("write a time, as in `2s`, or take the line away");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(span.0)
    }
}

/// A list of words, or a single one.
fn words(node: Option<&Node>) -> Vec<String> {
    let nodes = match node.map(|node| &node.value) {
        Some(Value::List(items)) => items.as_slice(),
        Some(_) => node.map_or(&[][..], std::slice::from_ref),
        None => &[],
    };
    let word = |node: &Node| match &node.value {
        Value::Word(text) => Some(text.clone()),
        _ => None,
    };
    nodes.iter().filter_map(word).collect()
}

impl TargetUrl {
    /// Whether the agent runs on this machine: nothing leaves it, and nothing is billed.
    pub fn is_local(&self) -> bool {
        let Self::Remote(text) = self else { return true };
        match url::Url::parse(text).ok().as_ref().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl Protocol {
    /// Whether the agent remembers a session by its id, so that only the new message is sent.
    pub fn remembers(self) -> bool {
        match self {
            Self::LyzrV2 | Self::LyzrV3 => true,
            Self::OpenAi => false,
        }
    }
}
