//! `users`: who asks.

use std::sync::Arc;

use super::super::document::Node;
use super::super::fields::{USERS, names};
use super::super::loads::Load;
use super::super::model::{Row, Users};
use super::super::problem::Problem;
use super::super::template;
use super::Reading;

/// Identities of a load on a schedule that says neither `users` nor `max_in_flight`.
const OPEN_IDENTITIES: u32 = 1000;
const FIELDS: [&str; USERS.len()] = names(USERS);
const MOST: u64 = 1_000_000;
const DEFAULT_ID: &str = "user-{{ user.index }}";

impl Reading<'_> {
    pub(super) fn users(&mut self, node: Option<&Node>, load: Option<&Load>) -> Option<Users> {
        let mut count = None;
        let mut from = None;
        let mut rows: Vec<Row> = Vec::new();
        let mut id = DEFAULT_ID.to_owned();
        let mut place = None;
        let mut sessions_per_user = None;
        if let Some(node) = node {
            let fields = self.checker.fields(node, "users", &FIELDS)?;
            if let (Some(count), Some(_)) = (fields.get("count"), fields.get("from")) {
                let problem = Problem::new("`users` has either `count` or `from`")
                    .with_help("a file has as many users as rows");
                self.checker.note(count.head(), problem);
                return None;
            }
            if let Some(node) = fields.get("count") {
                count = Some(self.checker.number_u32(node, "users.count", 1..MOST + 1)?);
            }
            if let Some(node) = fields.get("from") {
                let (path, read) = self.object_file(node, "users.from")?;
                if read.len() as u64 > MOST {
                    let problem = Problem::new(format!("`users.from` has {} rows", read.len()))
                        .with_help(format!("at most {MOST} users are kept"));
                    self.checker.note(&node.place, problem);
                    return None;
                }
                // A file of users usually names them.
                if let Some(column) =
                    ["user_id", "id"].into_iter().find(|name| read[0].contains_key(*name))
                {
                    id = format!("{{{{ user.{column} }}}}");
                }
                from = Some(path);
                rows = read;
            }
            if let Some(node) = fields.get("id") {
                id = self.checker.text(node, "users.id")?;
                place = Some(node.place.clone());
            }
            if let Some(node) = fields.get("sessions_per_user") {
                sessions_per_user = Some(self.sessions_per_user(node, load)?);
            }
            place = place.or_else(|| Some(fields.place().clone()));
        }
        let identities = match (count, rows.len()) {
            (Some(count), _) => count,
            (None, 0) => match load? {
                Load::Once { concurrency } => *concurrency,
                Load::Closed { users, .. } => *users,
                Load::Open { max_in_flight, .. } | Load::Replay { max_in_flight, .. } => {
                    max_in_flight.unwrap_or(OPEN_IDENTITIES)
                }
            },
            (None, many) => u32::try_from(many).ok()?,
        };
        match ids(&id, identities, &rows) {
            Ok(ids) => Some(Users { count, rows, from, id, ids, sessions_per_user }),
            Err(sentence) => {
                let problem = Problem::new(sentence)
                    .with_help("`users.id` may name `user.index` and the fields of `users.from`");
                match place {
                    Some(place) => self.checker.note(&place, problem),
                    None => self.checker.note_anywhere(problem),
                }
                None
            }
        }
    }
}

impl Reading<'_> {
    fn sessions_per_user(&mut self, node: &Node, load: Option<&Load>) -> Option<u32> {
        let number = self.checker.number_u32(node, "users.sessions_per_user", 1..1_000_000_001)?;
        if let Some(Load::Once { .. }) = load {
            let problem = Problem::new("`sessions_per_user` does not go with a load of `once`")
                .with_help("there every user opens each inline session once");
            self.checker.note(node.head(), problem);
            return None;
        }
        Some(number)
    }
}

/// Each identity's `user_id`, or what is wrong with the template of them.
fn ids(id: &str, identities: u32, rows: &[Row]) -> Result<Vec<Arc<str>>, String> {
    let environment = template::environment();
    let broken = |error: &minijinja::Error| {
        format!("`users.id` cannot be rendered: {}", template::sentence(error))
    };
    let compiled = environment.template_from_str(id).map_err(|error| broken(&error))?;
    (0..identities as usize)
        .map(|index| {
            let user = template::user_value(index, rows.get(index), None);
            let context = template::map([("user", user)]);
            let text = compiled.render(context).map_err(|error| broken(&error))?;
            match text.is_empty() {
                true => Err(format!("`users.id` of user {index} is empty")),
                false => Ok(Arc::from(text)),
            }
        })
        .collect()
}
