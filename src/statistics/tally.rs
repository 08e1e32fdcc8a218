//! Sums that a device has already formed over many blocks, as integers: figures are the same whether device or host adds up.

use super::exact_sum::ExactSum;
use super::magnitude::LOWEST_EXPONENT;
use super::moments::Moments;
use super::ratio::{ProductTally, Ratio};
use super::step_bins::bin_of_step;

/// Exponent of digit 0 of [`sum_of_device`]: the smallest bit that the square of a single-precision number can have.
const LOWEST_EXPONENT_OF_SINGLES: i32 = -298;
/// Bits of its digits.
const DIGIT_BITS: usize = 8;
/// Digits of it, which reach above the sum of 2^20 squares of the largest number.
pub(crate) const DIGITS: usize = 72;

/// Holds the statistics of whole blocks, all but the quantiles of their returns
/// ([`Statistics::add_return_buckets`](super::Statistics::add_return_buckets)).
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
    /// Shape `[bins]` of steps, at least those of the longest episode, as the next two; see
    /// [`Tally::add_step`].
    pub(crate) reward_by_step: Vec<ExactSum>,
    pub(crate) squared_reward_by_step: Vec<ExactSum>,
    pub(crate) clicks_by_step: Vec<u64>,
    pub(crate) blocks: BlockTally,
}

/// The totals of one block of episodes, which is the independent unit of the ratios between them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct BlockTotals<'a> {
    pub(crate) user_steps: u64,
    pub(crate) clicks: u64,
    /// As the fields of [`EpisodeBlock`](super::EpisodeBlock).
    pub(crate) invalid_choices: u64,
    pub(crate) truncated: u64,
    pub(crate) clicked_quality: f64,
    pub(crate) topic_impressions: &'a [u64],
    pub(crate) topic_clicks: &'a [u64],
    pub(crate) position_clicks: &'a [u64],
}

/// Sums over blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockTally {
    pub(super) units: u64,
    pub(super) invalid_choices: u64,
    pub(super) truncated: u64,
    /// Clicks by impressions of each topic.
    pub(super) topics: Vec<ProductTally>,
    /// Clicks by user-steps of each topic.
    pub(super) topic_shares: Vec<ProductTally>,
    /// Clicks by user-steps of each position of the slate; empty without blocks.
    pub(super) positions: Vec<ProductTally>,
    /// Quality by clicks, where documents have it.
    pub(super) quality: Option<Ratio>,
}

/// Sums over a sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTally {
    /// Also counts the observations that were not finite.
    pub(crate) sum: ExactSum,
    pub(crate) sum_of_squares: ExactSum,
    /// Smallest and largest of the finite observations; `None` without any.
    pub(crate) range: Option<(f64, f64)>,
}

impl Tally {
    /// Adds the sums of a step to the curves; steps come in their order.
    pub(crate) fn add_step(
        &mut self,
        step: u32,
        reward: ExactSum,
        squared_reward: ExactSum,
        clicks: u64,
    ) {
        let bin = bin_of_step(step);
        if bin < self.clicks_by_step.len() {
            self.reward_by_step[bin].merge(&reward);
            self.squared_reward_by_step[bin].merge(&squared_reward);
            self.clicks_by_step[bin] += clicks;
        } else {
            self.reward_by_step.push(reward);
            self.squared_reward_by_step.push(squared_reward);
            self.clicks_by_step.push(clicks);
        }
    }
}

impl BlockTally {
    pub(super) fn new(num_topics: usize, has_quality: bool) -> Self {
        Self {
            topics: vec![ProductTally::default(); num_topics],
            topic_shares: vec![ProductTally::default(); num_topics],
            quality: has_quality.then(Ratio::default),
            ..Self::default()
        }
    }

    /// Adds a block of at least one episode.
    pub(crate) fn add(&mut self, block: &BlockTotals<'_>) {
        self.units += 1;
        self.invalid_choices += block.invalid_choices;
        self.truncated += block.truncated;
        let topic_counts = block.topic_clicks.iter().zip(block.topic_impressions);
        for (topic, (&clicks, &impressions)) in self.topics.iter_mut().zip(topic_counts) {
            topic.add(clicks, impressions);
        }
        for (share, &clicks) in self.topic_shares.iter_mut().zip(block.topic_clicks) {
            share.add(clicks, block.user_steps);
        }
        if self.positions.is_empty() {
            self.positions = vec![ProductTally::default(); block.position_clicks.len()];
        }
        for (position, &clicks) in self.positions.iter_mut().zip(block.position_clicks) {
            position.add(clicks, block.user_steps);
        }
        if let Some(quality) = &mut self.quality {
            quality.add(block.clicked_quality, block.clicks);
        }
    }
}

impl SampleTally {
    pub(super) fn moments(&self, observations: u64) -> Moments {
        Moments::of_sums(
            observations - self.sum.non_finite(),
            self.sum.clone(),
            self.sum_of_squares.clone(),
            self.range,
        )
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
