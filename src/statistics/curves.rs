//! Sums per step over the episodes that are still running; over a bin of steps where there are many.

use super::episodes::EpisodeBlock;
use super::exact_sum::ExactSum;
use super::moments::sample_variance;
use super::step_bins::{SINGLE_STEPS, bin_of_step, num_bins};
use serde::{Deserialize, Serialize};

/// Collects rewards, squared rewards and clicks per step or bin of steps ([`bin_of_step`]); as long as the longest episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Curves {
    reward: Vec<ExactSum>,
    squared_reward: Vec<ExactSum>,
    clicks: Vec<u64>,
}

/// How much the episodes ran in a bin of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Running {
    /// Episodes that took its first step.
    pub(super) episodes: u64,
    /// Steps that were taken in it, by all episodes.
    pub(super) user_steps: u64,
    /// Its steps, up to the end of the longest episode.
    pub(super) steps: u64,
}

impl Curves {
    pub(super) fn add(&mut self, block: &EpisodeBlock) {
        let bins = num_bins(block.max_length());
        self.lengthen(bins);
        for (sum, &term) in self.reward.iter_mut().zip(&block.reward_by_step[..bins]) {
            sum.add(term);
        }
        for (sum, &term) in self
            .squared_reward
            .iter_mut()
            .zip(&block.squared_reward_by_step[..bins])
        {
            sum.add(term);
        }
        for (sum, &term) in self.clicks.iter_mut().zip(&block.clicks_by_step[..bins]) {
            *sum = sum.saturating_add(term);
        }
        for &(bin, reward, squared_reward) in &block.curve_remainders {
            if bin < bins {
                self.reward[bin].add(reward);
                self.squared_reward[bin].add(squared_reward);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.add_sums(&other.reward, &other.squared_reward, &other.clicks);
    }

    /// Adds what is already summed over many blocks, from step 0 on: slices of one length.
    pub(super) fn add_sums(
        &mut self,
        reward: &[ExactSum],
        squared_reward: &[ExactSum],
        clicks: &[u64],
    ) {
        self.lengthen(clicks.len());
        for (sum, term) in self.reward.iter_mut().zip(reward) {
            sum.merge(term);
        }
        for (sum, term) in self.squared_reward.iter_mut().zip(squared_reward) {
            sum.merge(term);
        }
        for (sum, &term) in self.clicks.iter_mut().zip(clicks) {
            *sum = sum.saturating_add(term);
        }
    }

    /// Checks curves that were read, of episodes up to `longest` steps. Steps that have an entry each, as in results from
    /// before there were bins, are added up to bins. `None` where the curves do not end with the longest episode.
    pub(super) fn checked(mut self, longest: u32) -> Option<Self> {
        let lengths = [
            self.reward.len(),
            self.squared_reward.len(),
            self.clicks.len(),
        ];
        if lengths == [num_bins(longest); 3] {
            return Some(self);
        }
        if lengths != [longest as usize; 3] {
            return None;
        }
        for step in SINGLE_STEPS..longest {
            let (bin, step) = (bin_of_step(step), step as usize);
            if bin < step {
                let (reward, squared_reward) = (
                    std::mem::take(&mut self.reward[step]),
                    std::mem::take(&mut self.squared_reward[step]),
                );
                let clicks = std::mem::take(&mut self.clicks[step]);
                self.reward[bin].merge(&reward);
                self.squared_reward[bin].merge(&squared_reward);
                self.clicks[bin] = self.clicks[bin].saturating_add(clicks);
            }
        }
        self.reward.truncate(num_bins(longest));
        self.squared_reward.truncate(num_bins(longest));
        self.clicks.truncate(num_bins(longest));
        Some(self)
    }

    /// Averages the reward at each step over the episodes running, in a bin over all steps taken there; `None` where a reward
    /// was not finite.
    pub(super) fn mean_reward(&self, running: &[Running]) -> Vec<Option<f64>> {
        let mean = |(reward, running): (&ExactSum, &Running)| {
            let mean = reward.value() / running.user_steps as f64;
            (reward.non_finite() == 0 && mean.is_finite()).then_some(mean)
        };
        self.reward.iter().zip(running).map(mean).collect()
    }

    /// Estimates the standard error of [`Curves::mean_reward`]; `None` below two episodes.
    ///
    /// In a bin of several steps it is that of one step, as if an episode had the same reward at all of them: at least the
    /// true one.
    ///
    /// # Precision
    /// That of the sums over blocks, see [`Summary::reward_per_step_standard_error`](super::Summary).
    pub(super) fn mean_reward_standard_error(&self, running: &[Running]) -> Vec<Option<f64>> {
        let sums = self.reward.iter().zip(&self.squared_reward);
        let standard_error = |((sum, squares), running): ((&ExactSum, &ExactSum), &Running)| {
            if running.episodes < 2 || sum.non_finite() + squares.non_finite() > 0 {
                return None;
            }
            let variance = sample_variance(running.user_steps, sum, squares)?;
            Some((variance / running.mean_episodes()).sqrt())
        };
        sums.zip(running).map(standard_error).collect()
    }

    /// Divides the clicks at each step by the episodes running, in a bin by all steps taken there.
    pub(super) fn click_rate(&self, running: &[Running]) -> Vec<Option<f64>> {
        let rate =
            |(&clicks, running): (&u64, &Running)| Some(clicks as f64 / running.user_steps as f64);
        self.clicks.iter().zip(running).map(rate).collect()
    }

    /// Estimates the standard error of [`Curves::click_rate`]; `None` below two episodes. In a bin of several steps it is at
    /// least the true one, as that of [`Curves::mean_reward_standard_error`].
    ///
    /// ```text
    /// sqrt(p (1 - p) / (n - 1))
    /// ```
    pub(super) fn click_rate_standard_error(&self, running: &[Running]) -> Vec<Option<f64>> {
        let standard_error = |(&clicks, running): (&u64, &Running)| {
            // An episode clicks at most once a step, so that clicks are 0 or 1 and equal their squares.
            let rate = clicks as f64 / running.user_steps as f64;
            let episodes = running.mean_episodes();
            (running.episodes >= 2 && episodes > 1.0)
                .then(|| (rate * (1.0 - rate).max(0.0) / (episodes - 1.0)).sqrt())
        };
        self.clicks
            .iter()
            .zip(running)
            .map(standard_error)
            .collect()
    }

    fn lengthen(&mut self, bins: usize) {
        if bins > self.clicks.len() {
            self.reward.resize_with(bins, ExactSum::new);
            self.squared_reward.resize_with(bins, ExactSum::new);
            self.clicks.resize(bins, 0);
        }
    }
}

impl Running {
    /// Averages the episodes running over the steps of the bin.
    fn mean_episodes(&self) -> f64 {
        self.user_steps as f64 / self.steps as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_of_single_steps_are_added_up_to_bins() {
        let sums = |count: u32| {
            let terms = (0..count).map(|step| {
                let mut sum = ExactSum::new();
                sum.add(f64::from(step));
                sum
            });
            terms.collect::<Vec<_>>()
        };
        let old = Curves {
            reward: sums(5000),
            squared_reward: sums(5000),
            clicks: vec![1; 5000],
        };
        let read = old.clone().checked(5000).unwrap();
        assert_eq!(read.clicks.len(), 4096 + 29);
        assert_eq!((read.clicks[4095], read.clicks[4096]), (1, 32));
        assert_eq!(read.clicks[4096 + 28], 5000 - 4096 - 28 * 32);
        let expected: u32 = (4096 + 32..4096 + 64).sum();
        assert_eq!(read.reward[4097].value(), f64::from(expected));
        assert_eq!(read.clone().checked(5000), Some(read));
        assert_eq!(old.checked(5001), None);
    }
}
