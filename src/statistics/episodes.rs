//! What a backend hands over for one block of episodes.

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
    /// Least-squares slope of reward over the step of each episode, see [`least_squares_slope`]; not looked at in episodes
    /// of one step. Shape `[episodes]`.
    ///
    /// [`least_squares_slope`]: super::least_squares_slope
    pub slopes: Vec<f64>,
    /// Rewards at each step, summed over the block. Shape `[steps]`, at least the longest episode;
    /// whatever lies beyond it is ignored.
    pub reward_by_step: Vec<f64>,
    /// Squared rewards at each step, summed over the block. Shape as `reward_by_step`.
    pub squared_reward_by_step: Vec<f64>,
    /// Episodes that clicked at each step. Shape as `reward_by_step`.
    pub clicks_by_step: Vec<u32>,
    /// Sum of rewards of each episode, that of step `t` weighted by the `t`-th power of a discount. Shape
    /// `[discounts][episodes]`.
    pub discounted: Vec<Vec<f64>>,
    /// Episodes that were cut off at `max_steps`, and had not ended by themselves.
    pub truncated: u64,
    /// Choices whose scores were clamped, because they could be no probabilities.
    pub invalid_choices: u64,
    /// Quality summed over the documents clicked; 0 where documents have none.
    pub clicked_quality: f64,
    /// Documents shown of each topic. Shape `[topics]`, empty where the environment has none.
    pub topic_impressions: Vec<u64>,
    /// Documents clicked of each topic. Shape as `topic_impressions`.
    pub topic_clicks: Vec<u64>,
    /// Documents clicked at each position of the slate that a user considers; every step shows a document at each.
    /// Shape `[positions]`.
    pub slot_clicks: Vec<u64>,
}

impl EpisodeBlock {
    /// Counts the episodes.
    #[must_use]
    pub fn episodes(&self) -> usize {
        self.returns.len()
    }

    /// Returns what comparisons and stopping rules judge by: the returns at the first discount, or where there is none the
    /// plain ones.
    #[must_use]
    pub fn judged(&self) -> &[f64] {
        self.discounted.first().unwrap_or(&self.returns)
    }

    /// Returns the number of steps of the longest episode, 0 without episodes.
    #[must_use]
    pub fn max_length(&self) -> u32 {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Tells which field does not fit the others, as a broken promise of the backend.
    pub(super) fn misfit(&self, num_topics: usize) -> Option<&'static str> {
        let episodes = self.episodes();
        let steps = self.max_length() as usize;
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
            (self.reward_by_step.len() >= steps, "reward_by_step"),
            (
                self.squared_reward_by_step.len() >= steps,
                "squared_reward_by_step",
            ),
            (self.clicks_by_step.len() >= steps, "clicks_by_step"),
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
