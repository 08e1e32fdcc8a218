//! What can go wrong, as one type.

use crate::backend::gpu::GpuError;
use crate::config::ConfigError;
use crate::statistics::StatisticsError;

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
    /// A slate names a document that is not offered.
    #[error("lane {lane} recommends candidate {given}, expected an index below {num_candidates}")]
    Candidate {
        /// The lane.
        lane: usize,
        /// The index.
        given: u32,
        /// How many candidates there are.
        num_candidates: u32,
    },
    /// Stepped before the first reset.
    #[error("a step before the first reset")]
    NotReset,
    /// A shard that does not exist.
    #[error("shard {index}/{count} does not exist: I counts from 0 to N - 1")]
    Shard {
        /// The shard asked for.
        index: u64,
        /// How many there are.
        count: u64,
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
