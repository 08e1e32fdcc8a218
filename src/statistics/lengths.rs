//! Histogram of episode lengths.

use super::exact_sum::ExactSum;
use super::moments::{largest_share, sample_variance};
use super::{interpolate, quantile_rank};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lengths below this are counted in a table, which grows to the longest; others in a map.
const TABLE_LIMIT: usize = 1 << 16;

/// Counts the episodes of each length, in steps.
///
/// # Precision
/// Every count, sum and order statistic is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u32, u64)>", into = "Vec<(u32, u64)>")]
pub struct Lengths {
    /// Indexed by length; the last entry is not zero.
    table: Vec<u64>,
    longer: BTreeMap<u32, u64>,
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
            let count = self.entry(length);
            *count = count.saturating_add(1);
        }
    }

    /// Adds episodes that are already counted, by length from 0.
    pub(super) fn add_counts(&mut self, counts: &[u32]) {
        for (length, &count) in (0u32..).zip(counts).filter(|&(_, &count)| count > 0) {
            let total = self.entry(length);
            *total = total.saturating_add(u64::from(count));
        }
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (length, count) in other.iter() {
            let total = self.entry(length);
            *total = total.saturating_add(count);
        }
    }

    /// Lists the lengths that occur, in ascending order, and how many episodes have them.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let short = (0u32..).zip(&self.table).filter(|&(_, &count)| count > 0);
        let longer = self.longer.iter().map(|(&length, &count)| (length, count));
        short.map(|(length, &count)| (length, count)).chain(longer)
    }

    /// Counts the episodes.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }

    /// Counts the episodes longer than `step`, which are those that took step number `step` (from 0).
    #[must_use]
    pub fn running(&self, step: u32) -> u64 {
        self.iter()
            .filter(|&(length, _)| length > step)
            .map(|(_, count)| count)
            .sum()
    }

    /// Lists [`Lengths::running`] for every step up to the longest episode.
    pub(super) fn running_by_step(&self) -> Vec<u64> {
        let mut running = self.count();
        let mut by_step = Vec::with_capacity(self.max().unwrap_or(0) as usize);
        for (length, count) in self.iter() {
            by_step.resize(length as usize, running);
            running -= count;
        }
        by_step
    }

    /// Sums the lengths: the number of user-steps.
    #[must_use]
    pub fn user_steps(&self) -> u128 {
        self.power_sum(1)
    }

    /// Averages the lengths; `None` without episodes.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.user_steps() as f64 / count as f64)
    }

    /// Estimates the standard deviation, with `n - 1`; `None` below two episodes.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        let squares = ExactSum::from(self.power_sum(2));
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
        self.iter().next().map(|(length, _)| length)
    }

    /// Returns the length of the longest episode.
    #[must_use]
    pub fn max(&self) -> Option<u32> {
        self.iter().last().map(|(length, _)| length)
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
        let mut up_to = 0;
        self.iter().find_map(|(length, count)| {
            up_to += count;
            (rank < up_to).then_some(f64::from(length))
        })
    }

    fn power_sum(&self, power: u32) -> u128 {
        // A squared length has 64 bits, and all counts together have 64 too.
        let term = |(length, count): (u32, u64)| u128::from(length).pow(power) * u128::from(count);
        self.iter().map(term).sum()
    }

    #[inline]
    fn entry(&mut self, length: u32) -> &mut u64 {
        let index = length as usize;
        if index >= TABLE_LIMIT {
            return self.longer.entry(length).or_default();
        }
        if index >= self.table.len() {
            self.table.resize(index + 1, 0);
        }
        &mut self.table[index]
    }
}

impl From<Lengths> for Vec<(u32, u64)> {
    fn from(lengths: Lengths) -> Self {
        lengths.iter().collect()
    }
}

impl TryFrom<Vec<(u32, u64)>> for Lengths {
    type Error = &'static str;

    fn try_from(pairs: Vec<(u32, u64)>) -> Result<Self, Self::Error> {
        let ascending = pairs.is_sorted_by(|(a, _), (b, _)| a < b);
        if !ascending || pairs.iter().any(|&(_, count)| count == 0) {
            return Err("lengths are not in ascending order with a count each");
        }
        let mut lengths = Self::new();
        let mut total = 0u64;
        for (length, count) in pairs {
            total = total
                .checked_add(count)
                .ok_or("the counts of the lengths exceed 64 bits")?;
            *lengths.entry(length) = count;
        }
        Ok(lengths)
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
        assert_eq!(lengths.running_by_step(), [3, 2, 2]);
        for (step, running) in [(0, 3), (1, 2), (2, 2), (3, 0), (u32::MAX, 0)] {
            assert_eq!(lengths.running(step), running);
        }
        assert!(lengths_of(&[0, 0]).running_by_step().is_empty());
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
        ] {
            assert!(serde_json::from_str::<Lengths>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_on_both_sides_of_the_table_are_one_histogram() {
        let limit = u32::try_from(TABLE_LIMIT).unwrap();
        let lengths = lengths_of(&[limit, limit - 1, u32::MAX, 2]);
        let listed: Vec<_> = lengths.iter().collect();
        assert_eq!(listed, [(2, 1), (limit - 1, 1), (limit, 1), (u32::MAX, 1)]);
        assert_eq!((lengths.min(), lengths.max()), (Some(2), Some(u32::MAX)));
        assert_eq!(lengths.running(limit - 1), 2);
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let lengths: Lengths = serde_json::from_str("[[4294967295,18446744073709551615]]").unwrap();
        assert_eq!(lengths.mean(), Some(4_294_967_295.0));
        assert_eq!(lengths.standard_deviation(), Some(0.0));
        assert_eq!(lengths.quantile(0.5), Some(4_294_967_295.0));
    }
}
