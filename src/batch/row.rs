//! One row of a prompt file: what is sent, by what it is known, and what is passed through.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::expected::expected;
use crate::expect::Expectations;
use crate::scenario::{Row, RowTemplate};

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// A header, then records (RFC 4180).
    Csv,
    /// A prompt a line.
    Text,
    /// Lines of an OpenAI batch file: `custom_id` and `body.messages`.
    OpenAi,
}

impl Format {
    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Text => "txt",
            Self::OpenAi => "openai-batch",
        }
    }
}

/// Which fields of a row hold what. `None`: the usual name, where a row has it.
#[derive(Debug, Default)]
pub struct Fields {
    /// The message, or the list of messages.
    pub message: Option<String>,
    /// The id.
    pub id: Option<String>,
    /// The session that the row belongs to.
    pub session: Option<String>,
    /// What the answers have to be.
    pub expect: Option<String>,
    /// Values for the template.
    pub vars: Option<String>,
    /// Builds the message from the whole row.
    pub template: Option<RowTemplate>,
}

/// A row, ready to be asked.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The id it was given, if any.
    pub id: Option<String>,
    /// The session it belongs to, if any.
    pub session: Option<String>,
    /// What is said, turn by turn; never empty, and no turn is.
    pub turns: Arc<[Arc<str>]>,
    /// What the answer to each turn has to be; empty where the row expects nothing.
    pub expect: Arc<[Expectations]>,
    /// It is a list of messages, even if of one.
    pub scripted: bool,
    /// The other fields, as they were written.
    pub meta: Vec<(String, Box<RawValue>)>,
}

/// A row as it stands in the file.
#[derive(Debug)]
pub struct Record(pub Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if fields.iter().any(|(known, _)| *known == name) {
                        let why = format!("the field `{name}` stands twice in it");
                        return Err(serde::de::Error::custom(why));
                    }
                    fields.push((name, value));
                }
                Ok(Record(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The field that turns come from, what is said, and whether it is a list.
type Said = (Option<String>, Vec<Arc<str>>, bool);

impl Record {
    /// Takes one record of a file apart. `columns` are those of a csv file.
    ///
    /// # Errors
    /// One sentence on what is wrong with it.
    pub fn read(format: Format, columns: &[String], bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "it is not UTF-8: save the file as UTF-8".to_owned())?;
        match format {
            Format::Text => Ok(Self(vec![("message".into(), quoted(text))])),
            Format::JsonLines | Format::OpenAi => serde_json::from_str(text).map_err(|error| {
                let whole = error.to_string();
                let why = &whole[..whole.rfind(" at line ").unwrap_or(whole.len())];
                match error.is_data() {
                    true => format!("it is not a row: {why}"),
                    false => format!("it is not JSON: {why} (column {})", error.column()),
                }
            }),
            Format::Csv => {
                let mut reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(text.as_bytes());
                let cells = reader.records().next().ok_or("it is empty")?;
                let cells = cells.map_err(|error| error.to_string())?;
                if cells.len() != columns.len() {
                    return Err(format!(
                        "it has {} cells, the header has {}: put quotes round a cell that holds a comma",
                        cells.len(),
                        columns.len()
                    ));
                }
                let fields = columns.iter().zip(&cells);
                Ok(Self(fields.map(|(name, cell)| (name.clone(), quoted(cell))).collect()))
            }
        }
    }

    /// A field's value, as it was written.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// A field's text; of a number or truth value, what was written.
    pub fn word(&self, name: &str) -> Option<String> {
        word(self.get(name)?)
    }

    /// The row as it is asked.
    ///
    /// # Errors
    /// One sentence on what is wrong with it.
    pub fn prompt(self, format: Format, fields: &Fields) -> Result<Prompt, String> {
        let id_field =
            self.field(&fields.id, if format == Format::OpenAi { "custom_id" } else { "id" });
        let id = match id_field.filter(|name| self.get(name).is_some()) {
            Some(name) => Some(
                self.word(name)
                    .filter(|id| !id.is_empty())
                    .ok_or_else(|| format!("its id `{name}` is neither a text nor a number"))?,
            ),
            None => None,
        };
        if id.is_none() && fields.id.is_some() {
            return Err(self.no_field(fields.id.as_deref().unwrap_or("id"), "id"));
        }
        let session_field = fields.session.as_deref().unwrap_or("session");
        let session = match self.get(session_field) {
            None => None,
            Some(value) if value.get() == "null" => None,
            Some(value) => Some(word(value).filter(|text| !text.is_empty()).ok_or_else(|| {
                format!("its session `{session_field}` is neither a text nor a number")
            })?),
        };
        if session.is_none() && fields.session.is_some() {
            return Err(self.no_field(session_field, "session"));
        }
        let (source, turns, scripted) = self.turns(format, fields)?;
        if turns.iter().any(|turn| turn.is_empty()) || turns.is_empty() {
            return Err("its message is empty".into());
        }
        let expect_field = fields.expect.as_deref().unwrap_or("expect");
        let expect = match self.get(expect_field) {
            Some(value) => expected(value, turns.len())?,
            None if fields.expect.is_some() => return Err(self.no_field(expect_field, "expect")),
            None => Arc::default(),
        };
        let id_field = id_field.map(str::to_owned);
        let passed =
            |name: &str| Some(name) != source.as_deref() && Some(name) != id_field.as_deref();
        let meta = self.0.into_iter().filter(|(name, _)| passed(name)).collect();
        Ok(Prompt { id, session, turns: turns.into(), expect, scripted, meta })
    }

    fn field<'a>(&self, given: &'a Option<String>, usual: &'a str) -> Option<&'a str> {
        given.as_deref().or_else(|| self.get(usual).map(|_| usual))
    }

    fn turns(&self, format: Format, fields: &Fields) -> Result<Said, String> {
        if let Some(template) = &fields.template {
            let text = self.rendered(template, fields.vars.as_deref())?;
            return Ok((None, vec![text.into()], false));
        }
        if format == Format::OpenAi {
            return Ok((Some("body".into()), vec![self.openai_message()?.into()], false));
        }
        let name = match &fields.message {
            Some(name) => name.as_str(),
            None if self.get("message").is_some() => "message",
            None => "turns",
        };
        let Some(value) = self.get(name) else {
            return Err(self.no_field(fields.message.as_deref().unwrap_or("message"), "message"));
        };
        let source = Some(name.to_owned());
        if let Ok(text) = serde_json::from_str::<String>(value.get()) {
            return Ok((source, vec![text.into()], false));
        }
        match serde_json::from_str::<Vec<String>>(value.get()) {
            Ok(turns) if turns.is_empty() => Err(format!("its list `{name}` is empty")),
            Ok(turns) => Ok((source, turns.into_iter().map(Arc::from).collect(), true)),
            Err(_) => Err(format!("its `{name}` is neither a text nor a list of texts")),
        }
    }

    /// The message that `template` makes of the row; `vars` names the field with further values, which
    /// is an object, or (in a csv cell) the text of one.
    fn rendered(&self, template: &RowTemplate, vars: Option<&str>) -> Result<String, String> {
        let mut row = Row::new();
        for (name, value) in &self.0 {
            let value = serde_json::from_str(value.get()).map_err(|error| error.to_string())?;
            row.insert(name.clone(), value);
        }
        let name = vars.unwrap_or("vars");
        let values = match row.get(name) {
            None if vars.is_some() => return Err(self.no_field(name, "vars")),
            None | Some(Value::Null) => Row::new(),
            Some(Value::Object(values)) => values.clone(),
            Some(Value::String(text)) if text.trim().is_empty() => Row::new(),
            // A field that happens to have the usual name may be anything.
            Some(_) if vars.is_none() && !template.names_vars() => Row::new(),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map_err(|_| format!("its `{name}` is not an object of values"))?,
            Some(_) => return Err(format!("its `{name}` is not an object of values")),
        };
        template.render(&row, &values).map_err(|why| format!("its message: {why}"))
    }

    /// The one user message of an OpenAI batch row.
    fn openai_message(&self) -> Result<String, String> {
        #[derive(serde::Deserialize)]
        struct Body {
            messages: Vec<Message>,
        }
        #[derive(serde::Deserialize)]
        struct Message {
            role: String,
            content: String,
        }
        let body = self.get("body").ok_or("it has no `body`: it is no row of an OpenAI batch")?;
        let body: Body = serde_json::from_str(body.get()).map_err(|_| {
            "its `body.messages` is not a list of messages with role and text".to_owned()
        })?;
        match <[Message; 1]>::try_from(body.messages) {
            Ok([one]) if one.role == "user" => Ok(one.content),
            _ => Err("its `body.messages` is more than one message of the user, and this agent \
                      takes one message: write the conversation as `turns`"
                .into()),
        }
    }

    fn no_field(&self, name: &str, role: &str) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let map = match names.first() {
            Some(first) if role == "message" => {
                let guess = ["question", "prompt", "text", "input", "query"];
                let likely = guess.iter().find(|one| names.contains(one)).unwrap_or(first);
                format!(": say which holds the {role} with --map {role}={likely}")
            }
            _ => String::new(),
        };
        format!("it has no field `{name}`; its fields are {}{map}", names.join(", "))
    }
}

fn word(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Box<RawValue> {
    // A text can always be written as JSON.
    serde_json::value::to_raw_value(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(line: &str, fields: &Fields) -> Result<Prompt, String> {
        Record::read(Format::JsonLines, &[], line.as_bytes())?.prompt(Format::JsonLines, fields)
    }

    #[test]
    fn a_row_is_taken_apart_and_the_rest_passed_through_as_written() {
        let line =
            "{\"id\": 007.0, \"message\": \" a\u{2028}b \", \"cost\": 1.10, \"tags\": [1,  2]}";
        assert!(prompt(line, &Fields::default()).is_err(), "007 is no JSON number");
        let row = prompt(&line.replace("007", "7"), &Fields::default()).unwrap();
        assert_eq!(row.id.as_deref(), Some("7.0"));
        assert_eq!(&*row.turns[0], " a\u{2028}b ");
        let meta: Vec<_> =
            row.meta.iter().map(|(name, value)| (name.as_str(), value.get())).collect();
        assert_eq!(meta, [("cost", "1.10"), ("tags", "[1,  2]")]);
    }

    #[test]
    fn fields_can_be_named_and_lists_are_scripts() {
        let named = Fields {
            message: Some("q".into()),
            id: Some("n".into()),
            session: Some("chat".into()),
            ..Fields::default()
        };
        let row = prompt(r#"{"q": ["a", "b"], "n": "x", "chat": 5}"#, &named).unwrap();
        assert_eq!((row.turns.len(), row.scripted), (2, true));
        assert_eq!((row.id.as_deref(), row.session.as_deref()), (Some("x"), Some("5")));
        let built = Fields {
            template: Some(RowTemplate::new("<{{ row.q }}>").unwrap()),
            ..Fields::default()
        };
        assert_eq!(&*prompt(r#"{"q": "a"}"#, &built).unwrap().turns[0], "<a>");
        let valued = Fields {
            template: Some(RowTemplate::new("{{ row.q }} in {{ vars.style }}").unwrap()),
            ..Fields::default()
        };
        for line in [
            r#"{"q": "a", "vars": {"style": "verse"}}"#,
            r#"{"q": "a", "vars": "{\"style\": \"verse\"}"}"#,
        ] {
            assert_eq!(&*prompt(line, &valued).unwrap().turns[0], "a in verse");
        }
        assert!(prompt(r#"{"q": "a", "vars": 5}"#, &valued).unwrap_err().contains("object"));
        assert!(prompt(r#"{"q": "a"}"#, &valued).is_err());
        assert!(prompt(r#"{"q": "a", "vars": 5}"#, &built).is_ok(), "nobody asked for it");
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said_with_what_to_type() {
        for (line, why) in [
            (r#"{"question": "a"}"#, "--map message=question"),
            (r#"{"message": ""}"#, "is empty"),
            (r#"{"message": 5}"#, "neither a text nor a list"),
            (r#"{"turns": []}"#, "is empty"),
            (r#"{"turns": ["a", 5]}"#, "neither a text nor a list"),
            (r#"{"message": "a", "id": [1]}"#, "neither a text nor a number"),
            (r#"{"message": "a", "message": "b"}"#, "stands twice"),
            (r#""a""#, "not a row"),
            (r#"{"message": a}"#, "not JSON"),
        ] {
            let error = prompt(line, &Fields::default()).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn an_openai_row_is_its_one_user_message() {
        let read = |line: &str| {
            Record::read(Format::OpenAi, &[], line.as_bytes())?
                .prompt(Format::OpenAi, &Fields::default())
        };
        let row = read(r#"{"custom_id": "r1", "method": "POST", "url": "/v1/x", "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]}}"#).unwrap();
        assert_eq!((row.id.as_deref(), &*row.turns[0]), (Some("r1"), "hi"));
        let two = r#"{"custom_id": "r1", "body": {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]}}"#;
        assert!(read(two).unwrap_err().contains("turns"));
    }
}
