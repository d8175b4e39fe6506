//! Markdown that fits where it is shown.

/// GitHub refuses a job summary above 1 MiB; other steps of the job have a share of their own.
pub const JOB_SUMMARY_BYTES: usize = 1 << 20;

/// What stands in place of what was cut.
const NOTICE: &str = "\n\n*Cut here: the whole would be too large for a job summary. The run \
                      directory has everything.*\n";

/// `text` in less than `bytes`: cut at the end of a line, and saying so. Nothing is cut where it
/// fits.
pub fn cut_to(text: &str, bytes: usize) -> String {
    if text.len() < bytes {
        return text.to_owned();
    }
    let mut room = bytes.saturating_sub(NOTICE.len() + 1);
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    let end = text[..room].rfind('\n').unwrap_or(room);
    format!("{}{NOTICE}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_lines_and_says_so() {
        let long = "a line with an ä in it\n".repeat(100);
        let cut = cut_to(&long, 1_000);
        assert!(cut.len() < 1_000 && cut.ends_with(NOTICE), "{cut}");
        assert!(cut.trim_end_matches(NOTICE).ends_with("in it"), "whole lines are kept");
        assert_eq!(cut_to(&long, long.len() + 1), long);
        assert!(cut_to(&"ä".repeat(1_000), 500).len() < 500);
    }
}
