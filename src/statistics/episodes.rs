//! What a backend hands over for one block of episodes.

#[cfg(doc)]
use super::step_bins::SINGLE_STEPS;
use super::step_bins::{bin_of_step, num_bins};

/// Holds the outcomes of one block of consecutive episodes.
///
/// Blocks are of fixed size and aligned to it, whatever the batch or shard: the sums over a block
/// (`*_by_step`, `clicked_quality`) are rounded, so that they reproduce only if the same episodes are
/// summed in the same order. Everything after that is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpisodeBlock {
    /// Sum of rewards of each episode. Shape `[episodes]`.
    pub returns: Vec<f64>,
    /// Steps of each episode. Shape `[episodes]`.
    pub lengths: Vec<u32>,
    /// Steps of each episode at which the user clicked, at most its length. Shape `[episodes]`.
    pub clicks: Vec<u32>,
    /// Least-squares slope of reward over the step of each episode, see [`least_squares_slope`]; ignored for episodes of one
    /// step. Shape `[episodes]`.
    ///
    /// [`least_squares_slope`]: super::least_squares_slope
    pub slopes: Vec<f64>,
    /// Rewards at each step, summed over the block, and from step [`SINGLE_STEPS`] on over the steps of a bin. Shape
    /// `[`[`num_bins`]`(longest)]` at least; whatever lies beyond is ignored.
    pub reward_by_step: Vec<f64>,
    /// Squared rewards at each step, summed over the block. Shape as `reward_by_step`.
    pub squared_reward_by_step: Vec<f64>,
    /// Steps at which an episode clicked. Shape as `reward_by_step`.
    pub clicks_by_step: Vec<u64>,
    /// Bin, reward and squared reward: parts that rounding took from the sums of a bin, where a backend keeps them; else
    /// empty.
    pub curve_remainders: Vec<(usize, f64, f64)>,
    /// Sum of rewards of each episode, that of step `t` weighted by the `t`-th power of a discount. Shape
    /// `[discounts][episodes]`.
    pub discounted: Vec<Vec<f64>>,
    /// Episodes that were cut off at `max_steps`, and had not ended by themselves.
    pub truncated: u64,
    /// Choices whose scores were clamped, because they gave no valid probabilities.
    pub invalid_choices: u64,
    /// Quality summed over the documents clicked; 0 where documents have none.
    pub clicked_quality: f64,
    /// Documents shown of each topic. Shape `[topics]`, empty where the environment has none.
    pub topic_impressions: Vec<u64>,
    /// Documents clicked of each topic. Shape as `topic_impressions`.
    pub topic_clicks: Vec<u64>,
    /// Documents clicked at each position of the slate that a user considers; every step shows a document at each.
    /// Shape `[positions]`.
    pub position_clicks: Vec<u64>,
}

/// Adds a number to a sum and returns the part that rounding takes from it, or the number itself if the sum cannot hold it.
fn add_exactly(sum: &mut f64, term: f64) -> f64 {
    let total = *sum + term;
    if !(sum.is_finite() && total.is_finite()) {
        return term;
    }
    // Knuth's two-sum.
    let added = total - *sum;
    let lost = (*sum - (total - added)) + (term - added);
    *sum = total;
    lost
}

impl EpisodeBlock {
    /// Counts the episodes.
    #[must_use]
    pub fn episodes(&self) -> usize {
        self.returns.len()
    }

    /// Returns the outcomes by which comparisons and stopping rules judge: the returns at the first discount, or the plain
    /// ones if there is no discount.
    #[must_use]
    pub fn judged(&self) -> &[f64] {
        self.discounted.first().unwrap_or(&self.returns)
    }

    /// Returns the number of steps of the longest episode, 0 without episodes.
    #[must_use]
    pub fn max_length(&self) -> u32 {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Adds the sums of a step to the curves, without any rounding; steps come in their order.
    ///
    /// The result is the same as that of any other exact addition, in whichever order.
    pub(crate) fn add_step(&mut self, step: u32, reward: f64, squared_reward: f64, clicks: u64) {
        let bin = bin_of_step(step);
        if bin >= self.reward_by_step.len() {
            self.reward_by_step.push(reward);
            self.squared_reward_by_step.push(squared_reward);
            self.clicks_by_step.push(clicks);
            return;
        }
        self.clicks_by_step[bin] += clicks;
        let remainder = [
            add_exactly(&mut self.reward_by_step[bin], reward),
            add_exactly(&mut self.squared_reward_by_step[bin], squared_reward),
        ];
        if remainder == [0.0; 2] {
            return;
        }
        let [mut reward, mut squared_reward] = remainder;
        if let Some((last, others, other_squares)) = self.curve_remainders.last_mut()
            && *last == bin
        {
            reward = add_exactly(others, reward);
            squared_reward = add_exactly(other_squares, squared_reward);
        }
        if [reward, squared_reward] != [0.0; 2] {
            self.curve_remainders.push((bin, reward, squared_reward));
        }
    }

    /// Returns the field that does not fit the others, which is a fault of the backend.
    pub(super) fn misfit(&self, num_topics: usize) -> Option<&'static str> {
        let episodes = self.episodes();
        let bins = num_bins(self.max_length());
        let checks = [
            (self.lengths.len() == episodes, "lengths"),
            (self.clicks.len() == episodes, "clicks"),
            (self.slopes.len() == episodes, "slopes"),
            (
                self.discounted
                    .iter()
                    .all(|returns| returns.len() == episodes),
                "discounted",
            ),
            (self.truncated <= episodes as u64, "truncated"),
            (self.reward_by_step.len() >= bins, "reward_by_step"),
            (
                self.squared_reward_by_step.len() >= bins,
                "squared_reward_by_step",
            ),
            (self.clicks_by_step.len() >= bins, "clicks_by_step"),
            (
                self.topic_impressions.len() == num_topics,
                "topic_impressions",
            ),
            (self.topic_clicks.len() == num_topics, "topic_clicks"),
        ];
        checks
            .into_iter()
            .find(|(fits, _)| !fits)
            .map(|(_, field)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{ExactSum, SINGLE_STEPS};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_of_a_bin_are_added_up_exactly(
            terms in prop::collection::vec((any::<f32>(), any::<f32>()), 1..40),
        ) {
            let mut block = EpisodeBlock::default();
            for step in 0..SINGLE_STEPS {
                block.add_step(step, 0.0, 0.0, 0);
            }
            let (mut rewards, mut squares) = (ExactSum::new(), ExactSum::new());
            for (step, &(reward, square)) in (SINGLE_STEPS..).zip(&terms).take(32) {
                let (reward, square) = (f64::from(reward), f64::from(square));
                block.add_step(step, reward, square, 1);
                rewards.add(reward);
                squares.add(square);
            }
            let bin = SINGLE_STEPS as usize;
            prop_assert_eq!(block.clicks_by_step[bin], terms.len().min(32) as u64);
            let (mut found, mut found_squares) = (ExactSum::new(), ExactSum::new());
            found.add(block.reward_by_step[bin]);
            found_squares.add(block.squared_reward_by_step[bin]);
            for &(of, reward, square) in &block.curve_remainders {
                prop_assert_eq!(of, bin);
                found.add(reward);
                found_squares.add(square);
            }
            prop_assert_eq!(found, rewards);
            prop_assert_eq!(found_squares, squares);
        }
    }
}
