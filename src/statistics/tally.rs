//! What a device has already added up over many blocks, as integers: no figure depends on who did the adding.

use super::StatisticsError;
use super::campaign::{BlockTotals, Statistics};
use super::exact_sum::ExactSum;
use super::magnitude::LOWEST_EXPONENT;
use super::moments::Moments;

/// Exponent of digit 0 of [`sum_of_device`]: the smallest bit that the square of a single-precision number can have.
const LOWEST_EXPONENT_OF_SINGLES: i32 = -298;
/// Bits of its digits.
const DIGIT_BITS: usize = 8;
/// Digits of it, which reach above the sum of 2^20 squares of the largest number.
pub(crate) const DIGITS: usize = 72;

/// Holds the statistics of whole blocks, all but the quantiles of their returns
/// ([`Statistics::add_return_buckets`]).
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Of the returns of all episodes.
    pub(crate) returns: SampleTally,
    /// Of the least-squares slopes of reward over step, of the episodes of at least two steps.
    pub(crate) slopes: SampleTally,
    /// Episodes of each length. Shape `[length]`, from 0.
    pub(crate) lengths: Vec<u32>,
    /// Of clicks and lengths, the episode being the unit.
    pub(crate) clicks: ProductTally,
    /// Shape `[steps]`, at least the longest episode, as the next two.
    pub(crate) reward_by_step: Vec<ExactSum>,
    pub(crate) squared_reward_by_step: Vec<ExactSum>,
    pub(crate) clicks_by_step: Vec<u64>,
    /// The totals of each block.
    pub(crate) blocks: Vec<BlockTotals>,
}

/// Sums over a sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTally {
    /// Knows how many observations were not finite.
    pub(crate) sum: ExactSum,
    pub(crate) sum_of_squares: ExactSum,
    /// Smallest and largest of the finite observations; `None` without any.
    pub(crate) range: Option<(f64, f64)>,
}

/// Sums of products over units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProductTally {
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
    pub(crate) numerator_squares: u128,
    pub(crate) cross_products: u128,
    pub(crate) denominator_squares: u128,
}

impl SampleTally {
    fn moments(&self, observations: u64) -> Moments {
        Moments::of_sums(
            observations - self.sum.non_finite(),
            self.sum.clone(),
            self.sum_of_squares.clone(),
            self.range,
        )
    }
}

impl Statistics {
    /// Adds whole blocks that are already added up.
    ///
    /// # Errors
    /// Those of [`Statistics::merge`].
    pub(crate) fn add_tally(&mut self, tally: &Tally) -> Result<(), StatisticsError> {
        let num_topics = self.parts.topics.len();
        let mut added = Self::new(num_topics, self.parts.clicked_quality.is_some());
        let parts = &mut added.parts;
        parts.lengths.add_counts(&tally.lengths);
        let episodes = parts.lengths.count();
        parts.returns = tally.returns.moments(episodes);
        parts.reward_slope = tally.slopes.moments(parts.lengths.running(1));
        parts.click_rate.add_products(episodes, &tally.clicks);
        let longest = parts.lengths.max().unwrap_or(0) as usize;
        parts.curves.add_sums(
            &tally.reward_by_step[..longest],
            &tally.squared_reward_by_step[..longest],
            &tally.clicks_by_step[..longest],
        );
        for block in &tally.blocks {
            parts.add_totals(block);
        }
        self.merge(&added)
    }

    /// Adds the counts of returns by bucket that go with tallies added before, see
    /// [`Quantiles::add_single_buckets`](super::Quantiles).
    pub(crate) fn add_return_buckets(&mut self, counts: &[u32]) {
        let range = self.parts.returns.min().zip(self.parts.returns.max());
        self.parts
            .return_quantiles
            .add_single_buckets(counts, range);
    }
}

/// Reads a sum that a device has formed: digit `d` of `words` counts, with its sign, multiples of `2^(8 d - 298)`.
pub(crate) fn sum_of_device(digits: &[u32; DIGITS], non_finite: u32) -> ExactSum {
    let mut sum = ExactSum::new();
    let lowest = (LOWEST_EXPONENT_OF_SINGLES - LOWEST_EXPONENT).unsigned_abs() as usize;
    for (index, digit) in digits.iter().map(|digit| digit.cast_signed()).enumerate() {
        let position = lowest + DIGIT_BITS * index;
        sum.deposit(position, u64::from(digit.unsigned_abs()), digit < 0);
    }
    sum.count_non_finite(u64::from(non_finite));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_device_are_multiples_of_powers_of_two() {
        let mut digits = [0; DIGITS];
        // 2^-298 · 2^(8 · 36) = 2^-10, and two digits above, minus one: 2^6.
        digits[36] = 3;
        digits[38] = u32::MAX;
        let sum = sum_of_device(&digits, 2);
        assert_eq!(sum.value(), 3.0 / 1024.0 - 64.0);
        assert_eq!(sum.non_finite(), 2);
    }
}
