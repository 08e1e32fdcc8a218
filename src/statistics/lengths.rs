//! Histogram of episode lengths.

use super::curves::Running;
use super::exact_sum::ExactSum;
use super::moments::{largest_share, sample_variance};
use super::step_bins::{bin_of_step, first_step_of_bin, num_bins};
use super::{interpolate, quantile_rank};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lengths up to this are counted one by one, in a table that grows to the longest; others in bins.
pub const LONGEST_COUNTED: u32 = 1 << LIMIT_BITS;
const LIMIT_BITS: u32 = 14;
/// Each doubling of a longer length has 2^11 bins, which lie within those of the curves.
const DOUBLING_BITS: u32 = 11;

/// Counts the episodes of each length, in steps.
///
/// Lengths above [`LONGEST_COUNTED`] are counted in bins of relative width 2^-11, each with its sums, so that memory does not
/// grow with the number of different lengths.
///
/// # Precision
/// Counts, sums, the mean, the standard deviation and the extremes are exact. So are order statistics up to
/// [`LONGEST_COUNTED`], and above where all lengths of a bin are equal; others are within 2^-11 of the length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct Lengths {
    /// Indexed by length; the last entry is not zero.
    table: Vec<u64>,
    /// By the begin of the bin: the last step of its shortest length.
    longer: BTreeMap<u32, Bin>,
}

/// Episodes of about the same, large length; the figures are of lengths less the shortest length of the bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    count: u64,
    min: u64,
    max: u64,
    sum: u64,
    squares: u64,
}

impl Bin {
    /// Makes a bin of `count` episodes of one length. Sums saturate beyond 2^55 user-steps, many more than can be run.
    fn of(offset: u64, count: u64) -> Self {
        Self {
            count,
            min: offset,
            max: offset,
            sum: offset.saturating_mul(count),
            squares: (offset * offset).saturating_mul(count),
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
    }
}

/// Returns the begin of the bin of a long length, given the last step of that length.
fn bin_begin(last_step: u32) -> u32 {
    let shift = last_step.ilog2() - DOUBLING_BITS;
    last_step >> shift << shift
}

impl Lengths {
    /// Starts an empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the lengths of a block of episodes.
    pub fn add(&mut self, lengths: &[u32]) {
        for &length in lengths {
            self.count_length(length, 1);
        }
    }

    /// Adds episodes that are already counted, by length from 0.
    pub(super) fn add_counts(&mut self, counts: &[u32]) {
        for (length, &count) in (0u32..).zip(counts).filter(|&(_, &count)| count > 0) {
            self.count_length(length, u64::from(count));
        }
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (length, count) in other.counted() {
            self.count_length(length, count);
        }
        for (&begin, bin) in &other.longer {
            self.longer.entry(begin).or_default().merge(bin);
        }
    }

    #[inline]
    fn count_length(&mut self, length: u32, count: u64) {
        if length > LONGEST_COUNTED {
            let begin = bin_begin(length - 1);
            let bin = Bin::of(u64::from(length - 1 - begin), count);
            self.longer.entry(begin).or_default().merge(&bin);
            return;
        }
        let index = length as usize;
        if index >= self.table.len() {
            self.table.resize(index + 1, 0);
        }
        self.table[index] = self.table[index].saturating_add(count);
    }

    /// Lists the lengths that are counted one by one, in ascending order.
    fn counted(&self) -> impl Iterator<Item = (u32, u64)> {
        let all = (0u32..).zip(&self.table);
        all.filter(|&(_, &count)| count > 0)
            .map(|(length, &count)| (length, count))
    }

    /// Lists the lengths that occur, in ascending order, and how many episodes have them; long ones as the ranges that they
    /// lie in, from the shortest to the longest.
    fn ranges(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let short = self
            .counted()
            .map(|(length, count)| (u64::from(length), u64::from(length), count));
        let longer = self.longer.iter().map(|(&begin, bin)| {
            let least = u64::from(begin) + 1;
            (least + bin.min, least + bin.max, bin.count)
        });
        short.chain(longer)
    }

    /// Counts the episodes.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges()
            .fold(0, |sum, (.., count)| sum.saturating_add(count))
    }

    /// Counts the episodes that took the step numbered 1, the second one.
    pub(super) fn of_several_steps(&self) -> u64 {
        self.ranges()
            .filter(|&(shortest, ..)| shortest > 1)
            .fold(0, |sum, (.., count)| sum.saturating_add(count))
    }

    /// Returns for every bin of the curves, up to the longest episode, how much ran there.
    pub(super) fn running(&self) -> Vec<Running> {
        let longest = self.max().unwrap_or(0);
        let mut bins = vec![Running::default(); num_bins(longest)];
        // First the episodes that end in each bin, and their steps there.
        let mut end = |last_step: u32, count: u64, steps: u64| {
            let running = &mut bins[bin_of_step(last_step)];
            running.episodes += count;
            running.user_steps += steps;
        };
        let first_of = |last_step: u32| first_step_of_bin(bin_of_step(last_step));
        for (length, count) in self.counted().filter(|&(length, _)| length > 0) {
            let steps = u64::from(length) - first_of(length - 1);
            end(length - 1, count, count.saturating_mul(steps));
        }
        for (&begin, bin) in &self.longer {
            let steps = u64::from(begin) + 1 - first_of(begin);
            let all = bin.count.saturating_mul(steps).saturating_add(bin.sum);
            end(begin, bin.count, all);
        }
        let (mut later, mut next) = (0u64, u64::from(longest));
        for (index, running) in bins.iter_mut().enumerate().rev() {
            let first = first_step_of_bin(index);
            running.steps = next - first;
            running.user_steps += later.saturating_mul(running.steps);
            running.episodes = running.episodes.saturating_add(later);
            (later, next) = (running.episodes, first);
        }
        bins
    }

    /// Sums the lengths: the number of user-steps.
    #[must_use]
    pub fn user_steps(&self) -> u128 {
        let short = self
            .counted()
            .map(|(length, count)| u128::from(length) * u128::from(count));
        let longer = self.longer.iter().map(|(&begin, bin)| {
            (u128::from(begin) + 1) * u128::from(bin.count) + u128::from(bin.sum)
        });
        short.chain(longer).fold(0, u128::saturating_add)
    }

    /// Sums the squares of the lengths: each has 64 bits, and all counts together have 64 too.
    fn squares(&self) -> u128 {
        let short = self
            .counted()
            .map(|(length, count)| u128::from(length).pow(2) * u128::from(count));
        let longer = self.longer.iter().map(|(&begin, bin)| {
            let least = u128::from(begin) + 1;
            let of_least = least * least * u128::from(bin.count);
            of_least + 2 * least * u128::from(bin.sum) + u128::from(bin.squares)
        });
        short.chain(longer).fold(0, u128::saturating_add)
    }

    /// Averages the lengths; `None` without episodes.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        let (min, max) = (f64::from(self.min()?), f64::from(self.max()?));
        // Both parts of the quotient are rounded.
        Some((self.user_steps() as f64 / count as f64).clamp(min, max))
    }

    /// Estimates the standard deviation, with `n - 1`; `None` below two episodes.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        let squares = ExactSum::from(self.squares());
        sample_variance(self.count(), &self.user_steps().into(), &squares).map(f64::sqrt)
    }

    /// Estimates the standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        Some(self.standard_deviation()? / (self.count() as f64).sqrt())
    }

    /// Returns the share of the sum of squares around the mean that the farthest length has; `None` without spread.
    #[must_use]
    pub fn largest_share(&self) -> Option<f64> {
        let deviation = self.standard_deviation()?;
        let range = (f64::from(self.min()?), f64::from(self.max()?));
        largest_share(self.count(), self.mean()?, deviation * deviation, range)
    }

    /// Returns the length of the shortest episode.
    #[must_use]
    pub fn min(&self) -> Option<u32> {
        let (shortest, ..) = self.ranges().next()?;
        u32::try_from(shortest).ok()
    }

    /// Returns the length of the longest episode.
    #[must_use]
    pub fn max(&self) -> Option<u32> {
        if let Some((&begin, bin)) = self.longer.last_key_value() {
            return u32::try_from(u64::from(begin) + 1 + bin.max).ok();
        }
        self.counted().last().map(|(length, _)| length)
    }

    /// Finds the length below which a share `probability` of the episodes lies.
    ///
    /// Interpolates linearly between the order statistics next to rank `(count - 1) · probability`.
    /// `None` without episodes or for a probability outside `[0, 1]`.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        let (below, fraction) = quantile_rank(probability, self.count())?;
        let low = self.order_statistic(below)?;
        if fraction == 0.0 {
            return Some(low);
        }
        Some(interpolate(low, self.order_statistic(below + 1)?, fraction))
    }

    fn order_statistic(&self, rank: u64) -> Option<f64> {
        let mut before = 0u64;
        self.ranges().find_map(|(shortest, longest, count)| {
            let within = rank - before;
            if within >= count {
                before += count;
                return None;
            }
            // The first and the last of a range are known; those between are taken as evenly spread.
            let share = within as f64 / (count - 1).max(1) as f64;
            Some(interpolate(shortest as f64, longest as f64, share).floor())
        })
    }
}

impl From<Lengths> for Vec<Vec<u64>> {
    /// Writes a length and its count; for a bin of different lengths its begin, the count, and of the distances of last
    /// steps from the begin the least, the greatest, the sum and the sum of squares.
    fn from(lengths: Lengths) -> Self {
        let short = lengths.counted();
        let short = short.map(|(length, count)| vec![u64::from(length), count]);
        let longer = lengths.longer.iter().map(|(&begin, bin)| {
            let begin = u64::from(begin);
            if bin.min == bin.max {
                vec![begin + 1 + bin.min, bin.count]
            } else {
                vec![begin, bin.count, bin.min, bin.max, bin.sum, bin.squares]
            }
        });
        short.chain(longer).collect()
    }
}

impl TryFrom<Vec<Vec<u64>>> for Lengths {
    type Error = &'static str;

    fn try_from(rows: Vec<Vec<u64>>) -> Result<Self, Self::Error> {
        const NO_LENGTHS: &str = "lengths are not in ascending order with a count each";
        let mut lengths = Self::new();
        let (mut next, mut total) = (0u64, 0u64);
        for row in rows {
            // Before there were bins, each long length had a row.
            let count = match row[..] {
                [length, count] => {
                    let short = u32::try_from(length).ok().ok_or(NO_LENGTHS)?;
                    if count == 0 || length < next {
                        return Err(NO_LENGTHS);
                    }
                    lengths.count_length(short, count);
                    next = length + 1;
                    count
                }
                [begin, count, min, max, sum, squares] => {
                    let bin = Bin {
                        count,
                        min,
                        max,
                        sum,
                        squares,
                    };
                    let begin = u32::try_from(begin).ok().ok_or(NO_LENGTHS)?;
                    if !bin.can_be(begin) || u64::from(begin) + 1 < next {
                        return Err(NO_LENGTHS);
                    }
                    lengths.longer.insert(begin, bin);
                    next = u64::from(begin) + 1 + bin.width(begin);
                    count
                }
                _ => return Err(NO_LENGTHS),
            };
            total = total
                .checked_add(count)
                .ok_or("the counts of the lengths exceed 64 bits")?;
        }
        Ok(lengths)
    }
}

impl Bin {
    /// Returns how many lengths the bin with this begin has.
    fn width(&self, begin: u32) -> u64 {
        1 << (begin.ilog2() - DOUBLING_BITS)
    }

    /// Tells whether a bin of different lengths, which was read, is possible.
    fn can_be(&self, begin: u32) -> bool {
        let [count, min, max, sum, squares] =
            [self.count, self.min, self.max, self.sum, self.squares].map(u128::from);
        let least = |power: u32| (count - 1) * min.pow(power) + max.pow(power);
        let most = |power: u32| min.pow(power) + (count - 1) * max.pow(power);
        begin >= LONGEST_COUNTED
            && bin_begin(begin) == begin
            && count >= 2
            && min < max
            && self.max < self.width(begin)
            && u64::from(begin) + 1 + self.max <= u64::from(u32::MAX)
            && (least(1)..=most(1)).contains(&sum)
            && (least(2)..=most(2)).contains(&squares)
            // No sample has a negative variance.
            && sum * sum <= count * squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths_of(lengths: &[u32]) -> Lengths {
        let mut histogram = Lengths::new();
        histogram.add(lengths);
        histogram
    }

    #[test]
    fn figures_are_those_of_the_sample() {
        let lengths = lengths_of(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!((lengths.count(), lengths.user_steps()), (8, 40));
        assert_eq!(lengths.mean(), Some(5.0));
        assert_eq!(lengths.standard_deviation(), Some((32.0_f64 / 7.0).sqrt()));
        let standard_error = lengths.standard_error().unwrap();
        assert!((standard_error - (4.0_f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!((lengths.min(), lengths.max()), (Some(2), Some(9)));
        assert_eq!(lengths.quantile(0.5), Some(4.5));
        assert_eq!(lengths.quantile(0.25), Some(4.0));
    }

    #[test]
    fn an_episode_runs_at_every_step_below_its_length() {
        let lengths = lengths_of(&[3, 1, 3]);
        let running: Vec<u64> = lengths.running().iter().map(|at| at.episodes).collect();
        assert_eq!(running, [3, 2, 2]);
        assert_eq!(lengths.of_several_steps(), 2);
        assert!(lengths_of(&[0, 0]).running().is_empty());
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Lengths::new();
        assert_eq!(
            (
                empty.mean(),
                empty.standard_deviation(),
                empty.quantile(0.5)
            ),
            (None, None, None)
        );
        assert_eq!((empty.count(), empty.max()), (0, None));
    }

    #[test]
    fn merging_adds_counts() {
        let mut left = lengths_of(&[1, 2, 2]);
        left.merge(&lengths_of(&[2, 3]));
        assert_eq!(left, lengths_of(&[3, 2, 1, 2, 2]));
        let text = serde_json::to_string(&left).unwrap();
        assert_eq!(text, "[[1,1],[2,3],[3,1]]");
        assert_eq!(serde_json::from_str::<Lengths>(&text).unwrap(), left);
    }

    #[test]
    fn states_that_cannot_be_are_refused() {
        for bad in [
            "[[2,1],[1,1]]",
            "[[1,1],[1,1]]",
            "[[1,0]]",
            "[[1,18446744073709551615],[2,1]]",
            "[[-1,1]]",
            "[[4294967296,1]]",
            "[[1]]",
            "[[16384,3,0,8,9,65]]",
            "[[16385,2,0,2,2,4]]",
            "[[16384,2,0,2,3,4]]",
            "[[16384,2,0,2,2,5]]",
            "[[16384,2,0,2,2,4],[16390,1]]",
        ] {
            assert!(serde_json::from_str::<Lengths>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn long_lengths_are_binned_with_exact_sums() {
        let limit = LONGEST_COUNTED;
        let sample = [
            2,
            limit,
            limit + 1,
            limit + 3,
            limit + 3,
            27_000,
            27_000,
            u32::MAX,
        ];
        let lengths = lengths_of(&sample);
        assert_eq!((lengths.min(), lengths.max()), (Some(2), Some(u32::MAX)));
        let sum: u128 = sample.iter().map(|&length| u128::from(length)).sum();
        assert_eq!((lengths.count(), lengths.user_steps()), (8, sum));
        let mut plain = crate::statistics::Moments::new();
        for length in sample {
            plain.add(f64::from(length));
        }
        assert_eq!(lengths.mean(), plain.mean());
        assert_eq!(lengths.standard_deviation(), plain.standard_deviation());
        for (rank, length) in (0u32..).zip(sample) {
            // Two of the bin of four are in its middle.
            let found = lengths.quantile(f64::from(rank) / 7.0).unwrap();
            assert!(
                (found - f64::from(length)).abs() <= 2.0,
                "{found} for {length}"
            );
        }
        let text = serde_json::to_string(&lengths).unwrap();
        assert!(text.contains("[16384,3,0,2,4,8],[27000,2],"), "{text}");
        let read: Lengths = serde_json::from_str(&text).unwrap();
        assert_eq!(read, lengths);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let mut merged = lengths_of(&sample[5..]);
        merged.merge(&lengths_of(&sample[..5]));
        assert_eq!(merged, lengths);
        // As it was written before there were bins.
        let old = "[[2,1],[16384,1],[16385,1],[16387,2],[27000,2],[4294967295,1]]";
        assert_eq!(serde_json::from_str::<Lengths>(old).unwrap(), lengths);
    }

    #[test]
    fn a_million_different_lengths_take_some_thousand_bins() {
        let mut lengths = Lengths::new();
        for length in 1..=1_000_000 {
            lengths.add(&[length]);
        }
        assert!(lengths.longer.len() < 13_000);
        assert_eq!(lengths.user_steps(), 500_000_500_000);
        assert!((lengths.quantile(0.5).unwrap() / 500_000.5 - 1.0).abs() < 1.0 / 2048.0);
        let text = serde_json::to_string(&lengths).unwrap();
        assert!(text.len() < 800_000, "{}", text.len());
    }

    #[test]
    fn what_runs_in_a_bin_adds_up_to_all_steps() {
        let lengths = lengths_of(&[1, 4095, 4096, 4097, 5000, 5000, 20_000, 20_003, 300_000]);
        let running = lengths.running();
        let all: u64 = running.iter().map(|bin| bin.user_steps).sum();
        assert_eq!(u128::from(all), lengths.user_steps());
        let steps: u64 = running.iter().map(|bin| bin.steps).sum();
        assert_eq!(steps, 300_000);
        assert_eq!((running[0].episodes, running[4095].episodes), (9, 7));
        // Steps 4096 to 4127: one of the six ends after the first of them.
        let first = Running {
            episodes: 6,
            user_steps: 5 * 32 + 1,
            steps: 32,
        };
        assert_eq!(running[4096], first);
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let lengths: Lengths = serde_json::from_str("[[4294967295,18446744073709551615]]").unwrap();
        assert_eq!(lengths.mean(), Some(4_294_967_295.0));
        assert_eq!(lengths.standard_deviation(), Some(0.0));
        assert_eq!(lengths.quantile(0.5), Some(4_294_967_295.0));
    }
}
