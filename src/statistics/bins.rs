//! Sums and sums of squares of many numbers at once, still exact.

use super::exact_sum::{ExactSum, decompose};

/// Terms after which a bin is emptied: 2^9 mantissas of 53 bits fit the 63 bits of their sum.
const MAX_TERMS: usize = 512;

/// Neighbouring exponents that have a bin each.
const BINS: usize = 32;

/// Sums the mantissas, and their squares, of numbers with one exponent.
#[derive(Clone, Copy, Default)]
struct Bin {
    position: usize,
    sum: i64,
    squares: u128,
}

impl Bin {
    fn empty_into(&mut self, sum: &mut ExactSum, sum_of_squares: &mut ExactSum) {
        sum.deposit_number(self.position, self.sum.unsigned_abs(), self.sum < 0);
        sum_of_squares.deposit_product(2 * self.position, self.squares, false);
        (self.sum, self.squares) = (0, 0);
    }
}

/// Adds every finite term to `sum` and its square to `sum_of_squares`; counts the others in `sum`.
///
/// The result is that of [`ExactSum::add`] and [`ExactSum::add_product`], several times faster: numbers
/// with equal exponents are added as integers, and only the bins' totals go through the long sums.
pub(super) fn add_with_squares(terms: &[f64], sum: &mut ExactSum, sum_of_squares: &mut ExactSum) {
    let mut bins = [Bin::default(); BINS];
    for chunk in terms.chunks(MAX_TERMS) {
        for &term in chunk {
            let Some((mantissa, position)) = decompose(term) else {
                sum.count_non_finite(1);
                continue;
            };
            let bin = &mut bins[position % BINS];
            if bin.position != position {
                bin.empty_into(sum, sum_of_squares);
                bin.position = position;
            }
            let magnitude = mantissa.cast_signed();
            bin.sum += if term.is_sign_negative() {
                -magnitude
            } else {
                magnitude
            };
            bin.squares += u128::from(mantissa) * u128::from(mantissa);
        }
        for bin in &mut bins {
            bin.empty_into(sum, sum_of_squares);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_same_as_one_by_one(terms: &[f64]) {
        let (mut sum, mut squares) = (ExactSum::new(), ExactSum::new());
        add_with_squares(terms, &mut sum, &mut squares);
        let (mut plain, mut plain_squares) = (ExactSum::new(), ExactSum::new());
        for &term in terms {
            plain.add(term);
            if term.is_finite() {
                plain_squares.add_product(term, term);
            }
        }
        assert_eq!((sum, squares), (plain, plain_squares));
    }

    #[test]
    fn the_largest_mantissas_fill_no_bin() {
        assert_same_as_one_by_one(&[f64::MAX; 2000]);
        assert_same_as_one_by_one(&[f64::MIN; 2000]);
    }

    proptest! {
        #[test]
        fn many_terms_at_once_sum_as_one_by_one(
            bits in prop::collection::vec(prop_oneof![any::<u64>(), (-9.0..9.0).prop_map(f64::to_bits)], 0..1500),
        ) {
            assert_same_as_one_by_one(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
        }
    }
}
