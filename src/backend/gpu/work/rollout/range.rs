//! How episodes of simulations are cut into batches.

use crate::backend::BLOCK_EPISODES;
use crate::backend::gpu::shader::blocks::BLOCK_LANES;
use std::ops::Range;

/// Which episodes of which simulations a batch runs: the same of each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchRange {
    /// The simulations, by their indices.
    pub(super) points: Range<usize>,
    /// The first episode of each.
    pub(super) first: u64,
    /// Episodes of each.
    pub(super) num_lanes: u32,
}

impl BatchRange {
    /// Lanes of each simulation: whole blocks.
    pub(super) fn lanes_per_point(&self) -> u32 {
        self.num_lanes.next_multiple_of(BLOCK_LANES)
    }

    /// Lanes of all simulations: the length of a row of lanes in a buffer.
    pub(super) fn stride(&self) -> u32 {
        word(self.points.len()) * self.lanes_per_point()
    }
}

/// Cuts the episodes of `num_points` simulations into batches, simulation by simulation: several of them together where
/// all their episodes fit.
pub(super) fn batch_ranges(
    num_points: usize,
    episodes: Range<u64>,
    batch_size: u32,
) -> impl Iterator<Item = BatchRange> {
    let batch = u64::from(batch_size);
    let per_point = (episodes.end - episodes.start)
        .next_multiple_of(BLOCK_EPISODES)
        .max(BLOCK_EPISODES);
    let together = usize::try_from((batch / per_point).max(1)).unwrap_or(usize::MAX);
    let mut next = (0, episodes.start);
    std::iter::from_fn(move || {
        let (point, first) = next;
        if point >= num_points || episodes.is_empty() {
            return None;
        }
        let points = point..num_points.min(point.saturating_add(together));
        let num_lanes = (episodes.end - first).min(batch);
        next = match first + num_lanes {
            end if end == episodes.end => (points.end, episodes.start),
            end => (point, end),
        };
        let num_lanes = u32::try_from(num_lanes).expect("at most a batch");
        Some(BatchRange {
            points,
            first,
            num_lanes,
        })
    })
}

/// Converts a number of lanes, or another number not above it, to a word of shaders.
pub(crate) fn word(number: usize) -> u32 {
    u32::try_from(number).expect("at most as many as a batch has lanes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(num_points: usize, episodes: Range<u64>, batch_size: u32) -> Vec<BatchRange> {
        batch_ranges(num_points, episodes, batch_size).collect()
    }

    fn range(points: Range<usize>, first: u64, num_lanes: u32) -> BatchRange {
        BatchRange {
            points,
            first,
            num_lanes,
        }
    }

    #[test]
    fn simulations_share_a_batch_where_all_their_episodes_fit() {
        assert_eq!(
            cut(5, 0..300, 1024),
            [
                range(0..2, 0, 300),
                range(2..4, 0, 300),
                range(4..5, 0, 300)
            ]
        );
        assert_eq!(cut(3, 512..600, 8192), [range(0..3, 512, 88)]);
        assert_eq!(range(0..2, 0, 300).stride(), 1024);
    }

    #[test]
    fn episodes_that_do_not_fit_together_are_cut_simulation_by_simulation() {
        assert_eq!(
            cut(2, 0..700, 512),
            [
                range(0..1, 0, 512),
                range(0..1, 512, 188),
                range(1..2, 0, 512),
                range(1..2, 512, 188)
            ]
        );
        assert!(cut(3, 256..256, 512).is_empty());
        assert_eq!(cut(1, u64::MAX - 255..u64::MAX, 256).len(), 1);
    }
}
