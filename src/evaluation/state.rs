//! What a report must carry so that it can be merged.

use crate::backend::BLOCK_EPISODES;
use crate::statistics::Statistics;
use serde::{Deserialize, Serialize};

/// The first of some consecutive episodes, and the one after the last.
pub type EpisodeRange = (u64, u64);

/// Holds the exact state of a campaign: which episodes of which run, and their statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of the layout of random draws, [`LAYOUT_VERSION`](crate::rng::LAYOUT_VERSION).
    pub layout: u32,
    /// Version of this package.
    pub slatesim: String,
    /// Episodes of the whole run.
    pub requested_episodes: u64,
    /// Steps after which an episode is truncated, if that was given.
    pub max_steps: Option<u32>,
    /// The episodes that are in the statistics, ascending and apart.
    pub episode_ranges: Vec<EpisodeRange>,
    /// All that was collected.
    pub statistics: Statistics,
}

impl State {
    /// Tells whether all episodes of the run are in the statistics.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.statistics.episodes() == self.requested_episodes
    }

    /// Finds what cannot be in a state that was written by [`Report`](super::Report).
    pub(super) fn defect(&self) -> Option<String> {
        let mut least = 0;
        let mut total: u64 = 0;
        for &(start, end) in &self.episode_ranges {
            let at_blocks = start.is_multiple_of(BLOCK_EPISODES)
                && (end.is_multiple_of(BLOCK_EPISODES) || end == self.requested_episodes);
            if start >= end || start < least || end > self.requested_episodes || !at_blocks {
                return Some(format!(
                    "it holds an impossible range of episodes, {start} to {end}"
                ));
            }
            least = end;
            total += end - start;
        }
        let episodes = self.statistics.episodes();
        (total != episodes)
            .then(|| format!("its ranges have {total} episodes, its statistics {episodes}"))
    }
}

/// Joins ranges that touch.
///
/// Returns two ranges that overlap as the error.
pub(super) fn union(mut ranges: Vec<EpisodeRange>) -> Result<Vec<EpisodeRange>, [EpisodeRange; 2]> {
    ranges.sort_unstable();
    let mut joined: Vec<EpisodeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.0 < last.1 => return Err([*last, range]),
            Some(last) if range.0 == last.1 => last.1 = range.1,
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_where_they_touch() {
        assert_eq!(
            union(vec![(512, 600), (0, 256), (256, 512)]),
            Ok(vec![(0, 600)])
        );
        assert_eq!(
            union(vec![(512, 600), (0, 256)]),
            Ok(vec![(0, 256), (512, 600)])
        );
        assert_eq!(union(vec![]), Ok(vec![]));
        assert_eq!(
            union(vec![(0, 512), (256, 300)]),
            Err([(0, 512), (256, 300)])
        );
    }
}
