//! What can go wrong with a campaign.

use crate::backend::{BLOCK_EPISODES, BackendError};
use crate::exact::ExactError;

/// Why episodes cannot be run as asked for, or their results cannot be combined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// There is no exact value.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// A configuration has no exact solution.
    #[error("`{key}` = {given} has no exact solution; allowed is {allowed}")]
    Unsolved {
        /// The dotted key.
        key: &'static str,
        /// Its value.
        given: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// There is no such shard.
    #[error("shard {index}/{count} does not exist: I counts from 0 to N - 1")]
    Shard {
        /// The shard asked for.
        index: u64,
        /// How many shards there are.
        count: u64,
    },
    /// The text does not name a shard.
    #[error("{text:?} is not a shard: write I/N with I from 0, such as 0/4")]
    ShardText {
        /// The text.
        text: String,
    },
    /// The range of episodes does not begin at the start of a block.
    #[error("the first episode is {start}, expected a multiple of {BLOCK_EPISODES}")]
    Unaligned {
        /// The first episode.
        start: u64,
    },
    /// The target precision cannot be reached by any number of episodes, or the bound is below the first look at the precision.
    #[error("`{what}` = {given} is not allowed; allowed is {allowed}")]
    Target {
        /// What was asked for.
        what: &'static str,
        /// Its value.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// This number of simulations cannot be compared.
    #[error("{given} to compare, expected from 2 to {most}")]
    NumCompared {
        /// How many there are.
        given: usize,
        /// How many can be compared.
        most: usize,
    },
    /// The simulations have different seeds, and so draw different random numbers.
    #[error("the seeds to compare are {a} and {b}, expected one seed for all")]
    Seeds {
        /// The first seed.
        a: u64,
        /// Another one.
        b: u64,
    },
    /// The results do not belong together.
    #[error("cannot merge {what}: {why}")]
    Merge {
        /// The results.
        what: String,
        /// What is wrong with them.
        why: String,
    },
}
