//! Secrets that cannot be printed by accident.

use std::fmt;

/// A key. It shows itself as `***` wherever it is formatted; [`Secret::expose`] is the only way in.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands where a secret would.
pub const MASK: &str = "***";

impl Secret {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the key replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, MASK) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Whether a header of this name usually carries a secret, so that its value is masked in files.
pub fn is_key_like(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    ["key", "auth", "token", "secret", "cookie", "password", "credential"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let key = Secret::new("sk-12345");
        assert_eq!(format!("{key} {key:?} {:?}", Some(&key)), "*** *** Some(***)");
        assert_eq!(key.redact("header sk-12345 refused"), "header *** refused");
        assert_eq!(Secret::new("").redact("as it was"), "as it was");
    }

    #[test]
    fn headers_that_carry_keys_are_known() {
        for name in ["x-api-key", "Authorization", "Cookie", "X-Auth-Token"] {
            assert!(is_key_like(name), "{name}");
        }
        assert!(!is_key_like("x-team"));
    }
}
