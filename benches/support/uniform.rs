//! Whether values from 0 to 1 are uniform: the test of Kolmogorov and Smirnov.

/// How likely places this far from uniform are by chance (Kolmogorov's distribution with Stephens's
/// correction).
pub(crate) fn p_value(mut places: Vec<f64>) -> f64 {
    places.sort_by(f64::total_cmp);
    let n = places.len() as f64;
    let distance = (0u32..)
        .zip(&places)
        .map(|(i, place)| (place - f64::from(i) / n).max(f64::from(i + 1) / n - place))
        .fold(0.0, f64::max);
    let scaled = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    if scaled < 0.2 {
        return 1.0;
    }
    let terms = (1..=100).map(|k| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * scaled * scaled).exp()
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}
