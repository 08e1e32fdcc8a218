//! The interval in which a number is allowed.

use std::fmt;

/// Limits a number from below and above, each side inclusive or exclusive.
///
/// NaN and infinities are always outside, and so are magnitudes above 1e12: lanes compute in single precision, which ends at
/// 3.4e38, and multiply up to three such numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    lower: f64,
    upper: f64,
    lower_exclusive: bool,
    upper_exclusive: bool,
    /// Whether probabilities that draws cannot resolve are excluded.
    is_resolved: bool,
}

/// The largest magnitude of a number; also the inverse of the smallest number, where numbers have to be above 0.
const LARGEST: f64 = 1e12;
/// Draws have 23 bits: a smaller probability is off by more than a sixteenth, or counts as 0.
const SMALLEST_PROBABILITY: f64 = 1.0 / (1 << 20) as f64;

impl Bounds {
    /// Allows every finite number that is not too large for single precision.
    pub const FINITE: Self = Self::between(-LARGEST, LARGEST);
    /// Allows zero and above: standard deviations, masses.
    pub const NON_NEGATIVE: Self = Self::at_least(0.0);
    /// Allows numbers next to which others keep their digits in single precision: qualities, features, and their weights.
    pub const MODERATE: Self = Self::between(-1e3, 1e3);
    /// Allows numbers above zero whose inverse is not too large: lengths, budgets.
    pub const POSITIVE: Self = Self::between(1.0 / LARGEST, LARGEST);
    /// Allows 0 to 1, both included: shares.
    pub const UNIT: Self = Self::between(0.0, 1.0);
    /// Allows 0, 1, and those between that draws can resolve: probabilities that draws are compared with.
    pub const PROBABILITY: Self = Self {
        is_resolved: true,
        ..Self::UNIT
    };

    /// Allows `lower` to `upper`, both included.
    #[must_use]
    pub const fn between(lower: f64, upper: f64) -> Self {
        Self {
            lower,
            upper,
            lower_exclusive: false,
            upper_exclusive: false,
            is_resolved: false,
        }
    }

    /// Allows `lower` and everything above it.
    #[must_use]
    pub const fn at_least(lower: f64) -> Self {
        Self::between(lower, LARGEST)
    }

    /// Allows everything above `lower`, and not `lower` itself.
    #[must_use]
    pub const fn above(lower: f64) -> Self {
        Self::at_least(lower).without_lower()
    }

    /// Excludes the lower end.
    #[must_use]
    pub const fn without_lower(mut self) -> Self {
        self.lower_exclusive = true;
        self
    }

    /// Excludes the upper end.
    #[must_use]
    pub const fn without_upper(mut self) -> Self {
        self.upper_exclusive = true;
        self
    }

    /// Returns the ends, which may themselves be excluded.
    pub(crate) const fn ends(&self) -> [f64; 2] {
        [self.lower, self.upper]
    }

    /// Tells whether `value` lies inside, as `f64` and as the `f32` that lanes compute with.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "rounding to the lanes' type is what is examined"
        )]
        let rounded = f64::from(value as f32);
        // An inclusive end is compared as `f64` only: 0.1 rounds to an `f32` a little above 0.1 and is still allowed. An
        // exclusive one is compared as `f32`, too: 1e-60 is above zero, but on a lane it is zero.
        let from_end = value.min(1.0 - value);
        !(self.is_resolved && 0.0 < from_end && from_end < SMALLEST_PROBABILITY)
            && value >= self.lower
            && value <= self.upper
            && !(self.lower_exclusive && (value == self.lower || rounded <= self.lower))
            && !(self.upper_exclusive && (value == self.upper || rounded >= self.upper))
    }

    /// Tells whether a number is finite, but infinite in single precision.
    pub(super) fn is_too_large(value: f64) -> bool {
        value.is_finite() && !Self::FINITE.contains(value)
    }

    /// Describes the limits: `at least 0 and below 1`; `None` for [`Bounds::FINITE`].
    pub(super) fn phrase(&self) -> Option<String> {
        if self.is_resolved {
            let smallest = SMALLEST_PROBABILITY;
            return Some(format!(
                "that is 0, 1 or from {smallest:.3e} to 1 - {smallest:.3e}, which is what draws resolve"
            ));
        }
        if *self == Self::FINITE {
            return None;
        }
        let number = |number: f64| match number.abs() {
            0.0 => "0".to_owned(),
            1e-4..1e7 => number.to_string(),
            _ => format!("{number:e}"),
        };
        let lower = self.lower.is_finite().then(|| {
            let word = if self.lower_exclusive {
                "above"
            } else {
                "at least"
            };
            format!("{word} {}", number(self.lower))
        });
        let upper = self.upper.is_finite().then(|| {
            let word = if self.upper_exclusive {
                "below"
            } else {
                "at most"
            };
            format!("{word} {}", number(self.upper))
        });
        match (lower, upper) {
            (Some(lower), Some(upper)) => Some(format!("{lower} and {upper}")),
            (lower, upper) => lower.or(upper),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phrase() {
            Some(phrase) => write!(f, "a number {phrase}"),
            None => write!(f, "a finite number of magnitude at most {LARGEST:e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_belong_to_the_interval_unless_taken_out() {
        assert!(Bounds::UNIT.contains(0.0) && Bounds::UNIT.contains(1.0));
        let open = Bounds::UNIT.without_lower().without_upper();
        assert!(!open.contains(0.0) && !open.contains(1.0) && open.contains(0.5));
        assert!(Bounds::between(0.1, 0.7).contains(0.1) && Bounds::between(0.1, 0.7).contains(0.7));
    }

    #[test]
    fn no_bounds_contain_nan_or_what_is_infinite_on_a_lane() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39, -1e300] {
            assert!(!Bounds::FINITE.contains(value), "{value}");
        }
        assert!(!Bounds::FINITE.contains(f64::from(f32::MAX)));
        assert!(Bounds::FINITE.contains(1e12) && Bounds::FINITE.contains(-1e12));
    }

    #[test]
    fn a_number_that_rounds_onto_an_exclusive_end_is_outside() {
        assert!(!Bounds::POSITIVE.contains(1e-60));
        assert!(!Bounds::POSITIVE.contains(1e-30));
        assert!(Bounds::POSITIVE.contains(1e-12));
        assert!(!Bounds::UNIT.without_upper().contains(0.999_999_999_999));
    }

    #[test]
    fn probabilities_are_those_that_draws_resolve() {
        for allowed in [0.0, 1e-6, 0.5, 1.0 - 1e-6, 1.0] {
            assert!(Bounds::PROBABILITY.contains(allowed), "{allowed}");
        }
        for refused in [-0.1, 1e-9, 5e-8, 9e-7, 1.0 - 1e-9, 1.1] {
            assert!(!Bounds::PROBABILITY.contains(refused), "{refused}");
        }
    }

    #[test]
    fn limits_read_as_a_sentence() {
        assert_eq!(
            Bounds::FINITE.to_string(),
            "a finite number of magnitude at most 1e12"
        );
        assert_eq!(
            Bounds::POSITIVE.to_string(),
            "a number at least 1e-12 and at most 1e12"
        );
        assert_eq!(
            Bounds::UNIT.without_upper().to_string(),
            "a number at least 0 and below 1"
        );
    }
}
