//! The command line, as it can be typed again: without what must not be kept.

use crate::secret::{MASK, is_key_like};

/// The words of this process but those of `without`, for files and logs that others may read: secrets are
/// masked.
pub(super) fn kept(without: &[&str]) -> String {
    masked(words(without))
}

fn words(without: &[&str]) -> impl Iterator<Item = String> {
    std::env::args().filter(|word| !without.contains(&word.as_str()))
}

/// The words as a shell takes them, values of key-like headers and what a URL has before its host
/// masked.
fn masked(words: impl IntoIterator<Item = String>) -> String {
    let mut all = Vec::new();
    let mut before = String::new();
    for word in words {
        let kept = match before.as_str() {
            "-H" | "--header" => header(&word),
            "--set" => field(&word),
            _ => flag(&word),
        };
        all.push(shell(&kept));
        before = word;
    }
    all.join(" ")
}

/// `-Hname: value`, `--header=name: value`, `--set=path=value`, or any other word.
fn flag(word: &str) -> String {
    for (start, mask) in
        [("--header=", header as fn(&str) -> String), ("-H", header), ("--set=", field)]
    {
        if let Some(rest) = word.strip_prefix(start) {
            return format!("{start}{}", mask(rest));
        }
    }
    url(word)
}

fn header(text: &str) -> String {
    match text.split_once(':') {
        Some((name, _)) if is_key_like(name.trim()) => format!("{name}: {MASK}"),
        _ => text.to_owned(),
    }
}

fn field(text: &str) -> String {
    match text.split_once('=') {
        Some((path, _)) if path.split(['.', '[', ']', '"']).any(is_key_like) => {
            format!("{path}={MASK}")
        }
        Some((path, value)) => format!("{path}={}", url(value)),
        None => text.to_owned(),
    }
}

/// A URL without who and with which password.
fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}@{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

fn shell(word: &str) -> String {
    let plain = word.chars().all(|one| one.is_ascii_alphanumeric() || "-_./:=,%@+".contains(one));
    match plain && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_typed_again_and_keeps_no_secret() {
        let typed = |words: &[&str]| masked(words.iter().map(|word| (*word).to_owned()));
        assert_eq!(
            typed(&["streamgauge", "run", "-m", "it's on"]),
            r"streamgauge run -m 'it'\''s on'"
        );
        for words in [
            &["-H", "authorization: Bearer sk-1"][..],
            &["-Hx-api-key: sk-1"],
            &["--header=Authorization: sk-1"],
            &["--set", "target.headers.x-api-key=sk-1"],
            &["--set=target.headers[\"authorization\"]=sk-1"],
            &["--target", "https://me:sk-1@example.org/x"],
            &["--set", "target.url=https://me:sk-1@example.org/x"],
        ] {
            let text = typed(words);
            assert!(!text.contains("sk-1"), "{text}");
        }
        assert_eq!(typed(&["-H", "x-team: search"]), "-H 'x-team: search'");
    }
}
