//! A number of things.

/// A number and its noun, such as `1 session` or `5 retries`.
pub fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
