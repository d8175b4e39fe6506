//! Messages written in the scenario: text, pause, and what the answer has to be.

use super::super::checker::empty_list;
use super::super::document::{Node, Value};
use super::super::fields::{MESSAGE, names};
use super::super::model::Message;
use super::super::problem::Problem;
use super::Reading;
use crate::expect::Expectations;
use crate::units::Delay;

const FIELDS: [&str; MESSAGE.len()] = names(MESSAGE);

/// Messages, each with the place of its text, for what is checked later.
#[derive(Default)]
pub(super) struct ReadMessages<'n> {
    pub(super) messages: Vec<Message>,
    pub(super) texts: Vec<&'n Node>,
}

impl Reading<'_> {
    pub(super) fn messages<'n>(&mut self, node: &'n Node, path: &str) -> Option<ReadMessages<'n>> {
        let items = self.checker.list(node, path, "messages")?;
        if items.is_empty() {
            self.checker.note(node.head(), empty_list(path));
            return None;
        }
        let mut read = ReadMessages::default();
        for (index, item) in items.iter().enumerate() {
            self.message(item, &format!("{path}[{index}]"), &mut read);
        }
        (read.messages.len() == items.len()).then_some(read)
    }

    fn message<'n>(&mut self, item: &'n Node, path: &str, read: &mut ReadMessages<'n>) {
        let (text, text_path, think, expect) = match &item.value {
            Value::Map(_) => {
                let Some(fields) = self.checker.fields(item, path, &FIELDS) else { return };
                let Some(text) = fields.get("text") else {
                    let problem = Problem::new(format!("`{path}` has no `text`"))
                        .with_help("write what is said: `{ text: \"Hello!\" }`");
                    self.checker.missing(fields, "text", problem);
                    return;
                };
                (text, format!("{path}.text"), fields.get("think"), fields.get("expect"))
            }
            _ => (item, path.to_owned(), None, None),
        };
        let think = match think {
            Some(node) => self.checker.parsed(node, &format!("{path}.think")),
            None => Some(Delay::ZERO),
        };
        let expect = match expect {
            Some(node) => self.expect(node, &format!("{path}.expect")),
            None => Some(Expectations::default()),
        };
        let written = self.checker.text(text, &text_path);
        if let (Some(written), Some(think), Some(expect)) = (written, think, expect) {
            read.messages.push(Message { text: written, think, expect });
            read.texts.push(text);
        }
    }
}
