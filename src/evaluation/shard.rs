//! Shards: parts of a run that several machines share.

use super::error::EvaluationError;
use crate::backend::BLOCK_EPISODES;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Names one of `count` parts of a run, counted from 0.
///
/// Parts are made of whole blocks of [`BLOCK_EPISODES`] episodes, and differ by one block at most:
///
/// ```text
/// B = ceil(episodes / 256), shard i of N takes the blocks floor(i B / N) .. floor((i + 1) B / N)
/// ```
///
/// If there are more shards than blocks, some shards are empty.
///
/// ```
/// let shard: slatesim::evaluation::Shard = "1/3".parse()?;
/// assert_eq!(shard.episodes(1000), 256..512);
/// # Ok::<(), slatesim::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Names shard `index` of `count`.
    ///
    /// # Errors
    /// [`EvaluationError::Shard`] unless `index` is below `count`.
    pub fn new(index: u64, count: u64) -> Result<Self, EvaluationError> {
        if index < count {
            Ok(Self { index, count })
        } else {
            Err(EvaluationError::Shard { index, count })
        }
    }

    /// Returns the number of this shard, from 0.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// Returns how many shards there are.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// Returns the shard's part of a run.
    ///
    /// # Panics
    /// Never: a part ends with the run at the latest.
    #[must_use]
    pub fn episodes(self, episodes: u64) -> Range<u64> {
        let blocks = u128::from(episodes.div_ceil(BLOCK_EPISODES));
        let boundary = |index: u64| {
            let block = u128::from(index) * blocks / u128::from(self.count);
            let episode = (block * u128::from(BLOCK_EPISODES)).min(u128::from(episodes));
            u64::try_from(episode).expect("at most the number of episodes")
        };
        boundary(self.index)..boundary(self.index + 1)
    }
}

impl Shard {
    /// Returns the shard's part of a list of points: shard i of N takes floor(i P / N) .. floor((i + 1) P / N).
    ///
    /// # Panics
    /// Never: a part ends with the list at the latest.
    #[must_use]
    pub fn points(self, points: usize) -> Range<usize> {
        let boundary = |index: u64| {
            let point = u128::from(index) * points as u128 / u128::from(self.count);
            usize::try_from(point).expect("at most the number of points")
        };
        boundary(self.index)..boundary(self.index + 1)
    }
}

impl FromStr for Shard {
    type Err = EvaluationError;

    fn from_str(text: &str) -> Result<Self, EvaluationError> {
        let number = |digits: &str| {
            let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            all_digits.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let parts = text.split_once('/');
        let parts = parts.and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let (index, count) = parts.ok_or_else(|| EvaluationError::ShardText {
            text: text.to_owned(),
        })?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_are_whole_blocks_that_cover_the_run_once(
            episodes in prop_oneof![0..100_000u64, Just(u64::MAX), Just(1 << 63)],
            count in 1..2_000u64,
        ) {
            let mut next = 0;
            let mut sizes = Vec::new();
            for index in 0..count {
                let part = Shard::new(index, count).unwrap().episodes(episodes);
                prop_assert_eq!(part.start, next);
                prop_assert!(part.is_empty() || part.start.is_multiple_of(BLOCK_EPISODES));
                prop_assert!(part.end.is_multiple_of(BLOCK_EPISODES) || part.end == episodes);
                sizes.push((part.end - part.start).div_ceil(BLOCK_EPISODES));
                next = part.end;
            }
            prop_assert_eq!(next, episodes);
            let spread = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
            prop_assert!(spread <= 1);
        }

        #[test]
        fn shards_of_points_cover_them_once(points in 0..5_000usize, count in 1..700u64) {
            let mut next = 0;
            for index in 0..count {
                let part = Shard::new(index, count).unwrap().points(points);
                prop_assert_eq!(part.start, next);
                next = part.end;
            }
            prop_assert_eq!(next, points);
        }

        #[test]
        fn a_shard_reads_as_it_is_written(count in 1..=u64::MAX, draw in any::<u64>()) {
            let shard = Shard::new(draw % count, count).unwrap();
            prop_assert_eq!(shard.to_string().parse::<Shard>().unwrap(), shard);
        }
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        let last = Shard::new(u64::MAX - 1, u64::MAX).unwrap();
        assert_eq!(last.episodes(1000), 768..1000);
        assert_eq!(last.episodes(u64::MAX), u64::MAX - u64::MAX % 256..u64::MAX);
    }

    #[test]
    fn what_is_no_shard_is_refused_with_the_form_it_should_have() {
        for text in [
            "", "/", "1", "1/", "/2", "a/b", "+0/2", "-1/2", "0/2/3", " 0/2", "0 / 2", "1.0/2",
        ] {
            let message = text.parse::<Shard>().unwrap_err().to_string();
            assert!(message.contains("write I/N"), "{text:?}: {message}");
        }
        for text in ["2/2", "3/2", "0/0"] {
            let message = text.parse::<Shard>().unwrap_err().to_string();
            assert!(message.contains("does not exist"), "{text:?}: {message}");
        }
    }
}
