//! Everything collected over a campaign of episodes.

use super::StatisticsError;
use super::collected::{Collected, Conditions};
use super::curves::Curves;
use super::episodes::EpisodeBlock;
use super::lengths::Lengths;
use super::moments::Moments;
use super::quantiles::Quantiles;
use super::ratio::Ratio;
use super::step_bins::num_bins;
use super::summary::Summary;
use super::tally::{BlockTally, BlockTotals, Tally};
use serde::{Deserialize, Serialize};

/// Collects what is reported of a campaign of episodes, so that parts of it merge exactly.
///
/// Blocks may be added in any order, to any number of `Statistics`, merged in any order: the result is
/// the same to the last bit, and so is its serialised form.
///
/// ```
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let backend = cpu(Some(1))?;
/// let mut statistics = backend.rollout(&simulation, 0..256, &Unobserved)?;
/// statistics.merge(&backend.rollout(&simulation, 256..600, &Unobserved)?)?;
/// assert_eq!(statistics, backend.rollout(&simulation, 0..600, &Unobserved)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Collected", into = "Collected")]
pub struct Statistics {
    pub(super) collected: Collected,
}

impl<'a> BlockTotals<'a> {
    fn of(block: &'a EpisodeBlock) -> Self {
        let total = |counts: &[u32]| counts.iter().copied().map(u64::from).sum();
        Self {
            user_steps: total(&block.lengths),
            clicks: total(&block.clicks),
            invalid_choices: block.invalid_choices,
            truncated: block.truncated,
            clicked_quality: block.clicked_quality,
            topic_impressions: &block.topic_impressions,
            topic_clicks: &block.topic_clicks,
            position_clicks: &block.position_clicks,
        }
    }
}

impl Statistics {
    /// Starts with no episodes.
    #[must_use]
    pub fn new(num_topics: usize, has_quality: bool) -> Self {
        let collected = Collected {
            returns: Moments::new(),
            return_quantiles: Quantiles::new(),
            lengths: Lengths::new(),
            click_rate: Ratio::default(),
            reward_slope: Moments::new(),
            curves: Some(Curves::default()),
            invalid_choices: 0,
            truncated: 0,
            discounted: Vec::new(),
            conditions: Conditions::default(),
            topics: vec![Ratio::default(); num_topics],
            topic_shares: vec![Ratio::default(); num_topics],
            positions: Vec::new(),
            clicked_quality: has_quality.then(Ratio::default),
        };
        Self { collected }
    }

    /// Sets the conditions that episodes are run under, before there are any episodes.
    #[must_use]
    pub fn under(mut self, conditions: Conditions) -> Self {
        self.collected.discounted = vec![Moments::new(); conditions.discounts.len()];
        self.collected.conditions = conditions;
        self
    }

    /// Sets how coarse the arithmetic of the backend is, see [`Conditions::resolution`].
    pub(crate) fn set_resolution(&mut self, resolution: f64) {
        self.collected.conditions.resolution = resolution;
    }

    /// Returns what the episodes were run under.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.collected.conditions
    }

    /// Adds a block of episodes.
    ///
    /// # Panics
    /// Where the block's fields do not have the shapes that [`EpisodeBlock`] promises, or another number
    /// of topics than this has.
    pub fn add(&mut self, block: &EpisodeBlock) {
        let collected = &mut self.collected;
        let misfit = block.misfit(collected.topics.len());
        assert_eq!(
            misfit, None,
            "a field of the episode block has another shape than promised"
        );
        if block.episodes() == 0 {
            return;
        }
        collected.returns.add_all(&block.returns);
        for &episode_return in &block.returns {
            collected.return_quantiles.add(episode_return);
        }
        assert_eq!(
            collected.discounted.len(),
            block.discounted.len(),
            "blocks have returns at the discounts that were said"
        );
        for (moments, returns) in collected.discounted.iter_mut().zip(&block.discounted) {
            moments.add_all(returns);
        }
        let slopes = block.slopes.iter().zip(&block.lengths);
        let slopes = slopes.filter(|&(_, &length)| length >= 2);
        let slopes: Vec<f64> = slopes.map(|(&slope, _)| slope).collect();
        collected.reward_slope.add_all(&slopes);
        collected.lengths.add(&block.lengths);
        collected
            .click_rate
            .add_counts(&block.clicks, &block.lengths);
        if let Some(curves) = &mut collected.curves {
            curves.add(block);
        }
        let mut totals = collected.block_tally();
        totals.add(&BlockTotals::of(block));
        collected.add_blocks(&totals);
    }

    /// Adds the episodes of another campaign, or of another part of the same one.
    ///
    /// # Errors
    /// Where the two were collected over different numbers of topics or positions, only one has document quality, or
    /// the counts of episodes or user-steps together exceed 64 bits. Nothing is changed then.
    ///
    /// Where one of the two has no curves, neither has the result.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatisticsError> {
        let (expected, got) = (self.collected.topics.len(), other.collected.topics.len());
        if expected != got {
            return Err(StatisticsError::TopicMismatch { expected, got });
        }
        let (expected, got) = (
            self.collected.positions.len(),
            other.collected.positions.len(),
        );
        if expected != got && self.episodes() > 0 && other.episodes() > 0 {
            return Err(StatisticsError::PositionMismatch { expected, got });
        }
        let expected = self.collected.clicked_quality.is_some();
        if expected != other.collected.clicked_quality.is_some() {
            return Err(StatisticsError::QualityMismatch { expected });
        }
        if self.collected.conditions.discounts != other.collected.conditions.discounts {
            return Err(StatisticsError::DiscountMismatch);
        }
        let overflow = |what| StatisticsError::CountOverflow { what };
        self.episodes()
            .checked_add(other.episodes())
            .ok_or(overflow("episodes"))?;
        self.user_steps()
            .checked_add(other.user_steps())
            .ok_or(overflow("user-steps"))?;

        // A figure that one of the two has not collected is unknown for both together.
        let lacks = |of: &Self| of.episodes() > 0 && of.collected.topic_shares.is_empty();
        if lacks(self) || lacks(other) {
            self.collected.topic_shares.clear();
        } else if self.collected.topic_shares.is_empty() {
            self.collected.topic_shares = vec![Ratio::default(); self.collected.topics.len()];
        }

        let (collected, other) = (&mut self.collected, &other.collected);
        collected.returns.merge(&other.returns);
        collected.return_quantiles.merge(&other.return_quantiles);
        collected.lengths.merge(&other.lengths);
        collected.click_rate.merge(&other.click_rate);
        collected.reward_slope.merge(&other.reward_slope);
        match (&mut collected.curves, &other.curves) {
            (Some(curves), Some(other)) => curves.merge(other),
            _ => collected.curves = None,
        }
        collected.invalid_choices += other.invalid_choices;
        collected.truncated += other.truncated;
        for (moments, other) in collected.discounted.iter_mut().zip(&other.discounted) {
            moments.merge(other);
        }
        let conditions = &mut collected.conditions;
        conditions.resolution = conditions.resolution.max(other.conditions.resolution);
        conditions.max_steps = conditions.max_steps.max(other.conditions.max_steps);
        for (topic, other) in collected.topics.iter_mut().zip(&other.topics) {
            topic.merge(other);
        }
        for (share, other) in collected.topic_shares.iter_mut().zip(&other.topic_shares) {
            share.merge(other);
        }
        if collected.positions.is_empty() {
            collected.positions.clone_from(&other.positions);
        } else {
            for (position, other) in collected.positions.iter_mut().zip(&other.positions) {
                position.merge(other);
            }
        }
        if let (Some(quality), Some(other)) =
            (&mut collected.clicked_quality, &other.clicked_quality)
        {
            quality.merge(other);
        }
        Ok(())
    }

    /// Starts to add up blocks for a tally that is added to these statistics.
    pub(crate) fn block_tally(&self) -> BlockTally {
        self.collected.block_tally()
    }

    /// Adds whole blocks that are already added up.
    ///
    /// # Errors
    /// Those of [`Statistics::merge`].
    pub(crate) fn add_tally(&mut self, tally: &Tally) -> Result<(), StatisticsError> {
        let num_topics = self.collected.topics.len();
        let mut added = Self::new(num_topics, self.collected.clicked_quality.is_some());
        let collected = &mut added.collected;
        collected.lengths.add_counts(&tally.lengths);
        let episodes = collected.lengths.count();
        collected.returns = tally.returns.moments(episodes);
        collected.reward_slope = tally.slopes.moments(collected.lengths.of_several_steps());
        collected.click_rate.add_products(episodes, &tally.clicks);
        let bins = num_bins(collected.lengths.max().unwrap_or(0));
        if let Some(curves) = &mut collected.curves {
            curves.add_sums(
                &tally.reward_by_step[..bins],
                &tally.squared_reward_by_step[..bins],
                &tally.clicks_by_step[..bins],
            );
        }
        collected.add_blocks(&tally.blocks);
        self.merge(&added)
    }

    /// Adds the counts of returns by bucket that go with tallies added before, see
    /// [`Quantiles::add_single_buckets`](super::Quantiles).
    pub(crate) fn add_return_buckets(&mut self, counts: &[u32]) {
        let range = self
            .collected
            .returns
            .min()
            .zip(self.collected.returns.max());
        self.collected
            .return_quantiles
            .add_single_buckets(counts, range);
    }

    /// Leaves out the curves by step, for good: their memory grows with the length of the episodes.
    pub fn drop_curves(&mut self) {
        self.collected.curves = None;
    }

    /// Tells whether there are curves by step.
    #[must_use]
    pub fn has_curves(&self) -> bool {
        self.collected.curves.is_some()
    }

    /// Counts the episodes.
    #[must_use]
    pub fn episodes(&self) -> u64 {
        self.collected.click_rate.units()
    }

    /// Counts the steps of all episodes.
    #[must_use]
    pub fn user_steps(&self) -> u64 {
        self.collected.click_rate.denominator()
    }

    /// Returns the moments of the returns.
    #[must_use]
    pub fn returns(&self) -> &Moments {
        &self.collected.returns
    }

    /// Returns the moments by which comparisons and stopping rules judge: those of the returns at the first discount, or of
    /// the plain returns if there is no discount.
    #[must_use]
    pub fn judged(&self) -> &Moments {
        self.collected
            .discounted
            .first()
            .unwrap_or(&self.collected.returns)
    }

    /// Rounds everything collected into the figures that are reported.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.collected)
    }
}

impl From<Statistics> for Collected {
    fn from(statistics: Statistics) -> Self {
        statistics.collected
    }
}

impl TryFrom<Collected> for Statistics {
    type Error = &'static str;

    /// Refuses contents that no campaign can have, so that a damaged file cannot pass for a result.
    fn try_from(mut collected: Collected) -> Result<Self, Self::Error> {
        let episodes = collected.click_rate.units();
        let counts =
            |moments: &Moments| u128::from(moments.count()) + u128::from(moments.non_finite());
        let finite = (
            collected.returns.count(),
            collected.returns.min().zip(collected.returns.max()),
        );
        if collected.lengths.count() != episodes
            || counts(&collected.returns) != u128::from(episodes)
        {
            return Err("returns, lengths and clicks are of different numbers of episodes");
        }
        if (
            collected.return_quantiles.count(),
            collected.return_quantiles.range(),
        ) != finite
        {
            return Err("moments and quantiles are of different returns");
        }
        if collected.truncated > episodes {
            return Err("more episodes were truncated than there were");
        }
        if collected.discounted.len() != collected.conditions.discounts.len() {
            return Err("there are not as many discounted returns as discounts");
        }
        if collected
            .discounted
            .iter()
            .any(|moments| counts(moments) != u128::from(episodes))
        {
            return Err("returns and discounted returns are of different numbers of episodes");
        }
        if collected.invalid_choices > collected.click_rate.denominator() {
            return Err("more choices were clamped than there were");
        }
        if collected.lengths.user_steps() != u128::from(collected.click_rate.denominator()) {
            return Err("lengths and clicks are of different numbers of user-steps");
        }
        let user_steps = collected.click_rate.denominator();
        if collected
            .positions
            .iter()
            .any(|position| position.denominator() != user_steps)
        {
            return Err("positions of the slate and clicks are of different numbers of user-steps");
        }
        let shares = &collected.topic_shares;
        let fits = |(share, topic): (&Ratio, &Ratio)| {
            share.denominator() == user_steps && share.numerator() == topic.numerator()
        };
        let is_whole = shares.len() == collected.topics.len()
            && shares.iter().zip(&collected.topics).all(fits);
        if !(shares.is_empty() || is_whole) {
            return Err("clicks by topic are of different numbers of clicks or user-steps");
        }
        if counts(&collected.reward_slope) != u128::from(collected.lengths.of_several_steps()) {
            return Err("reward slopes and lengths are of different episodes");
        }
        if let Some(curves) = collected.curves.take() {
            let curves = curves.checked(collected.lengths.max().unwrap_or(0));
            let curves = curves.ok_or("the curves per step do not end with the longest episode")?;
            collected.curves = Some(curves);
        }
        Ok(Self { collected })
    }
}

#[cfg(test)]
mod tests;
