//! A message that is built from a row: `Summarise: {{ row.text }}`.

use minijinja::Environment;

use super::model::Row;
use super::problem::Problem;
use super::template;

/// A compiled template that may name `row`, and `vars` of the row.
#[derive(Debug)]
pub struct RowTemplate {
    environment: Environment<'static>,
    text: String,
    names_vars: bool,
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
        let first = |name: &String| name.split('.').next().unwrap_or("").to_owned();
        let other = names.iter().find(|name| !["row", "vars"].contains(&&*first(name)));
        if let Some(other) = other {
            return Err(Problem::new(format!("the template `{text}` names `{other}`")).with_help(
                "a batch knows the row and its vars: {{ row.FIELD }}, {{ vars.NAME }}",
            ));
        }
        let names_vars = names.iter().any(|name| first(name) == "vars");
        let mut environment = template::environment();
        environment
            .add_template_owned(NAME, text.to_owned())
            .map_err(|error| Problem::new(template::sentence(&error)))?;
        Ok(Self { environment, text: text.to_owned(), names_vars })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it takes values from `vars`.
    pub fn names_vars(&self) -> bool {
        self.names_vars
    }

    /// The message of one row with these `vars`.
    ///
    /// # Errors
    /// One sentence on why it cannot be rendered, such as a field the row does not have.
    pub fn render(&self, row: &Row, vars: &Row) -> Result<String, String> {
        let context =
            template::map([("row", template::row_value(row)), ("vars", template::row_value(vars))]);
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
        assert_eq!(template.render(&row, &Row::new()).unwrap(), "Sum 3: a {{ b }}\n");
        assert!(RowTemplate::new("{{ rwo.text }}").unwrap_err().to_string().contains("`rwo"));
        assert!(RowTemplate::new("{{ row.text").is_err());
        assert!(RowTemplate::new("{{ row.nothing }}").unwrap().render(&row, &Row::new()).is_err());
    }
}
