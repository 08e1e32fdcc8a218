//! What a campaign has collected, as it is written and read.

use super::curves::Curves;
use super::lengths::Lengths;
use super::moments::Moments;
use super::quantiles::Quantiles;
use super::ratio::Ratio;
use super::tally::BlockTally;
use serde::{Deserialize, Serialize};

/// What [`Statistics`](super::Statistics) has collected: as it is written, and as it is read before it is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collected {
    pub(super) returns: Moments,
    pub(super) return_quantiles: Quantiles,
    pub(super) lengths: Lengths,
    /// Clicks by user-steps; a unit is an episode.
    pub(super) click_rate: Ratio,
    pub(super) reward_slope: Moments,
    /// Sums per step; `None` where they are left out.
    #[serde(default)]
    pub(super) curves: Option<Curves>,
    /// Choices whose scores were clamped.
    pub(super) invalid_choices: u64,
    /// Episodes that were cut off at `max_steps`.
    #[serde(default)]
    pub(super) truncated: u64,
    /// Returns at each of the discounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) discounted: Vec<Moments>,
    #[serde(default)]
    pub(super) conditions: Conditions,
    /// Clicks by impressions of each topic; a unit is a block.
    pub(super) topics: Vec<Ratio>,
    /// Clicks by user-steps of each topic; a unit is a block. Empty in results from before it was collected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) topic_shares: Vec<Ratio>,
    /// Clicks by user-steps of each position of the slate; a unit is a block. Empty without episodes.
    // The name in JSON is older than the word position.
    #[serde(rename = "slots")]
    pub(super) positions: Vec<Ratio>,
    /// Quality by clicks; a unit is a block.
    pub(super) clicked_quality: Option<Ratio>,
}

/// The conditions of a run that figures depend on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The step at which episodes are truncated, given or built in, or at which all have ended; `None` where that is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// Discounts of the returns that are reported besides the plain one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<f64>,
    /// The relative size of a rounding of the backend: no standard error below this times the mean is reported.
    #[serde(default)]
    pub resolution: f64,
}

impl Collected {
    /// Starts to add up blocks for [`add_blocks`](Self::add_blocks).
    pub(super) fn block_tally(&self) -> BlockTally {
        BlockTally::new(self.topics.len(), self.clicked_quality.is_some())
    }

    /// Adds the totals of blocks of at least one episode each.
    pub(super) fn add_blocks(&mut self, blocks: &BlockTally) {
        let units = blocks.units;
        if units == 0 {
            return;
        }
        self.invalid_choices += blocks.invalid_choices;
        self.truncated += blocks.truncated;
        for (topic, sums) in self.topics.iter_mut().zip(&blocks.topics) {
            topic.add_products(units, sums);
        }
        for (share, sums) in self.topic_shares.iter_mut().zip(&blocks.topic_shares) {
            share.add_products(units, sums);
        }
        if self.positions.is_empty() {
            self.positions = vec![Ratio::default(); blocks.positions.len()];
        }
        assert_eq!(
            self.positions.len(),
            blocks.positions.len(),
            "blocks of one environment have slates of one size"
        );
        for (position, sums) in self.positions.iter_mut().zip(&blocks.positions) {
            position.add_products(units, sums);
        }
        if let (Some(quality), Some(other)) = (&mut self.clicked_quality, &blocks.quality) {
            quality.merge(other);
        }
    }
}
