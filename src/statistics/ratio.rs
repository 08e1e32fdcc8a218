//! Ratios of two totals, such as clicks by user-steps, with their standard errors.

use super::exact_sum::ExactSum;
use serde::{Deserialize, Serialize};

/// Sums of products over units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProductTally {
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
    pub(crate) numerator_squares: u128,
    pub(crate) cross_products: u128,
    pub(crate) denominator_squares: u128,
}

impl ProductTally {
    /// Adds a unit.
    #[inline]
    pub(super) fn add(&mut self, numerator: u64, denominator: u64) {
        let product = |a, b| u128::from(a) * u128::from(b);
        self.numerator += numerator;
        self.denominator += denominator;
        self.numerator_squares += product(numerator, numerator);
        self.cross_products += product(numerator, denominator);
        self.denominator_squares += product(denominator, denominator);
    }
}

/// Collects, over independent units, the totals of a numerator and a denominator.
///
/// A unit is what is independent of the others: an episode, or a block of episodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ratio {
    units: u64,
    numerator: ExactSum,
    denominator: u64,
    numerator_squares: ExactSum,
    cross_products: ExactSum,
    denominator_squares: ExactSum,
}

impl Ratio {
    /// Adds a unit whose numerator is a real number.
    pub(super) fn add(&mut self, numerator: f64, denominator: u64) {
        self.units = self.units.saturating_add(1);
        self.numerator.add(numerator);
        self.denominator = self.denominator.saturating_add(denominator);
        self.numerator_squares.add_product(numerator, numerator);
        self.cross_products
            .add_product(numerator, denominator as f64);
        self.denominator_squares
            .add_integer(u128::from(denominator) * u128::from(denominator));
    }

    /// Adds units of integers, one per place in the two slices.
    pub(super) fn add_counts(&mut self, numerators: &[u32], denominators: &[u32]) {
        // Sums over one call stay integers: 2^64 products of 32-bit factors fit 128 bits.
        let mut sums = ProductTally::default();
        for (&numerator, &denominator) in numerators.iter().zip(denominators) {
            sums.add(u64::from(numerator), u64::from(denominator));
        }
        self.add_products(numerators.len() as u64, &sums);
    }

    /// Adds units of integers whose products are already added up.
    pub(super) fn add_products(&mut self, units: u64, sums: &ProductTally) {
        self.units = self.units.saturating_add(units);
        self.numerator.add_integer(u128::from(sums.numerator));
        self.denominator = self.denominator.saturating_add(sums.denominator);
        self.numerator_squares.add_integer(sums.numerator_squares);
        self.cross_products.add_integer(sums.cross_products);
        self.denominator_squares
            .add_integer(sums.denominator_squares);
    }

    /// Adds the units of another collection.
    pub(super) fn merge(&mut self, other: &Self) {
        self.units = self.units.saturating_add(other.units);
        self.numerator.merge(&other.numerator);
        self.denominator = self.denominator.saturating_add(other.denominator);
        self.numerator_squares.merge(&other.numerator_squares);
        self.cross_products.merge(&other.cross_products);
        self.denominator_squares.merge(&other.denominator_squares);
    }

    pub(super) fn units(&self) -> u64 {
        self.units
    }

    pub(super) fn numerator(&self) -> f64 {
        self.numerator.value()
    }

    pub(super) fn denominator(&self) -> u64 {
        self.denominator
    }

    /// Divides the totals; `None` where the denominator is zero or a numerator was not finite.
    pub(super) fn value(&self) -> Option<f64> {
        let defined = self.denominator > 0 && self.numerator.non_finite() == 0;
        defined
            .then(|| self.numerator.value() / self.denominator as f64)
            .filter(|ratio| ratio.is_finite())
    }

    /// Estimates the ratio's standard error by the delta method; `None` below two units.
    ///
    /// ```text
    /// r = Σx / Σy,   se² = n/(n - 1) · Σ(x - r y)² / (Σy)²
    /// ```
    pub(super) fn standard_error(&self) -> Option<f64> {
        let ratio = self.value()?;
        if self.units < 2 {
            return None;
        }
        // Σ(x - r y)² = Σx(x - r y) - r Σy(x - r y); each of the two sums is rounded once, at its end.
        let mut with_numerator = self.numerator_squares.clone();
        with_numerator.add_scaled(-ratio, &self.cross_products);
        let mut with_denominator = self.cross_products.clone();
        with_denominator.add_scaled(-ratio, &self.denominator_squares);
        let residuals = (with_numerator.value() - ratio * with_denominator.value()).max(0.0);
        let units = self.units as f64;
        let standard_error = (residuals * (units / (units - 1.0))).sqrt() / self.denominator as f64;
        standard_error.is_finite().then_some(standard_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMERATORS: [u32; 6] = [3, 0, 7, 5, 2, 9];
    const DENOMINATORS: [u32; 6] = [10, 4, 9, 11, 2, 20];

    fn by_hand() -> (f64, f64) {
        let total = f64::from(DENOMINATORS.iter().sum::<u32>());
        let ratio = f64::from(NUMERATORS.iter().sum::<u32>()) / total;
        let residuals: f64 = NUMERATORS
            .iter()
            .zip(&DENOMINATORS)
            .map(|(&x, &y)| (f64::from(x) - ratio * f64::from(y)).powi(2))
            .sum();
        (ratio, (residuals * 6.0 / 5.0).sqrt() / total)
    }

    #[test]
    fn ratio_and_standard_error_follow_the_delta_method() {
        let mut ratio = Ratio::default();
        ratio.add_counts(&NUMERATORS, &DENOMINATORS);
        let (value, standard_error) = by_hand();
        assert_eq!(ratio.value(), Some(value));
        assert!((ratio.standard_error().unwrap() - standard_error).abs() < 1e-15);
    }

    #[test]
    fn counts_and_reals_collect_the_same() {
        let (mut counts, mut reals) = (Ratio::default(), Ratio::default());
        counts.add_counts(&NUMERATORS, &DENOMINATORS);
        for (&numerator, &denominator) in NUMERATORS.iter().zip(&DENOMINATORS) {
            reals.add(f64::from(numerator), u64::from(denominator));
        }
        assert_eq!(counts, reals);
    }

    #[test]
    fn a_ratio_that_never_varies_has_no_error() {
        let mut ratio = Ratio::default();
        ratio.add_counts(&[60, 30, 7], &[60, 30, 7]);
        assert_eq!(
            (ratio.value(), ratio.standard_error()),
            (Some(1.0), Some(0.0))
        );
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        let mut ratio = Ratio::default();
        assert_eq!((ratio.value(), ratio.standard_error()), (None, None));
        ratio.add_counts(&[0, 0], &[0, 0]);
        assert_eq!((ratio.value(), ratio.standard_error()), (None, None));
        ratio.add_counts(&[], &[]);
        assert_eq!(ratio.units(), 2);
    }

    #[test]
    fn a_non_finite_numerator_makes_the_ratio_none() {
        let mut ratio = Ratio::default();
        ratio.add(1.0, 2);
        ratio.add(f64::NAN, 2);
        assert_eq!((ratio.value(), ratio.standard_error()), (None, None));
    }
}
