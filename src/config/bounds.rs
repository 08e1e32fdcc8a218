//! The interval in which a number is allowed.

use std::fmt;

/// Limits a number from below and above, each side inclusive or exclusive.
///
/// NaN and the infinities are outside every bounds, and so is what becomes infinite in the `f32` arithmetic of the
/// lanes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    lower: f64,
    upper: f64,
    lower_exclusive: bool,
    upper_exclusive: bool,
}

impl Bounds {
    /// Allows every finite number.
    pub const FINITE: Self = Self::between(f64::NEG_INFINITY, f64::INFINITY);
    /// Allows zero and above: standard deviations, masses.
    pub const NON_NEGATIVE: Self = Self::at_least(0.0);
    /// Allows what is above zero: lengths, budgets.
    pub const POSITIVE: Self = Self::above(0.0);
    /// Allows 0 to 1, both included: probabilities.
    pub const UNIT: Self = Self::between(0.0, 1.0);

    /// Allows `lower` to `upper`, both included.
    #[must_use]
    pub const fn between(lower: f64, upper: f64) -> Self {
        Self {
            lower,
            upper,
            lower_exclusive: false,
            upper_exclusive: false,
        }
    }

    /// Allows `lower` and everything above it.
    #[must_use]
    pub const fn at_least(lower: f64) -> Self {
        Self::between(lower, f64::INFINITY)
    }

    /// Allows everything above `lower`, and not `lower` itself.
    #[must_use]
    pub const fn above(lower: f64) -> Self {
        Self::at_least(lower).without_lower()
    }

    /// Takes the lower end out of the interval.
    #[must_use]
    pub const fn without_lower(mut self) -> Self {
        self.lower_exclusive = true;
        self
    }

    /// Takes the upper end out of the interval.
    #[must_use]
    pub const fn without_upper(mut self) -> Self {
        self.upper_exclusive = true;
        self
    }

    /// Tells whether `value` lies inside, as `f64` and as the `f32` that lanes compute with.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "rounding to the lanes' type is what is examined"
        )]
        let rounded = f64::from(value as f32);
        // An inclusive end needs no second look: 0.1 rounds to a little more than 0.1 and is still the end. An
        // exclusive one does: 1e-60 is above zero, and zero on a lane.
        rounded.is_finite()
            && value >= self.lower
            && value <= self.upper
            && !(self.lower_exclusive && (value == self.lower || rounded <= self.lower))
            && !(self.upper_exclusive && (value == self.upper || rounded >= self.upper))
    }

    /// Tells whether a number is finite, and infinite on a lane.
    pub(super) fn is_too_large(value: f64) -> bool {
        value.is_finite() && !Self::FINITE.contains(value)
    }

    /// Describes the limits: `at least 0 and below 1`; nothing where every finite number is allowed.
    pub(super) fn phrase(&self) -> Option<String> {
        let lower = self.lower.is_finite().then(|| {
            let word = if self.lower_exclusive {
                "above"
            } else {
                "at least"
            };
            format!("{word} {}", self.lower)
        });
        let upper = self.upper.is_finite().then(|| {
            let word = if self.upper_exclusive {
                "below"
            } else {
                "at most"
            };
            format!("{word} {}", self.upper)
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
            None => f.write_str("a finite number"),
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
        assert!(Bounds::FINITE.contains(f64::from(f32::MAX)));
    }

    #[test]
    fn a_number_that_rounds_onto_an_exclusive_end_is_outside() {
        assert!(!Bounds::POSITIVE.contains(1e-60));
        assert!(Bounds::POSITIVE.contains(1e-30));
        assert!(!Bounds::UNIT.without_upper().contains(0.999_999_999_999));
    }

    #[test]
    fn limits_read_as_a_sentence() {
        assert_eq!(Bounds::FINITE.to_string(), "a finite number");
        assert_eq!(Bounds::POSITIVE.to_string(), "a number above 0");
        assert_eq!(
            Bounds::UNIT.without_upper().to_string(),
            "a number at least 0 and below 1"
        );
    }
}
