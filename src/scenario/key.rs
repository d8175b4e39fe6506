//! The key: from the environment, never from the scenario.

use super::model::{Protocol, Scenario, TargetUrl};
use super::problem::Problem;
use super::surroundings::Surroundings;
use crate::secret::Secret;

/// What the embedded agent is sent: it wants a key and takes any.
const EMBEDDED_KEY: &str = "embedded-agent-takes-any-key";

impl Scenario {
    /// The variable that holds the key.
    pub fn key_variable(&self) -> &str {
        match (&self.target.api_key_env, self.target.protocol) {
            (Some(name), _) => name,
            (None, Protocol::LyzrV2 | Protocol::LyzrV3) => "LYZR_API_KEY",
            (None, Protocol::OpenAi) => "OPENAI_API_KEY",
        }
    }

    /// The key to send, if any. The embedded agent gets one that is made up, never a real one.
    ///
    /// # Errors
    /// No key for an agent that is not on this machine, or one that cannot stand in a header.
    pub fn key(&self, world: &dyn Surroundings) -> Result<Option<Secret>, Problem> {
        if self.target.url == TargetUrl::Embedded {
            return Ok(Some(Secret::new(EMBEDDED_KEY)));
        }
        let name = self.key_variable();
        match world.var(name).filter(|key| !key.is_empty()) {
            Some(key) if key.chars().any(|c| !c.is_ascii_graphic()) => Err(Problem::new(format!(
                "the key in `{name}` holds a space, a line break or a letter that is not ASCII"
            ))
            .with_help("it was probably copied with something around it")),
            Some(key) => Ok(Some(Secret::new(key))),
            None if self.target.url.is_local() => Ok(None),
            None => Err(Problem::new(format!("there is no key: `{name}` is not set")).with_help(
                format!("export {name}=..., or name another variable in `target.api_key_env`"),
            )),
        }
    }
}
