//! The unique form of an exact sum, and its rounding.

#![allow(
    clippy::cast_possible_truncation,
    reason = "digits are cut out of wide integers here; every cast keeps the bits it names"
)]

/// Exponent of the lowest bit of digit 0: the smallest bit a product of two subnormals can have.
pub(super) const LOWEST_EXPONENT: i32 = -2148;

/// Bits that are read from a text: products reach bit 4196, the rest leaves room for their number.
pub(super) const MAX_BITS: usize = 4288;

/// Position of 2^-1074, the lowest bit of an `f64`, above [`LOWEST_EXPONENT`].
pub(super) const LOWEST_F64_POSITION: usize = 1074;

pub(super) const DIGIT_BITS: usize = 32;

/// A sum as sign and magnitude, without a leading or trailing zero digit and hence unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Magnitude {
    pub(super) negative: bool,
    /// Index of the lowest digit.
    pub(super) low: usize,
    pub(super) digits: Vec<u32>,
}

impl Magnitude {
    /// Trims the digits, given from digit index `low` upwards.
    pub(super) fn new(negative: bool, low: usize, digits: &[u32]) -> Self {
        let first = digits.iter().position(|&digit| digit != 0);
        let last = digits.iter().rposition(|&digit| digit != 0);
        match first.zip(last) {
            None => Self {
                negative: false,
                low: 0,
                digits: Vec::new(),
            },
            Some((first, last)) => Self {
                negative,
                low: low + first,
                digits: digits[first..=last].to_vec(),
            },
        }
    }

    /// Rounds to the nearest `f64`, ties to even; beyond the largest one is infinite.
    pub(super) fn round(&self) -> f64 {
        let Some(highest) = self.digits.last() else {
            return 0.0;
        };
        let top =
            (self.low + self.digits.len()) * DIGIT_BITS - 1 - highest.leading_zeros() as usize;
        // The lowest bit that is kept: 53 bits, fewer where the result is subnormal.
        let kept = top.saturating_sub(52).max(LOWEST_F64_POSITION);
        if kept - LOWEST_F64_POSITION > 2045 {
            return if self.negative {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            };
        }
        let mut mantissa = self.bits_from(kept);
        let half = self.bits_from(kept - 1) & 1 == 1;
        if half && (mantissa & 1 == 1 || self.any_bit_below(kept - 1)) {
            mantissa += 1;
        }
        // The implicit bit adds one to the exponent field, which starts from "subnormal", and a
        // mantissa that was rounded up to 2^53 adds another: the encoding does the case distinctions.
        let magnitude = f64::from_bits((((kept - LOWEST_F64_POSITION) as u64) << 52) + mantissa);
        if self.negative { -magnitude } else { magnitude }
    }

    /// The 64 bits from `position` upwards.
    fn bits_from(&self, position: usize) -> u64 {
        let digit = |index: usize| {
            let held = index
                .checked_sub(self.low)
                .and_then(|index| self.digits.get(index));
            u128::from(held.copied().unwrap_or(0))
        };
        let index = position / DIGIT_BITS;
        let wide = digit(index) | digit(index + 1) << 32 | digit(index + 2) << 64;
        (wide >> (position % DIGIT_BITS)) as u64
    }

    fn any_bit_below(&self, position: usize) -> bool {
        // The lowest digit held is not zero, so that its lowest bit decides.
        self.digits.first().is_some_and(|lowest| {
            self.low * DIGIT_BITS + (lowest.trailing_zeros() as usize) < position
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_trimmed_at_both_ends() {
        let trimmed = Magnitude {
            negative: true,
            low: 5,
            digits: vec![1, 0, 2],
        };
        assert_eq!(Magnitude::new(true, 3, &[0, 0, 1, 0, 2, 0]), trimmed);
        assert_eq!(
            Magnitude::new(true, 3, &[0, 0]),
            Magnitude::new(false, 0, &[])
        );
    }

    #[test]
    fn a_far_digit_decides_a_tie() {
        // Digit 67 starts at 2^-4, so that these are 2^-4 (1 + 2^-53) and a little more.
        let tie = [1 << 11, 0, 1];
        let round = |low: usize, digits: &[u32]| Magnitude::new(false, low, digits).round();
        assert_eq!(round(65, &tie), 2f64.powi(-4));
        assert_eq!(
            round(64, &[1, tie[0], 0, 1]),
            2f64.powi(-4) * (1.0 + f64::EPSILON)
        );
        assert_eq!(round(0, &[1]), 0.0, "far below the smallest number");
    }
}
