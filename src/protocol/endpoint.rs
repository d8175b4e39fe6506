//! Where requests go, and what every one of them carries.

use super::{lyzr_v2, lyzr_v3, openai};
use crate::scenario::{Connections, Protocol, Target};
use crate::secret::Secret;

/// The address and the headers of a target: the same for every request of a run.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Absolute, with the protocol's path.
    pub url: String,
    /// Name, value, in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The header that carries the key, and the key.
    pub key: Option<(String, Secret)>,
    /// How it is reached.
    pub connections: Connections,
}

/// A target that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(String);

impl Endpoint {
    /// The endpoint of a target whose base or full URL is `url`: without a path, the protocol's path
    /// is added; any other path is used as it stands.
    ///
    /// # Errors
    /// `url` is not an absolute `http` or `https` URL.
    pub fn new(url: &str, target: &Target, key: Option<Secret>) -> Result<Self, EndpointError> {
        let plain =
            Habits { path: "", under: (&[], ""), accept: STREAM, key: "x-api-key", scheme: "" };
        let habits = match target.protocol {
            // The documented call asks for JSON, whatever comes.
            Protocol::LyzrV2 => Habits { path: lyzr_v2::PATH, accept: "application/json", ..plain },
            Protocol::LyzrV3 => Habits { path: lyzr_v3::PATH, ..plain },
            Protocol::OpenAi => Habits {
                path: openai::PATH,
                under: openai::UNDER_VERSION,
                key: "authorization",
                scheme: "Bearer ",
                ..plain
            },
        };
        let url = complete(url, &habits)?;
        let mut headers = vec![
            ("accept".to_owned(), habits.accept.to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
            // A decompressor would stand between a read and its stamp.
            ("accept-encoding".to_owned(), "identity".to_owned()),
            (
                "user-agent".to_owned(),
                concat!("streamgauge/", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
        ];
        for (name, value) in &target.headers {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.to_ascii_lowercase(), value.clone()));
        }
        let key = key.filter(|_| !headers.iter().any(|(name, _)| name == habits.key)).map(|key| {
            match habits.scheme {
                "" => (habits.key.to_owned(), key),
                scheme => (habits.key.to_owned(), Secret::new(format!("{scheme}{}", key.expose()))),
            }
        });
        Ok(Self { url, headers, key, connections: target.connections.clone() })
    }

    /// The host and port that are connected to, such as `agent.api.lyzr.app:443`.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }
}

/// What the endpoints of a protocol have in common.
struct Habits {
    /// Added to a URL without a path.
    path: &'static str,
    /// Ends of a URL, and what is added to a URL that has one of them.
    under: (&'static [&'static str], &'static str),
    /// What is accepted.
    accept: &'static str,
    /// The header that carries the key.
    key: &'static str,
    /// What stands before the key in it.
    scheme: &'static str,
}

const STREAM: &str = "text/event-stream, application/json";

fn complete(url: &str, habits: &Habits) -> Result<String, EndpointError> {
    let bad = |why: &str| EndpointError(format!("the target `{url}` {why}"));
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
        .ok_or_else(|| bad("is not a URL: write `embedded`, `http://…` or `https://…`"))?;
    let (authority, given) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if authority.is_empty() {
        return Err(bad("has no host"));
    }
    if authority.contains('@') {
        return Err(bad("carries a user name or password: a key belongs in the environment"));
    }
    if url.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(bad("has white space in it"));
    }
    let (versions, under) = habits.under;
    let base = url.trim_end_matches('/');
    Ok(match given {
        "" | "/" => format!("{base}{}", habits.path),
        _ if versions.iter().any(|version| base.ends_with(version)) => format!("{base}{under}"),
        _ => url.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits = Habits {
        path: openai::PATH,
        under: openai::UNDER_VERSION,
        accept: STREAM,
        key: "authorization",
        scheme: "Bearer ",
    };

    #[test]
    fn a_url_without_a_path_gets_the_protocols() {
        for (given, complete_url) in [
            ("https://agent.api.lyzr.app", "https://agent.api.lyzr.app/v1/chat/completions"),
            ("http://127.0.0.1:8123/", "http://127.0.0.1:8123/v1/chat/completions"),
            ("http://h/v4", "http://h/v4/chat/completions"),
            ("https://h/openai/v1/", "https://h/openai/v1/chat/completions"),
            ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
            ("http://[::1]:9/other/path", "http://[::1]:9/other/path"),
            ("http://h/v2/stream?x=1", "http://h/v2/stream?x=1"),
        ] {
            assert_eq!(complete(given, &HABITS).unwrap(), complete_url);
        }
        for (given, why) in [
            ("agent.api.lyzr.app", "is not a URL"),
            ("http:///x", "has no host"),
            ("http://u:p@h/", "password"),
            ("http://h/a b", "white space"),
        ] {
            assert!(complete(given, &HABITS).unwrap_err().to_string().contains(why), "{given}");
        }
    }
}
