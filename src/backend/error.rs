//! What can go wrong with a backend.

use super::gpu::GpuError;

/// Why a backend cannot be opened, or cannot compute what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The device failed, or cannot hold what is asked of it.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Threads could not be started.
    #[error("cannot start the worker threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// There is no backend of this name.
    #[error("the backend {given:?} is unknown; allowed is auto, gpu, cpu or reference")]
    Unknown {
        /// The name.
        given: String,
    },
    /// A GPU is chosen for a backend that uses none.
    #[error(
        "the adapter {adapter} is a GPU, and the backend {backend} computes on none; allowed with it is the backend gpu"
    )]
    Adapter {
        /// The adapter, as it was named.
        adapter: String,
        /// The name of the backend.
        backend: &'static str,
    },
    /// Users of one environment, for whom a policy of the simulation cannot recommend.
    #[error(
        "users_per_env = {given}, expected 1: the policy of a simulation recommends to one user at a time"
    )]
    SharedDocuments {
        /// How many users an environment has.
        given: usize,
    },
    /// The token belongs to another stepper, or the lanes have been stepped since it was given.
    #[error("the lanes have been stepped since they were kept, expected a look back before that")]
    NotKept,
}
