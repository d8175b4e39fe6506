//! Quantiles by halving an interval. `statrs` has the distribution functions; its own search for a
//! quantile (Algorithm AS 109) does not come to an end where shapes are far apart, such as those of
//! 5 hits in ten million, or of Student's t with a million degrees of freedom. A comparison must.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::beta_reg;

/// From so many degrees of freedom on Student's t is normal to four digits.
const AS_NORMAL: f64 = 1e5;

/// How often Student's t exceeds `value` (0 or more); with infinitely many degrees of `freedom` it
/// is the normal distribution.
pub fn student_above(freedom: f64, value: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if freedom < AS_NORMAL => student.sf(value),
        _ => Normal::standard().sf(value),
    }
}

/// What Student's t exceeds with probability `tail`, which is below one half.
pub fn student_point(freedom: f64, tail: f64) -> f64 {
    let mut high = 2.0;
    while student_above(freedom, high) > tail && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    halved(0.0, high, |value| student_above(freedom, value) <= tail)
}

/// The `share`-quantile of the beta distribution with the shapes `a` and `b`.
pub fn beta_quantile(a: f64, b: f64, share: f64) -> f64 {
    halved(0.0, 1.0, |value| beta_reg(a, b, value) >= share)
}

/// Where `beyond` turns from false to true between `low` and `high`.
fn halved(mut low: f64, mut high: f64, beyond: impl Fn(f64) -> bool) -> f64 {
    // It ends where there is no number between the two; even from 0 that takes some 1,100 steps.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        match beyond(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, off: f64) {
        assert!((value / expected - 1.0).abs() < off, "{value} for {expected}");
    }

    #[test]
    fn points_of_students_t_are_those_of_scipy() {
        // scipy 1.17.1: t.ppf(0.975, freedom), t.sf(4, freedom).
        for (freedom, point, above) in [
            (1.0, 12.706_204_736_174_694, 0.077_979_130_377_369_32),
            (2.2, 3.948_720_749_712_723, 0.024_365_313_363_883_07),
            (7.0, 2.364_624_251_592_784, 0.002_594_956_674_648_406_4),
            (99.9, 1.983_995_838_076_938_5, 6.079_782_114_340_863e-5),
            (2_998.0, 1.960_755_583_264_280_5, 3.243_659_936_369_447e-5),
            (90_000.0, 1.959_990_343_457_739_5, 3.169_652_804_509_477e-5),
        ] {
            near(student_point(freedom, 0.025), point, 1e-8);
            near(student_above(freedom, 4.0), above, 1e-8);
        }
        near(student_point(f64::INFINITY, 0.025), 1.959_963_984_540_054, 1e-9);
        near(student_point(1.0, 1.0 / 730.0), 232.364_782_395_194_1, 1e-9);
    }

    #[test]
    fn every_freedom_has_a_point_and_more_freedom_no_higher_one() {
        let mut before = f64::INFINITY;
        for step in 0..2_500 {
            let point = student_point(1.008f64.powi(step), 0.025);
            assert!(point <= before * (1.0 + 1e-6) && point > 1.9599, "{step}: {point}");
            before = point;
        }
    }

    #[test]
    fn points_of_beta_are_those_of_scipy_also_of_many() {
        // scipy 1.17.1: beta.ppf(share, a, b).
        for (a, b, share, expected) in [
            (1.0, 600.0, 0.975, 0.006_129_271_330_669_258),
            (3.0, 598.0, 0.025, 0.001_032_309_516_995_119_2),
            (301.0, 300.0, 0.975, 0.540_756_319_733_173_1),
            (5_000.0, 5_001.0, 0.025, 0.490_151_380_589_980_5),
            (1.0, 1e6, 0.975, 3.688_872_650_206_488e-6),
            (5.0, 999_996.0, 0.025, 1.623_488_319_241_170_3e-6),
            (5_001.0, 995_000.0, 0.975, 0.005_140_187_265_579_256),
            (6.0, 99_999_995.0, 0.975, BETA_OF_MANY),
        ] {
            near(beta_quantile(a, b, share), expected, 1e-6);
        }
    }

    const BETA_OF_MANY: f64 = 1.166_833_169_350_500_8e-7;
}
