//! Critical values and tail probabilities of the normal distribution, to full precision.

use crate::distribution::{inverse_normal, normal_probability};
use std::f64::consts::TAU;

/// Confidence of the intervals that are reported.
pub const LEVEL: f64 = 0.95;

/// Returns how many standard errors a two-sided interval reaches to either side, if it is to miss with probability
/// `miss`, from 1e-30 to below 1.
///
/// # Precision
/// Relative error below 1e-13: two steps of Newton's method on a value that is good to 2e-7.
pub(super) fn two_sided(miss: f64) -> f64 {
    one_sided(miss / 2.0)
}

/// Returns how many standard errors a bound lies from the estimate, if it is to miss with probability `miss`.
///
/// # Precision
/// As [`two_sided`].
pub(super) fn one_sided(miss: f64) -> f64 {
    let mut z: f64 = -inverse_normal::<f64>(miss);
    for _ in 0..2 {
        let density = (-0.5 * z * z).exp() / TAU.sqrt();
        z += (normal_probability(-z) - miss) / density;
    }
    z
}

/// Returns the probability that a normal estimate of zero lies at least `mean` above it.
///
/// An estimate without error decides: 0 above zero, 1 elsewhere.
pub(super) fn upper_tail(mean: f64, standard_error: f64) -> f64 {
    if standard_error > 0.0 {
        normal_probability(-mean / standard_error)
    } else if mean > 0.0 {
        0.0
    } else {
        1.0
    }
}

/// Returns the probability that a normal estimate of zero lies at least as far from it as `mean`.
pub(super) fn both_tails(mean: f64, standard_error: f64) -> f64 {
    (2.0 * upper_tail(mean.abs(), standard_error)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of R's `qnorm`, printed to 16 digits.
    #[test]
    fn critical_values_are_those_of_the_tables() {
        for (miss, z) in [
            (0.05, 1.959_963_984_540_054),
            (0.01, 2.575_829_303_548_901),
            (0.05 / 3.0, 2.393_979_800_018_51),
            (1e-6, 4.891_638_475_698_59),
            (0.5, 0.674_489_750_196_081_7),
        ] {
            assert!(
                (two_sided(miss) - z).abs() < 1e-9,
                "{miss}: {}",
                two_sided(miss)
            );
        }
        assert!((two_sided(0.05) - 1.959_963_984_540_054).abs() < 1e-13);
        assert!((one_sided(0.05) - 1.644_853_626_951_472).abs() < 1e-13);
    }

    #[test]
    fn estimates_without_error_decide() {
        assert_eq!((upper_tail(1.0, 0.0), upper_tail(0.0, 0.0)), (0.0, 1.0));
        assert_eq!(upper_tail(-1.0, 0.0), 1.0);
        assert_eq!((both_tails(-1.0, 0.0), both_tails(0.0, 0.0)), (0.0, 1.0));
        assert_eq!((both_tails(0.0, 1.0), upper_tail(0.0, 1.0)), (1.0, 0.5));
    }
}
