//! `env`: the environment variables that templates may name, with their values.

use std::collections::BTreeMap;

use super::super::document::Node;
use super::super::expand::is_variable_name;
use super::super::problem::Problem;
use super::Reading;
use crate::secret::is_key_like;

impl Reading<'_> {
    pub(super) fn env(&mut self, node: &Node) -> Option<BTreeMap<String, String>> {
        let items = self.checker.list(node, "env", "names of environment variables")?;
        let mut values = BTreeMap::new();
        let mut complete = true;
        for (index, item) in items.iter().enumerate() {
            let Some(name) = self.checker.text(item, &format!("env[{index}]")) else {
                complete = false;
                continue;
            };
            let value = self.world.var(&name);
            let mistake = if !is_variable_name(&name) {
                Some((
                    format!("`{name}` is not the name of an environment variable"),
                    "write the name alone: `env: [REGION]`, and `{{ env.REGION }}` in a message",
                ))
            } else if is_key_like(&name) {
                Some((
                    format!("`{name}` looks like the name of a key"),
                    "what is in a message is no secret; the key comes from `target.api_key_env`",
                ))
            } else if value.is_none() {
                Some((format!("the environment variable `{name}` is not set"), "export it first"))
            } else {
                None
            };
            match (mistake, value) {
                (None, Some(value)) => {
                    values.insert(name, value);
                }
                (mistake, _) => {
                    if let Some((message, help)) = mistake {
                        self.checker.note(&item.place, Problem::new(message).with_help(help));
                    }
                    complete = false;
                }
            }
        }
        complete.then_some(values)
    }
}
