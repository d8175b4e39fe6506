//! Words of GitHub Actions: workflow commands and output files, escaped.

/// A workflow command that puts `message` beside the job: `level` is `error` or `warning`.
pub(super) fn annotation(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}", property(title), data(message))
}

/// A line for the file of outputs; a value of several lines stands between marks.
pub(super) fn output(name: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{name}={value}\n");
    }
    let mut mark = "end_of_value".to_owned();
    while value.contains(&mark) {
        mark.push('_');
    }
    format!("{name}<<{mark}\n{value}\n{mark}\n")
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, where more signs have a meaning.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_command() {
        let line = annotation("error", "a::b, 5%", "x\r\n::set-output name=y::z 5%");
        assert_eq!(line, "::error title=a%3A%3Ab%2C 5%25::x%0D%0A::set-output name=y::z 5%25");
        assert_eq!(output("verdict", "as before"), "verdict=as before\n");
        assert_eq!(
            output("text", "a\nend_of_value\nx=y"),
            "text<<end_of_value_\na\nend_of_value\nx=y\nend_of_value_\n"
        );
    }
}
