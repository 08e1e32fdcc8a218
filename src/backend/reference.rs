//! The oracle: one user at a time, in double precision, the plainest of the three.

use super::cpu::{Arithmetic, CpuBackend};
use crate::error::Error;

/// Makes the reference backend, on all cores or on as many as asked for.
///
/// # Errors
/// [`Error::Threads`] if the threads cannot be started.
pub fn reference(num_threads: Option<usize>) -> Result<CpuBackend, Error> {
    CpuBackend::new(Arithmetic::Double, num_threads)
}
