//! What can go wrong, as one type.

use crate::agent::AgentError;
use crate::backend::BLOCK_EPISODES;
use crate::backend::BackendError;
use crate::backend::gpu::GpuError;
use crate::config::ConfigError;
use crate::evaluation::trace::TraceError;
use crate::statistics::StatisticsError;
use crate::vec_env::VecEnvError;

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device failed, or there is none.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Results cannot be combined.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
    /// A trace file cannot be written or read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// An agent cannot be made, cannot act there, or cannot be saved or loaded.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A backend cannot compute what it was asked for.
    #[error(transparent)]
    Backend(BackendError),
    /// Environments cannot be made, or do not take what they are given.
    #[error(transparent)]
    VecEnv(VecEnvError),
    /// Threads could not be started.
    #[error("cannot start the worker threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// An array has the wrong shape.
    #[error("`{what}` has shape {given:?}, expected {expected:?}")]
    Shape {
        /// The array.
        what: &'static str,
        /// The shape it has.
        given: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A finite model whose values have no bound.
    #[error("episodes can last for ever: the exact return has no bound")]
    Endless,
    /// A discount factor that cannot be.
    #[error("a discount factor of {given}, expected from 0 to 1")]
    Discount {
        /// The factor.
        given: f64,
    },
    /// A shard that does not exist.
    #[error("shard {index}/{count} does not exist: I counts from 0 to N - 1")]
    Shard {
        /// The shard asked for.
        index: u64,
        /// How many there are.
        count: u64,
    },
    /// A text that names no shard.
    #[error("{text:?} is not a shard: write I/N with I from 0, such as 0/4")]
    ShardText {
        /// The text.
        text: String,
    },
    /// Episodes that do not begin where a block does.
    #[error("the first episode is {start}, expected a multiple of {BLOCK_EPISODES}")]
    Unaligned {
        /// The first episode.
        start: u64,
    },
    /// A precision that no number of episodes reaches, or a bound below the first look at it.
    #[error("`{what}` = {given} is not allowed; allowed is {allowed}")]
    Target {
        /// What was asked for.
        what: &'static str,
        /// Its value.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// A number of simulations that cannot be compared.
    #[error("{given} to compare, expected from 2 to {most}")]
    NumCompared {
        /// How many there are.
        given: usize,
        /// How many can be compared.
        most: usize,
    },
    /// Simulations that draw different random numbers.
    #[error("the seeds to compare are {a} and {b}, expected one seed for all")]
    Seeds {
        /// The first seed.
        a: u64,
        /// Another one.
        b: u64,
    },
    /// Results that do not belong together.
    #[error("cannot merge {what}: {why}")]
    Merge {
        /// The results.
        what: String,
        /// What is wrong with them.
        why: String,
    },
}

/// A device that fails is [`Error::Gpu`], whatever it was to do.
impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Gpu(error) => Self::Gpu(error),
            error => Self::Backend(error),
        }
    }
}

/// Likewise.
impl From<VecEnvError> for Error {
    fn from(error: VecEnvError) -> Self {
        match error {
            VecEnvError::Backend(error) => error.into(),
            error => Self::VecEnv(error),
        }
    }
}
