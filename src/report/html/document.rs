//! What every page has: its head, its style, its script, and what a browser may do with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../../templates/report/style.css");
const SCRIPT: &str = include_str!("../../../templates/report/page.js");

/// The parts of a page that are the same in all.
pub(super) struct Document {
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    /// The content security policy: nothing is loaded from anywhere, and no style or script but ours
    /// counts.
    pub(super) policy: String,
    pub(super) version: &'static str,
}

impl Document {
    pub(super) fn new() -> Self {
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
        Self {
            style: STYLE,
            script: SCRIPT,
            policy: format!(
                "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
                 base-uri 'none'; form-action 'none'",
                hash(STYLE),
                hash(SCRIPT)
            ),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_can_stand_inside_their_elements_and_load_nothing() {
        for text in [STYLE, SCRIPT] {
            for word in ["</", "http:", "https:", "@import", "url(", "fetch(", "eval("] {
                assert!(!text.contains(word), "{word}");
            }
        }
        assert!(Document::new().policy.starts_with("default-src 'none'"));
    }
}
