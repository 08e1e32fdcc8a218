//! Critical values and tail probabilities of the normal distribution and, for few observations, of Student's.

use crate::distribution::{inverse_normal, normal_probability};
use std::f64::consts::{PI, TAU};

/// Confidence of the intervals that are reported.
pub const LEVEL: f64 = 0.95;

/// With fewer observations, a mean over its standard error is taken to have Student's distribution, else the normal one.
///
/// At a hundred the critical values of 95 % differ by 1.2 %, less than the standard error is known to.
pub const FEW_EPISODES: u64 = 100;

/// Returns how many standard errors a two-sided interval reaches to either side, if it is to miss with probability
/// `miss`, from 1e-30 to below 1, over many observations.
///
/// # Precision
/// Relative error below 1e-13: two steps of Newton's method on a value that is good to 2e-7.
pub(crate) fn two_sided(miss: f64) -> f64 {
    one_sided(miss / 2.0)
}

/// Returns how many standard errors a bound lies from the estimate, if it is to miss with probability `miss`.
fn one_sided(miss: f64) -> f64 {
    let mut z: f64 = -inverse_normal::<f64>(miss);
    for _ in 0..2 {
        let density = (-0.5 * z * z).exp() / TAU.sqrt();
        z += (normal_probability(-z) - miss) / density;
    }
    z
}

/// Returns how many standard errors an interval reaches to either side that covers with probability `level`, above 0 and at most
/// 1 - 1e-12: by Student's distribution for the mean of `count` observations, if these are fewer than [`FEW_EPISODES`], else by the
/// normal one. `None` for fewer than two observations.
///
/// ```
/// use slatesim::statistics::critical_value;
///
/// assert!((critical_value(0.95, 1000).unwrap() - 1.959_963_985).abs() < 1e-9);
/// assert!((critical_value(0.95, 2).unwrap() - 12.706_204_736).abs() < 1e-8);
/// assert_eq!(critical_value(0.95, 1), None);
/// ```
pub fn critical_value(level: f64, count: u64) -> Option<f64> {
    let miss = (1.0 - level.clamp(0.0, 1.0 - 1e-12)) / 2.0;
    match count {
        0 | 1 => None,
        count if count < FEW_EPISODES => Some(student_one_sided(miss, count - 1)),
        _ => Some(one_sided(miss)),
    }
}

/// Holds a mean, its standard error, and the number of observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    pub(crate) standard_error: f64,
    pub(crate) count: u64,
}

impl Estimate {
    /// Makes an estimate of a sample; `None` if its standard error is unknown, or if its observations are few and all equal,
    /// which says nothing about further ones.
    pub(crate) fn of(mean: Option<f64>, standard_error: Option<f64>, count: u64) -> Option<Self> {
        let (mean, standard_error) = mean.zip(standard_error)?;
        let is_known = standard_error > 0.0 || count >= FEW_EPISODES;
        (count >= 2 && is_known).then_some(Self {
            mean,
            standard_error,
            count,
        })
    }

    /// Returns the degrees of freedom, where they are few enough to matter.
    fn degrees(&self) -> Option<u64> {
        (self.count < FEW_EPISODES).then(|| self.count - 1)
    }

    /// Returns how far a bound lies from the mean, if it is to miss with probability `miss`.
    pub(crate) fn reach(&self, miss: f64) -> f64 {
        let critical = match self.degrees() {
            None => one_sided(miss),
            Some(degrees) => student_one_sided(miss, degrees),
        };
        critical * self.standard_error
    }

    /// Returns the two-sided interval that misses with probability `miss`.
    pub(crate) fn interval(&self, miss: f64) -> [f64; 2] {
        let reach = self.reach(miss / 2.0);
        [self.mean - reach, self.mean + reach]
    }

    /// Returns the probability that an estimate whose true value is zero is at least as large as this one.
    ///
    /// An estimate without error decides: 0 above zero, 1 elsewhere.
    pub(crate) fn upper_tail(&self) -> f64 {
        if self.standard_error > 0.0 {
            let distance = self.mean / self.standard_error;
            match self.degrees() {
                None => normal_probability(-distance),
                Some(degrees) => student_upper_tail(distance, degrees),
            }
        } else if self.mean > 0.0 {
            0.0
        } else {
            1.0
        }
    }

    /// Returns the probability that an estimate whose true value is zero is at least as far from zero as this one.
    pub(crate) fn both_tails(&self) -> f64 {
        let upper = Self {
            mean: self.mean.abs(),
            ..*self
        };
        (2.0 * upper.upper_tail()).min(1.0)
    }
}

/// Returns the value that Student's distribution exceeds with probability `miss`, below one half.
///
/// # Precision
/// Relative error below 1e-12: bisection to the last bits.
pub(crate) fn student_one_sided(miss: f64, degrees: u64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_upper_tail(high, degrees) > miss && high < 1e300 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if student_upper_tail(middle, degrees) > miss {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Returns the probability that Student's distribution exceeds `t`.
///
/// ```text
/// 1/2 I_x(ν/2, 1/2),   x = ν / (ν + t²),   t >= 0
/// ```
///
/// # Precision
/// Relative error below 1e-12 up to some hundred degrees of freedom.
///
/// # Source
/// Abramowitz and Stegun, 26.7.1 and 26.5.8 (continued fraction of the incomplete beta function).
fn student_upper_tail(t: f64, degrees: u64) -> f64 {
    if t < 0.0 {
        return 1.0 - student_upper_tail(-t, degrees);
    }
    let (half, nu) = (0.5 * degrees as f64, degrees as f64);
    // Each of the two is computed directly: 1 minus the other would lose digits.
    let (x, rest) = (nu / (nu + t * t), t * t / (nu + t * t));
    let front = x.powf(half) * rest.sqrt() / beta_with_half(degrees);
    if x < (half + 1.0) / (half + 2.5) {
        0.5 * front * beta_fraction(half, 0.5, x) / half
    } else {
        0.5 - 0.5 * front * beta_fraction(0.5, half, rest) / 0.5
    }
}

/// Returns B(ν/2, 1/2), from B(1/2, 1/2) = π or B(1, 1/2) = 2 by B(a + 1, b) = B(a, b) a / (a + b).
fn beta_with_half(degrees: u64) -> f64 {
    let (mut value, mut nu) = if degrees % 2 == 1 { (PI, 1) } else { (2.0, 2) };
    while nu < degrees {
        let half = 0.5 * nu as f64;
        value *= half / (half + 0.5);
        nu += 2;
    }
    value
}

/// Evaluates the continued fraction of the incomplete beta function by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guarded = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = value;
        for numerator in [even, odd] {
            d = 1.0 / guarded(1.0 + numerator * d);
            c = guarded(1.0 + numerator / c);
            value *= c * d;
        }
        if (value - before).abs() <= 1e-15 * value.abs() {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(mean: f64, standard_error: f64, count: u64) -> Estimate {
        Estimate {
            mean,
            standard_error,
            count,
        }
    }

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

    /// The table of Student's distribution (Abramowitz and Stegun, table 26.10), to its three decimals; with one degree it is
    /// Cauchy's, 1 / tan(π p), and with two it has a closed form.
    #[test]
    fn students_critical_values_are_those_of_the_tables() {
        for (degrees, at_5, at_1) in [
            (1, 12.706, 63.657),
            (2, 4.303, 9.925),
            (3, 3.182, 5.841),
            (4, 2.776, 4.604),
            (9, 2.262, 3.250),
            (29, 2.045, 2.756),
            (60, 2.000, 2.660),
        ] {
            for (miss, expected) in [(0.025, at_5), (0.005, at_1)] {
                let found = student_one_sided(miss, degrees);
                assert!((found - expected).abs() < 6e-4, "{degrees}: {found}");
            }
        }
        for miss in [0.4, 0.15, 1e-3, 1e-9] {
            let cauchy = 1.0 / (PI * miss).tan();
            assert!((student_one_sided(miss, 1) / cauchy - 1.0).abs() < 1e-9);
            let alpha: f64 = 4.0 * miss * (1.0 - miss);
            let two = 2.0 * (0.5 - miss) * (2.0 / alpha).sqrt();
            assert!((student_one_sided(miss, 2) / two - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn students_tail_is_that_of_the_normal_distribution_in_the_limit_and_heavier_before() {
        for t in [0.0, 0.3, 1.0, 2.5, 6.0] {
            let mut before = student_upper_tail(t, 1);
            for degrees in [2, 5, 20, 98, 100_000] {
                let tail = student_upper_tail(t, degrees);
                assert!(tail <= before + 1e-15, "{t} {degrees}");
                assert!((student_upper_tail(-t, degrees) - (1.0 - tail)).abs() < 1e-15);
                before = tail;
            }
            assert!((before / normal_probability(-t) - 1.0).abs() < 1e-2, "{t}");
        }
    }

    #[test]
    fn few_observations_are_judged_by_students_distribution_and_many_by_the_normal_one() {
        // Two observations: one degree of freedom, Cauchy's distribution.
        let two = estimate(1.0, 0.5, 2);
        let tail = 0.5 - 2_f64.atan() / PI;
        assert!((two.upper_tail() - tail).abs() < 1e-14);
        assert!((two.both_tails() - 2.0 * tail).abs() < 1e-14);
        let [low, high] = two.interval(0.05);
        assert!((low - (1.0 - 6.353_102)).abs() < 1e-5 && (high - 7.353_102).abs() < 1e-5);
        let many = estimate(1.0, 0.5, FEW_EPISODES);
        assert!((many.upper_tail() - normal_probability(-2.0)).abs() < 1e-15);
        let [low, high] = many.interval(0.05);
        assert!((high - low - 1.959_963_984_540_054).abs() < 1e-12);
    }

    #[test]
    fn estimates_without_error_decide() {
        let of = |mean, standard_error| estimate(mean, standard_error, 1000);
        assert_eq!(
            (of(1.0, 0.0).upper_tail(), of(0.0, 0.0).upper_tail()),
            (0.0, 1.0)
        );
        assert_eq!(of(-1.0, 0.0).upper_tail(), 1.0);
        assert_eq!(
            (of(-1.0, 0.0).both_tails(), of(0.0, 0.0).both_tails()),
            (0.0, 1.0)
        );
        assert_eq!(
            (of(0.0, 1.0).both_tails(), of(0.0, 1.0).upper_tail()),
            (1.0, 0.5)
        );
    }

    #[test]
    fn few_observations_that_are_equal_tell_no_error() {
        assert_eq!(Estimate::of(Some(1.0), Some(0.0), 3), None);
        assert!(Estimate::of(Some(1.0), Some(0.0), FEW_EPISODES).is_some());
        assert!(Estimate::of(Some(1.0), Some(0.1), 3).is_some());
        assert_eq!(Estimate::of(Some(1.0), None, 1), None);
    }
}
