//! Adds floating-point numbers exactly, so that the order of addition cannot matter.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "digits are cut out of wide integers here; every cast keeps the bits it names"
)]

use super::magnitude::{DIGIT_BITS, LOWEST_EXPONENT, LOWEST_F64_POSITION, Magnitude};

const DIGIT_MASK: i64 = 0xffff_ffff;

/// Deposits after which carries are moved up. A deposit adds less than 2^33 to a digit of 63 bits, so
/// that two sums at this limit can still be added to each other.
const DEPOSITS_BEFORE_CARRY: u32 = 1 << 28;

/// Adds floating-point numbers without any rounding, so that the order of addition cannot matter.
///
/// The sum is a fixed-point number whose digits (radix 2^32) cover every finite `f64` and every product
/// of two; only the digits that have been reached are stored. Whatever the order of additions and merges,
/// equal multisets of terms give equal sums, to the last bit.
///
/// Terms that are infinite or not a number are left out and counted ([`ExactSum::non_finite`]).
///
/// # Precision
/// Exact. The only rounding is the one of [`ExactSum::value`], to nearest, ties to even.
///
/// # Source
/// The long accumulator of Kulisch and Miranker (1984), with carries deferred as in Neal (2015),
/// arXiv:1505.05571.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// Digits from `low` upwards; out of `[0, 2^32)` until carries are moved.
    digits: Vec<i64>,
    low: usize,
    deposits: u32,
    non_finite: u64,
}

impl ExactSum {
    /// Starts an empty sum, which is zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one number.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let Some((mantissa, position)) = decompose(term) else {
            self.count_non_finite(1);
            return;
        };
        self.deposit_number(position, mantissa, term.is_sign_negative());
    }

    /// Adds the product of two numbers without rounding it first.
    ///
    /// The product is formed from integer mantissas, so that it can neither overflow nor underflow.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64) {
        let (Some((mantissa_a, position_a)), Some((mantissa_b, position_b))) =
            (decompose(a), decompose(b))
        else {
            self.count_non_finite(1);
            return;
        };
        let product = u128::from(mantissa_a) * u128::from(mantissa_b);
        let position = position_a + position_b;
        let negative = a.is_sign_negative() != b.is_sign_negative();
        self.deposit_product(position, product, negative);
    }

    /// Adds an integer, exactly.
    pub(super) fn add_integer(&mut self, term: u128) {
        self.deposit_product(LOWEST_EXPONENT.unsigned_abs() as usize, term, false);
    }

    /// Adds all that another sum holds.
    pub fn merge(&mut self, other: &Self) {
        self.count_non_finite(other.non_finite);
        if other.digits.is_empty() {
            return;
        }
        let start = self.reach(other.low, other.digits.len());
        for (digit, &term) in self.digits[start..].iter_mut().zip(&other.digits) {
            *digit += term;
        }
        self.count_deposits(other.deposits + 1);
    }

    /// Adds a multiple of another sum, exactly but for digits of `other` below 2^-1074.
    ///
    /// Terms that `other` left out are not counted; a product beyond all bounds is.
    pub(super) fn add_scaled(&mut self, factor: f64, other: &Self) {
        for part in other.expansion() {
            self.add_product(factor, part);
        }
    }

    /// Counts the terms that were infinite or not a number and are therefore not in the sum.
    #[must_use]
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// Rounds the sum to the nearest `f64`, ties to even; a sum beyond the largest `f64` is infinite.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.magnitude().round()
    }

    /// Splits the sum into its rounded value and what rounding left over, itself rounded.
    ///
    /// Together they hold about 106 bits. The remainder of an infinite value is zero.
    #[must_use]
    pub(super) fn value_and_remainder(&self) -> (f64, f64) {
        let parts = self.expansion();
        let part = |index: usize| parts.get(index).copied().unwrap_or(0.0);
        (part(0), part(1))
    }

    /// Writes the sum as numbers of falling size that add up to it, down to 2^-1074.
    ///
    /// Empty for zero; one infinity where the sum exceeds the largest `f64`.
    pub(super) fn expansion(&self) -> Vec<f64> {
        let mut rest = self.clone();
        let mut parts = Vec::new();
        loop {
            let part = rest.value();
            // Each part takes at least 53 bits off the top, so that this ends; adding an infinity would not.
            if part == 0.0 {
                return parts;
            }
            parts.push(part);
            if part.is_infinite() {
                return parts;
            }
            rest.add(-part);
        }
    }

    pub(super) fn count_non_finite(&mut self, terms: u64) {
        self.non_finite = self.non_finite.saturating_add(terms);
    }

    /// Adds `±mantissa · 2^(position - 1074)`, as [`decompose`] gives them.
    #[inline]
    pub(super) fn deposit_number(&mut self, position: usize, mantissa: u64, negative: bool) {
        self.deposit(position + LOWEST_F64_POSITION, mantissa, negative);
    }

    /// Adds `±mantissa · 2^(position - 2148)`.
    #[inline]
    pub(super) fn deposit(&mut self, position: usize, mantissa: u64, negative: bool) {
        if mantissa == 0 {
            return;
        }
        let start = self.reach(position / DIGIT_BITS, 3);
        let shifted = u128::from(mantissa) << (position % DIGIT_BITS);
        let window: &mut [i64; 3] = (&mut self.digits[start..start + 3])
            .try_into()
            .expect("the window was opened three digits wide");
        add_digits(window, shifted, negative);
        self.count_deposits(1);
    }

    /// [`ExactSum::deposit`] for mantissas of up to 128 bits.
    #[inline]
    pub(super) fn deposit_product(&mut self, position: usize, mantissa: u128, negative: bool) {
        if mantissa == 0 {
            return;
        }
        let start = self.reach(position / DIGIT_BITS, 5);
        let shift = position % DIGIT_BITS;
        let window: &mut [i64; 5] = (&mut self.digits[start..start + 5])
            .try_into()
            .expect("the window was opened five digits wide");
        let [d0, d1, d2, d3, d4] = window;
        // The upper half starts two digits above the lower one and shares the middle digit with it.
        let mut lower = [*d0, *d1, *d2];
        add_digits(&mut lower, u128::from(mantissa as u64) << shift, negative);
        let mut upper = [lower[2], *d3, *d4];
        add_digits(&mut upper, (mantissa >> 64) << shift, negative);
        [*d0, *d1] = [lower[0], lower[1]];
        [*d2, *d3, *d4] = upper;
        self.count_deposits(2);
    }

    /// Makes digits `low .. low + count` present and returns where they start.
    #[inline]
    fn reach(&mut self, low: usize, count: usize) -> usize {
        let start = low.wrapping_sub(self.low);
        if low >= self.low && start + count <= self.digits.len() {
            return start;
        }
        self.widen(low, count)
    }

    #[cold]
    fn widen(&mut self, low: usize, count: usize) -> usize {
        if self.digits.is_empty() {
            self.low = low;
        } else if low < self.low {
            let missing = self.low - low;
            self.digits.splice(0..0, std::iter::repeat_n(0, missing));
            self.low = low;
        }
        let start = low - self.low;
        if self.digits.len() < start + count {
            self.digits.resize(start + count, 0);
        }
        start
    }

    #[inline]
    fn count_deposits(&mut self, deposits: u32) {
        self.deposits += deposits;
        if self.deposits >= DEPOSITS_BEFORE_CARRY {
            self.move_carries();
        }
    }

    /// Brings every digit into `[0, 2^32)` except the highest, which keeps the sign.
    #[cold]
    fn move_carries(&mut self) {
        let mut carry = 0;
        for digit in &mut self.digits {
            let full = *digit + carry;
            *digit = full & DIGIT_MASK;
            carry = full >> DIGIT_BITS;
        }
        while carry != 0 && carry != -1 {
            self.digits.push(carry & DIGIT_MASK);
            carry >>= DIGIT_BITS;
        }
        if carry == -1 {
            let highest = self.digits.last_mut().expect("a carry came from a digit");
            *highest -= 1 << DIGIT_BITS;
        }
        self.deposits = 1;
    }

    /// Brings the sum into its unique form.
    pub(super) fn magnitude(&self) -> Magnitude {
        let mut sum = self.clone();
        sum.move_carries();
        let negative = sum.digits.last().is_some_and(|&highest| highest < 0);
        if negative {
            for digit in &mut sum.digits {
                *digit = -*digit;
            }
            sum.move_carries();
        }
        let digits: Vec<u32> = sum.digits.iter().map(|&digit| digit as u32).collect();
        Magnitude::new(negative, sum.low, &digits)
    }
}

impl PartialEq for ExactSum {
    /// Compares the values held, not how they are stored.
    fn eq(&self, other: &Self) -> bool {
        self.non_finite == other.non_finite && self.magnitude() == other.magnitude()
    }
}

impl Eq for ExactSum {}

impl From<u128> for ExactSum {
    fn from(integer: u128) -> Self {
        let mut sum = Self::new();
        sum.add_integer(integer);
        sum
    }
}

/// Splits a finite number into `mantissa · 2^(position - 1074)`.
#[inline]
pub(super) fn decompose(number: f64) -> Option<(u64, usize)> {
    let bits = number.to_bits();
    let exponent = (bits >> 52) as usize & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    match exponent {
        0x7ff => None,
        0 => Some((fraction, 0)),
        _ => Some((fraction | 1 << 52, exponent - 1)),
    }
}

/// Adds the three digits of `±shifted`, which has at most 95 bits.
#[inline]
fn add_digits(window: &mut [i64; 3], shifted: u128, negative: bool) {
    // All ones where negative: (x ^ -1) + 1 = -x without a branch.
    let flip = -i64::from(negative);
    let low = shifted as u64 as i64;
    let high = (shifted >> 64) as u64 as i64;
    window[0] += ((low & DIGIT_MASK) ^ flip) - flip;
    window[1] += (((low >> 32) & DIGIT_MASK) ^ flip) - flip;
    window[2] += (high ^ flip) - flip;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum_of(terms: &[f64]) -> ExactSum {
        let mut sum = ExactSum::new();
        for &term in terms {
            sum.add(term);
        }
        sum
    }

    #[test]
    fn huge_terms_that_cancel_leave_the_small_one() {
        assert_eq!(sum_of(&[1e308, 1.0, -1e308]).value(), 1.0);
        assert_eq!(
            sum_of(&[1e308, 1e308, -1e308, -1e308, 5e-324]).value(),
            5e-324
        );
    }

    #[test]
    fn an_empty_sum_is_zero() {
        assert_eq!(ExactSum::new().value().to_bits(), 0);
        assert_eq!(sum_of(&[-0.0]).value().to_bits(), 0);
        assert_eq!(ExactSum::new().value_and_remainder(), (0.0, 0.0));
    }

    #[test]
    fn single_numbers_come_back_unchanged() {
        let edges = [
            5e-324,
            -5e-324,
            2.225_073_858_507_201e-308,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::MIN,
            0.1,
            -1.0 / 3.0,
        ];
        for edge in edges {
            assert_eq!(sum_of(&[edge]).value().to_bits(), edge.to_bits());
        }
    }

    #[test]
    fn ties_round_to_even_and_anything_beyond_a_tie_rounds_away() {
        let half_ulp = f64::EPSILON / 2.0;
        assert_eq!(sum_of(&[1.0, half_ulp]).value(), 1.0);
        assert_eq!(sum_of(&[1.0, half_ulp, 5e-324]).value(), 1.0 + f64::EPSILON);
        assert_eq!(sum_of(&[1.0, half_ulp, -5e-324]).value(), 1.0);
        assert_eq!(
            sum_of(&[1.0 + f64::EPSILON, half_ulp]).value(),
            1.0 + 2.0 * f64::EPSILON
        );
        assert_eq!(
            sum_of(&[-1.0, -half_ulp, -5e-324]).value(),
            -1.0 - f64::EPSILON
        );
        // Rounding up to a power of two moves the exponent.
        assert_eq!(sum_of(&[2.0 - f64::EPSILON, half_ulp]).value(), 2.0);
    }

    #[test]
    fn subnormal_products_round_like_other_numbers() {
        let tiny = f64::from_bits(1);
        let mut sum = ExactSum::new();
        sum.add_product(tiny, 0.5);
        assert_eq!(
            sum.value(),
            0.0,
            "half of the smallest number is a tie with zero"
        );
        sum.add_product(tiny, tiny);
        assert_eq!(sum.value(), tiny);
        assert_eq!(sum.value_and_remainder().0, tiny);
    }

    #[test]
    fn a_sum_beyond_the_largest_number_is_infinite_until_it_comes_back() {
        let mut sum = sum_of(&[f64::MAX, f64::MAX]);
        assert_eq!(sum.value(), f64::INFINITY);
        assert_eq!(sum.value_and_remainder(), (f64::INFINITY, 0.0));
        sum.add(-f64::MAX);
        assert_eq!(sum.value(), f64::MAX);
        assert_eq!(sum_of(&[-f64::MAX, -f64::MAX]).value(), f64::NEG_INFINITY);
        // Half an ulp above the largest number is the first sum that rounds to infinity.
        let half_ulp = 2f64.powi(970);
        assert_eq!(sum_of(&[f64::MAX, half_ulp]).value(), f64::INFINITY);
        assert_eq!(sum_of(&[f64::MAX, half_ulp, -5e-324]).value(), f64::MAX);
    }

    #[test]
    fn non_finite_terms_are_counted_and_left_out() {
        let mut sum = sum_of(&[1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0]);
        sum.add_product(f64::INFINITY, 0.0);
        assert_eq!(sum.value(), 3.0);
        assert_eq!(sum.non_finite(), 4);
        let mut merged = sum.clone();
        merged.merge(&sum);
        assert_eq!(merged.non_finite(), 8);
    }

    #[test]
    fn carries_move_before_digits_overflow() {
        let mut sum = sum_of(&[f64::MAX, -1.5]);
        // Doubling 80 times is 2^80 terms; digits hold 63 bits.
        for _ in 0..80 {
            let copy = sum.clone();
            sum.merge(&copy);
        }
        let mut back = ExactSum::new();
        back.add_product(-f64::MAX, 2f64.powi(80));
        sum.merge(&back);
        assert_eq!(sum.value(), -1.5 * 2f64.powi(80));
    }

    #[test]
    fn integers_are_added_exactly() {
        let mut sum = ExactSum::from(u128::MAX);
        sum.add(-(2f64.powi(127)));
        sum.add(-(2f64.powi(127)));
        assert_eq!(sum.value(), -1.0);
    }

    /// Finite numbers of every magnitude, with near-cancelling ones more likely than by chance.
    fn numbers() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>()
                .prop_map(f64::from_bits)
                .prop_filter("finite", |x| x.is_finite()),
            -1e3..1e3,
            (-3i32..3).prop_map(f64::from),
        ]
    }

    proptest! {
        #[test]
        fn merging_in_any_order_gives_the_same_bits(
            terms in prop::collection::vec(numbers(), 0..60),
            order in any::<u64>(),
            pieces in 1usize..7,
        ) {
            let forward = sum_of(&terms);
            let mut shuffled = terms.clone();
            for place in (1..shuffled.len()).rev() {
                let mixed = order.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(place as u32);
                shuffled.swap(place, (mixed % (place as u64 + 1)) as usize);
            }
            let mut merged = ExactSum::new();
            for piece in shuffled.chunks(terms.len().div_ceil(pieces).max(1)).rev() {
                merged.merge(&sum_of(piece));
            }
            prop_assert_eq!(&merged, &forward);
            prop_assert_eq!(merged.value().to_bits(), forward.value().to_bits());
        }

        #[test]
        fn sums_of_fixed_point_numbers_match_integer_arithmetic(
            terms in prop::collection::vec(-(1i64 << 52)..(1i64 << 52), 0..50),
        ) {
            let scaled: Vec<f64> = terms.iter().map(|&term| term as f64 / 1024.0).collect();
            let total: i128 = terms.iter().map(|&term| i128::from(term)).sum();
            // The conversion i128 -> f64 rounds to nearest even, as the sum must.
            prop_assert_eq!(sum_of(&scaled).value(), total as f64 / 1024.0);
        }

        #[test]
        fn sums_of_products_match_integer_arithmetic(
            factors in prop::collection::vec((-(1i64 << 52)..(1i64 << 52), -(1i64 << 52)..(1i64 << 52)), 0..50),
        ) {
            let mut sum = ExactSum::new();
            let mut total = 0i128;
            for &(a, b) in &factors {
                sum.add_product(a as f64, b as f64);
                total += i128::from(a) * i128::from(b);
            }
            prop_assert_eq!(sum.value(), total as f64);
            let (value, remainder) = sum.value_and_remainder();
            prop_assert_eq!(remainder, (total - value as i128) as f64);
        }

        #[test]
        fn taking_every_term_away_again_leaves_zero(terms in prop::collection::vec(numbers(), 0..40)) {
            let mut sum = sum_of(&terms);
            for &term in &terms {
                sum.add_product(-1.0, term);
            }
            prop_assert_eq!(sum, ExactSum::new());
        }

        #[test]
        fn two_terms_round_as_the_hardware_rounds(a in numbers(), b in numbers()) {
            prop_assert_eq!(sum_of(&[a, b]).value(), a + b);
        }

        #[test]
        fn the_expansion_adds_up_to_the_sum(terms in prop::collection::vec(-1e300..1e300, 0..20)) {
            let sum = sum_of(&terms);
            prop_assert_eq!(sum_of(&sum.expansion()), sum);
        }
    }
}
