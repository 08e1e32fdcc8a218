//! Sums per step over the episodes that are still running.

use super::episodes::EpisodeBlock;
use super::exact_sum::ExactSum;
use super::moments::sample_variance;
use serde::{Deserialize, Serialize};

/// Collects rewards, squared rewards and clicks per step; as long as the longest episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Curves {
    reward: Vec<ExactSum>,
    squared_reward: Vec<ExactSum>,
    clicks: Vec<u64>,
}

impl Curves {
    pub(super) fn add(&mut self, block: &EpisodeBlock) {
        let steps = block.max_length() as usize;
        self.lengthen(steps);
        for (sum, &term) in self.reward.iter_mut().zip(&block.reward_by_step[..steps]) {
            sum.add(term);
        }
        for (sum, &term) in self
            .squared_reward
            .iter_mut()
            .zip(&block.squared_reward_by_step[..steps])
        {
            sum.add(term);
        }
        for (sum, &term) in self.clicks.iter_mut().zip(&block.clicks_by_step[..steps]) {
            *sum = sum.saturating_add(u64::from(term));
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

    /// Tells whether all curves have this many steps.
    pub(super) fn have_steps(&self, steps: usize) -> bool {
        [
            self.reward.len(),
            self.squared_reward.len(),
            self.clicks.len(),
        ] == [steps; 3]
    }

    /// Averages the reward at each step over the episodes running; `None` where one was not finite.
    pub(super) fn mean_reward(&self, running: &[u64]) -> Vec<Option<f64>> {
        let mean = |(reward, &running): (&ExactSum, &u64)| {
            let mean = reward.value() / running as f64;
            (reward.non_finite() == 0 && mean.is_finite()).then_some(mean)
        };
        self.reward.iter().zip(running).map(mean).collect()
    }

    /// Estimates the standard error of [`Curves::mean_reward`]; `None` below two episodes.
    ///
    /// # Precision
    /// That of the sums over blocks, see [`Summary::reward_per_step_standard_error`](super::Summary).
    pub(super) fn mean_reward_standard_error(&self, running: &[u64]) -> Vec<Option<f64>> {
        let sums = self.reward.iter().zip(&self.squared_reward);
        let standard_error = |((sum, squares), &running): ((&ExactSum, &ExactSum), &u64)| {
            if sum.non_finite() + squares.non_finite() > 0 {
                return None;
            }
            Some((sample_variance(running, sum, squares)? / running as f64).sqrt())
        };
        sums.zip(running).map(standard_error).collect()
    }

    /// Divides the clicks at each step by the episodes running.
    pub(super) fn click_rate(&self, running: &[u64]) -> Vec<Option<f64>> {
        let rate = |(&clicks, &running): (&u64, &u64)| Some(clicks as f64 / running as f64);
        self.clicks.iter().zip(running).map(rate).collect()
    }

    /// Estimates the standard error of [`Curves::click_rate`]; `None` below two episodes.
    ///
    /// ```text
    /// sqrt(p (1 - p) / (n - 1))
    /// ```
    pub(super) fn click_rate_standard_error(&self, running: &[u64]) -> Vec<Option<f64>> {
        let standard_error = |(&clicks, &running): (&u64, &u64)| {
            // An episode clicks at most once a step, so that clicks are 0 or 1 and equal their squares.
            let rate = clicks as f64 / running as f64;
            (running >= 2).then(|| (rate * (1.0 - rate).max(0.0) / (running - 1) as f64).sqrt())
        };
        self.clicks
            .iter()
            .zip(running)
            .map(standard_error)
            .collect()
    }

    fn lengthen(&mut self, steps: usize) {
        if steps > self.clicks.len() {
            self.reward.resize_with(steps, ExactSum::new);
            self.squared_reward.resize_with(steps, ExactSum::new);
            self.clicks.resize(steps, 0);
        }
    }
}
