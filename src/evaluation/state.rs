//! What a report must carry so that it can be merged.

use super::ranges::{EpisodeRange, count, difference, told};
use crate::backend::BLOCK_EPISODES;
use crate::statistics::{Moments, Statistics};
use serde::{Deserialize, Serialize};

/// Holds the exact state of a campaign: which episodes of which run, and their statistics.
///
/// In the JSON of a report it also has a `hash`: FNV-1a of what the report holds, however its numbers are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of the layout of random draws, [`LAYOUT_VERSION`](crate::rng::LAYOUT_VERSION).
    pub layout: u32,
    /// Version of this package.
    pub slatesim: String,
    /// Episodes of the whole run.
    pub requested_episodes: u64,
    /// The episodes of the whole run, ascending and apart; empty where they are the first `requested_episodes`, or of
    /// several seeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_ranges: Vec<EpisodeRange>,
    /// Steps after which an episode is truncated, if that was given.
    pub max_steps: Option<u32>,
    /// The episodes that are in the statistics, ascending and apart; empty where they are of several seeds.
    pub episode_ranges: Vec<EpisodeRange>,
    /// The seeds, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pooled: Vec<SeedState>,
    /// All that was collected.
    pub statistics: Statistics,
}

/// Holds which episodes of one of several seeds are in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedState {
    /// The seed.
    pub seed: u64,
    /// The episodes of the whole run with this seed, ascending and apart.
    pub requested_ranges: Vec<EpisodeRange>,
    /// The episodes of this seed that are in the statistics, in ascending order and apart.
    pub episode_ranges: Vec<EpisodeRange>,
    /// The moments of their returns.
    pub returns: Moments,
}

impl SeedState {
    /// Lists the episodes that are missing.
    #[must_use]
    pub fn lacking(&self) -> Vec<EpisodeRange> {
        difference(&self.requested_ranges, &self.episode_ranges)
    }

    fn defect(&self) -> Option<String> {
        for ranges in [&self.requested_ranges, &self.episode_ranges] {
            let mut least = 0;
            for &(start, end) in ranges {
                if start >= end || start < least || !start.is_multiple_of(BLOCK_EPISODES) {
                    return Some(format!(
                        "it holds an impossible range of episodes, {start} to {end}"
                    ));
                }
                least = end;
            }
        }
        let outside = difference(&self.episode_ranges, &self.requested_ranges);
        (!outside.is_empty()).then(|| {
            format!(
                "it holds episodes that were not asked for, {}",
                told(&outside)
            )
        })
    }
}

impl State {
    /// Lists the seeds with their episodes; `seed` is that of the report, for a state of one seed.
    #[must_use]
    pub fn by_seed(&self, seed: u64) -> Vec<SeedState> {
        if !self.pooled.is_empty() {
            return self.pooled.clone();
        }
        let requested_ranges = if self.requested_ranges.is_empty() && self.requested_episodes > 0 {
            vec![(0, self.requested_episodes)]
        } else {
            self.requested_ranges.clone()
        };
        vec![SeedState {
            seed,
            requested_ranges,
            episode_ranges: self.episode_ranges.clone(),
            returns: self.statistics.returns().clone(),
        }]
    }

    /// Says which episodes are missing, as in `256 to 511`, with the seeds where there are several.
    #[must_use]
    pub fn told_lacking(&self) -> String {
        let of = |one: SeedState| {
            let lacking = one.lacking();
            (!lacking.is_empty()).then(|| match self.pooled.is_empty() {
                true => told(&lacking),
                false => format!("{} of the seed {}", told(&lacking), one.seed),
            })
        };
        let parts: Vec<String> = self.by_seed(0).into_iter().filter_map(of).collect();
        parts.join("; ")
    }

    /// Tells whether all episodes of the run are in the statistics.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.statistics.episodes() == self.requested_episodes
    }

    /// Finds a property that no state written by [`Report`](super::Report) has.
    pub(super) fn defect(&self) -> Option<String> {
        let by_seed = self.by_seed(0);
        if let Some(defect) = by_seed.iter().find_map(SeedState::defect) {
            return Some(defect);
        }
        if !self.pooled.is_empty() {
            let is_of_one = !(self.requested_ranges.is_empty() && self.episode_ranges.is_empty());
            let is_ascending = self.pooled.is_sorted_by(|a, b| a.seed < b.seed);
            if is_of_one || !is_ascending || self.pooled.len() < 2 {
                return Some("its seeds are not several, in ascending order".to_owned());
            }
            let mut returns = Moments::new();
            for one in &self.pooled {
                returns.merge(&one.returns);
                if Some(one.returns.count() + one.returns.non_finite())
                    != count(&one.episode_ranges)
                {
                    return Some(format!(
                        "its returns of the seed {} are of other episodes than its ranges",
                        one.seed
                    ));
                }
            }
            if returns != *self.statistics.returns() {
                return Some("its returns are not those of its seeds together".to_owned());
            }
        }
        let total = |part: fn(&SeedState) -> &Vec<EpisodeRange>| {
            by_seed
                .iter()
                .try_fold(0u64, |sum, one| sum.checked_add(count(part(one))?))
        };
        let episodes = self.statistics.episodes();
        if total(|one| &one.episode_ranges) != Some(episodes) {
            return Some(format!(
                "its ranges are not of the {episodes} episodes of its statistics"
            ));
        }
        (total(|one| &one.requested_ranges) != Some(self.requested_episodes)).then(|| {
            format!(
                "what was asked for is not {} episodes",
                self.requested_episodes
            )
        })
    }
}
