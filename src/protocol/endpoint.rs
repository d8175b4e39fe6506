//! Where requests go, and what every one of them carries.

use crate::scenario::{Protocol, Target};
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
        let (path, key_header) = match target.protocol {
            Protocol::LyzrV2 => ("/v2/stream/", "x-api-key"),
        };
        let url = complete(url, path)?;
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
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
        let key = key
            .filter(|_| !headers.iter().any(|(name, _)| name == key_header))
            .map(|key| (key_header.to_owned(), key));
        Ok(Self { url, headers, key })
    }

    /// The host and port that are connected to, such as `agent.api.lyzr.app:443`.
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }
}

fn complete(url: &str, path: &str) -> Result<String, EndpointError> {
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
    Ok(match given {
        "" | "/" => format!("{}{path}", url.trim_end_matches('/')),
        _ => url.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_gets_the_protocols() {
        for (given, complete_url) in [
            ("https://agent.api.lyzr.app", "https://agent.api.lyzr.app/v2/stream/"),
            ("http://127.0.0.1:8123/", "http://127.0.0.1:8123/v2/stream/"),
            ("http://[::1]:9/other/path", "http://[::1]:9/other/path"),
            ("http://h/v2/stream?x=1", "http://h/v2/stream?x=1"),
        ] {
            assert_eq!(complete(given, "/v2/stream/").unwrap(), complete_url);
        }
        for (given, why) in [
            ("agent.api.lyzr.app", "is not a URL"),
            ("http:///x", "has no host"),
            ("http://u:p@h/", "password"),
            ("http://h/a b", "white space"),
        ] {
            assert!(complete(given, "/").unwrap_err().to_string().contains(why), "{given}");
        }
    }
}
