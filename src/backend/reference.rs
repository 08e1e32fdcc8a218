//! The oracle: one user at a time, in double precision, the plainest of the three.

use super::cpu::{Arithmetic, CpuBackend};
use super::error::BackendError;

/// Makes the reference backend, on all cores or on as many as asked for.
///
/// # Errors
/// [`BackendError::Threads`] if the threads cannot be started.
pub fn reference(num_threads: Option<usize>) -> Result<CpuBackend, BackendError> {
    CpuBackend::new(Arithmetic::Double, num_threads)
}
