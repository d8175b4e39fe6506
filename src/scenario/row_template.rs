//! A message that is built from a row: `Summarise: {{ row.text }}`.

use minijinja::Environment;

use super::model::Row;
use super::problem::Problem;
use super::template;

/// A compiled template that may name `row` alone.
#[derive(Debug)]
pub struct RowTemplate {
    environment: Environment<'static>,
    text: String,
}

const NAME: &str = "message";

impl RowTemplate {
    /// Compiles a template.
    ///
    /// # Errors
    /// It is not a template, or names something else than `row`.
    pub fn new(text: &str) -> Result<Self, Problem> {
        let names = template::names(text).map_err(|error| {
            Problem::new(format!("`{text}` is not a template: {}", template::sentence(&error)))
        })?;
        if let Some(other) = names.iter().find(|name| name.split('.').next() != Some("row")) {
            return Err(Problem::new(format!("the template `{text}` names `{other}`"))
                .with_help("a batch knows the row alone: {{ row.FIELD }}"));
        }
        let mut environment = template::environment();
        environment
            .add_template_owned(NAME, text.to_owned())
            .map_err(|error| Problem::new(template::sentence(&error)))?;
        Ok(Self { environment, text: text.to_owned() })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The message of one row.
    ///
    /// # Errors
    /// One sentence on why it cannot be rendered, such as a field the row does not have.
    pub fn render(&self, row: &Row) -> Result<String, String> {
        let context = template::map([("row", template::row_value(row))]);
        let template = self.environment.get_template(NAME);
        template
            .and_then(|template| template.render(context))
            .map_err(|error| template::sentence(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_built_from_the_row_and_nothing_else() {
        let row: Row = serde_json::from_str(r#"{"text": "a {{ b }}", "n": 3}"#).unwrap();
        let template = RowTemplate::new("Sum {{ row.n }}: {{ row.text }}\n").unwrap();
        assert_eq!(template.render(&row).unwrap(), "Sum 3: a {{ b }}\n");
        assert!(RowTemplate::new("{{ rwo.text }}").unwrap_err().to_string().contains("`rwo"));
        assert!(RowTemplate::new("{{ row.text").is_err());
        assert!(RowTemplate::new("{{ row.nothing }}").unwrap().render(&row).is_err());
    }
}
