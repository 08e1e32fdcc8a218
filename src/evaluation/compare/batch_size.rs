//! How many episodes a comparison runs at a time.

use crate::backend::{BLOCK_EPISODES, Simulation};
use crate::statistics::num_bins;
use std::time::Duration;

/// Episodes of the first batch, where no size is asked for.
const FIRST: u64 = 4096;
/// No batch has more episodes: this many fill the largest GPU.
const LARGEST: u64 = 1 << 18;
/// Bytes that the results of one simulation's batch may take.
const MOST_BYTES: u64 = 1 << 27;
/// A batch that takes less is followed by a larger one.
const SHORT: Duration = Duration::from_millis(250);
/// A batch that takes more is followed by a smaller one: Ctrl-C waits for the end of a batch.
const LONG: Duration = Duration::from_millis(750);

/// Chooses the size of batches: such that each takes some tenths of a second, or the size that was asked for.
#[derive(Debug)]
pub(super) struct BatchSize {
    blocks: u64,
    most_blocks: u64,
    is_fixed: bool,
}

impl BatchSize {
    pub(super) fn new(simulations: &[Simulation], asked: Option<u64>) -> Self {
        let steps = simulations
            .iter()
            .map(|simulation| num_bins(simulation.plan.num_steps()) as u64)
            .max();
        // 24 bytes for each episode, and 24 for each step or bin of a block: see `EpisodeBlock`.
        let bytes = 24 * BLOCK_EPISODES + 24 * steps.unwrap_or(0);
        let most_blocks = (MOST_BYTES / bytes).clamp(1, LARGEST / BLOCK_EPISODES);
        let blocks = asked.unwrap_or(FIRST).div_ceil(BLOCK_EPISODES).max(1);
        Self {
            blocks: blocks.min(most_blocks),
            most_blocks,
            is_fixed: asked.is_some(),
        }
    }

    pub(super) fn episodes(&self) -> u64 {
        self.blocks * BLOCK_EPISODES
    }

    /// Adapts the size of the next batch to the time that the last one took.
    pub(super) fn adapt(&mut self, took: Duration) {
        if self.is_fixed {
            return;
        }
        if took < SHORT {
            self.blocks = (2 * self.blocks).min(self.most_blocks);
        } else if took > LONG {
            self.blocks = (self.blocks / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::test_support::short_run;

    #[test]
    fn batches_grow_while_they_are_short_and_shrink_when_they_are_long() {
        let simulations = [registry::simulation(&short_run(&[])).unwrap()];
        let mut size = BatchSize::new(&simulations, None);
        assert_eq!(size.episodes(), FIRST);
        size.adapt(Duration::from_millis(1));
        assert_eq!(size.episodes(), 2 * FIRST);
        size.adapt(Duration::from_millis(500));
        assert_eq!(size.episodes(), 2 * FIRST);
        for _ in 0..20 {
            size.adapt(Duration::from_secs(9));
        }
        assert_eq!(size.episodes(), BLOCK_EPISODES);
        for _ in 0..20 {
            size.adapt(Duration::ZERO);
        }
        assert!((FIRST..=LARGEST).contains(&size.episodes()));
        let mut fixed = BatchSize::new(&simulations, Some(257));
        fixed.adapt(Duration::ZERO);
        assert_eq!(fixed.episodes(), 512);
    }
}
