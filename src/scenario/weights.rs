//! Weights of sessions against each other.

/// The longest block that shows every proportion exactly; longer ones cost time for each session.
pub(super) const LONGEST_BLOCK: u64 = 10_000;

/// The same proportions in the smallest whole numbers: 70 and 30 are 7 and 3.
pub fn reduced(weights: &[u32]) -> Vec<u32> {
    let common = weights.iter().copied().fold(0, greatest_common_divisor).max(1);
    weights.iter().map(|weight| weight / common).collect()
}

/// By Euclid.
fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_reduced_to_what_they_say() {
        assert_eq!(reduced(&[70, 30]), [7, 3]);
        assert_eq!(reduced(&[5]), [1]);
        assert_eq!(reduced(&[2, 3]), [2, 3]);
    }
}
