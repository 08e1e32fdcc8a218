//! Sums of many terms that keep what rounding takes away: twin of `shaders/statistics/compensated.wgsl`.
//!
//! ```text
//! y = x + rest,   s' = s + y,   rest' = y - (s' - s),   sum = s + rest
//! ```
//!
//! The part that an addition has lost is added to the next term. A sum of the lost parts by itself would grow until it is
//! rounded: of 10^6 equal terms, 6e-5 are lost that way.
//!
//! # Precision
//! The sum is within 2 · 2^-24 + n · 2^-47 of the sum of magnitudes in single precision, half of it the rounding of the
//! result.
//!
//! # Source
//! Kahan (1965), "Further remarks on reducing truncation errors", Communications of the ACM 8; bound: Higham (2002),
//! "Accuracy and Stability of Numerical Algorithms", section 4.3.

use crate::number::Number;

/// A sum as it is rounded, and what roundings have lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompensatedSum<N> {
    rounded: N,
    rest: N,
}

impl<N: Number> CompensatedSum<N> {
    /// Begins with nothing.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            rounded: N::splat(0.0),
            rest: N::splat(0.0),
        }
    }

    /// Adds a number.
    #[inline(always)]
    pub(crate) fn add(&mut self, term: N) {
        let whole = self.rest + term;
        let rounded = self.rounded + whole;
        self.rest = whole - (rounded - self.rounded);
        self.rounded = rounded;
    }

    /// Returns the sum.
    #[inline(always)]
    pub(crate) fn value(&self) -> N {
        self.rounded + self.rest
    }

    /// Returns the sum as it is rounded, and what roundings have lost.
    #[inline(always)]
    pub(crate) fn parts(&self) -> [N; 2] {
        [self.rounded, self.rest]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Lanes;

    /// In the precision of `cpu` and `gpu`.
    fn sum(terms: impl Iterator<Item = f64>) -> f64 {
        let mut sum = CompensatedSum::<Lanes<4>>::new();
        for term in terms {
            sum.add(Lanes::splat(term));
        }
        sum.value().lane(0)
    }

    #[test]
    fn a_million_equal_terms_are_summed_to_one_rounding() {
        for term in [0.1_f32, 0.3, 0.7, 1.1, -2.3, 1e-20, 3e30] {
            let exact = 1e6 * f64::from(term);
            let found = sum((0..1_000_000).map(|_| f64::from(term)));
            assert!(
                (found - exact).abs() <= 1e-7 * exact.abs(),
                "{term}: {found}"
            );
        }
    }

    #[test]
    fn terms_of_all_sizes_are_summed_to_their_largest_rounding() {
        let terms = || (0..100_000).map(|index| f64::from(index % 317) * 1.5e-3 + 1e-6);
        #[allow(clippy::cast_possible_truncation, reason = "as the sum takes them")]
        let exact: f64 = terms().map(|term| f64::from(term as f32)).sum();
        let found = sum(terms());
        assert!((found - exact).abs() <= 1e-7 * exact, "{found} {exact}");
    }
}
